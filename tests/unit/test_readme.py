"""No block of code in the README stands there untested; the suite of the chart types the first of them."""

from __future__ import annotations

import re
from typing import Final

import yaml

from deploy.local.replica import PROJECT
from tests.docs.consoles import Typed, alike, typed
from tests.docs.pages import read

README: Final = read(PROJECT / "README.md")
EXAMPLE: Final = (PROJECT / "deploy" / "examples" / "mycron.yaml").read_text()


def test_each_block_is_typed_by_a_test_or_is_the_object_or_is_one_target() -> None:
    shell, *others = README.blocks
    assert [one.command.split()[0] for one in typed(shell)] == ["helm", "kubectl", "kubectl", "kubectl"]
    manifest, *targets = others
    assert yaml.safe_load(manifest) == yaml.safe_load(EXAMPLE)
    assert [re.fullmatch(r"make ([a-z-]+)\n", target)[1] for target in targets] == ["demo", "test"]  # type: ignore[index]


def test_what_is_typed_is_told_from_what_comes_back() -> None:
    assert typed("$ first\n$ second -f x\nsaid\n  more\n") == [
        Typed("first", ""),
        Typed("second -f x", "said\n  more\n"),
    ]
    assert typed("make demo\n") == []


def test_ages_instants_pods_and_the_width_of_columns_may_differ_and_nothing_else() -> None:
    shown = "NAME     OWNER                    AGE\na   2026-11-29T23:34:00Z   dcron-665984b674-hbvtc   1s\n"
    said = "NAME   OWNER   AGE\na   2027-01-01T00:00:00Z   dcron-7f-abcde   2m10s"
    assert alike(shown, said)
    assert not alike(shown, said.replace("AGE", "UP"))
    assert not alike(shown, said + "\nb")

"""The page of the plugin names each command, each option of kubectl's and each exit code, as they are."""

from __future__ import annotations

import re

import pytest

from deploy.local.replica import PROJECT
from plugin import failures
from plugin.__main__ import INTERRUPTED
from plugin.commands import cli
from plugin.failures import Failure

PAGE = (PROJECT / "docs" / "kubectl.md").read_text()


@pytest.mark.parametrize("command", sorted(set(cli.commands) - {"completion"}))
def test_each_command_has_an_example(command: str) -> None:
    assert re.search(rf"^\$ kubectl dcron {command}\b", PAGE, re.MULTILINE)
    assert re.search(rf"^## .*\b{command}\b", PAGE, re.MULTILINE)


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert set(re.findall(r"kubectl dcron ([a-z]+)", PAGE)) <= set(cli.commands)


def test_each_exit_code_is_told() -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    kinds = [kind for kind in vars(failures).values() if isinstance(kind, type) and issubclass(kind, Failure)]
    assert rows == {0, INTERRUPTED, *(kind.exit_code for kind in kinds)}


def test_links_within_the_page_lead_somewhere() -> None:
    heads = [
        re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", PAGE, re.M)
    ]
    links = re.findall(r"\]\(#([^)]*)\)", PAGE)
    assert links
    assert set(links) <= set(heads)


@pytest.mark.parametrize("page", ["reference.md", "schedules.md"])
def test_links_to_other_pages_lead_somewhere(page: str) -> None:
    text = (PROJECT / "docs" / page).read_text()
    heads = {
        re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.M)
    }
    links = re.findall(rf"\]\({re.escape(page)}#([^)]*)\)", PAGE)
    assert set(links) <= heads

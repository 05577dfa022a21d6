"""The edits that make the manifests of the parity tests ours, held against all of them and a text made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.spec import API_VERSION, KIND
from tests.cluster.conversion import MANIFESTS, converted, firing_at, is_suspended, name_of, resumed, together

AT = datetime(2026, 3, 2, 12, 37, tzinfo=UTC)

PLAIN = """\
# A CronJob of apiVersion: batch/v1 and kind: CronJob.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: '@daily'
  suspend: true
  jobTemplate:
    spec:
      suspend: true
      template:
        spec:
          containers:
          - {name: main, env: [{name: schedule, value: "kind: CronJob"}]}
"""


def changed(before: str, after: str) -> list[str]:
    """The lines that an edit has put in the place of others."""
    return [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]


def test_only_version_and_kind_are_changed() -> None:
    assert changed(PLAIN, converted(PLAIN)) == ["apiVersion: dcron.io/v1", "kind: DistributedCronJob"]


def test_only_the_schedule_is_changed() -> None:
    assert changed(PLAIN, firing_at(AT, PLAIN)) == ['  schedule: "7-59/15 * * * *"']


def test_the_twin_of_a_suspended_object_is_another_that_is_not() -> None:
    assert is_suspended(PLAIN)
    assert changed(PLAIN, resumed(PLAIN)) == ["  name: report-resumed", "  suspend: false"]


def test_only_the_object_counts_as_suspended_and_not_its_jobs() -> None:
    assert not is_suspended(PLAIN.replace("  suspend: true\n  jobTemplate", "  jobTemplate"))


@pytest.mark.parametrize("edit", [converted, resumed, lambda text: firing_at(AT, text)])
def test_a_text_without_the_place_is_no_manifest(edit: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match="nothing there like"):
        edit("kind: CronJobs\n")


def test_manifests_go_together_as_a_stream() -> None:
    assert [name_of(converted(PLAIN)), name_of(firing_at(AT, PLAIN))] == ["report", "report"]
    assert len(list(yaml.safe_load_all(together([PLAIN, PLAIN])))) == 2


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_every_manifest_can_be_edited_without_touching_anything_else(path: Path) -> None:
    text = path.read_text()
    before, after = json.dumps(_body(text)), _body(firing_at(AT, converted(text)))
    assert (after["apiVersion"], after["kind"]) == (API_VERSION, KIND)
    assert after["spec"]["schedule"] == "7-59/15 * * * *"
    after |= {"apiVersion": "batch/v1", "kind": "CronJob"}
    after["spec"]["schedule"] = _body(text)["spec"]["schedule"]
    assert json.dumps(after) == before


def test_there_are_many_manifests_and_each_has_a_name_of_its_own() -> None:
    assert len({name_of(path.read_text()) for path in MANIFESTS}) == len(MANIFESTS) >= 20


def _body(text: str) -> dict[str, Any]:
    (body,) = (body for body in yaml.safe_load_all(text) if body)
    found: dict[str, Any] = body
    return found

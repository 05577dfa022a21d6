"""`lint`: each mistake with its line, nothing invented, and what is accepted here is what the CRD accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from deploy.local.replica import PROJECT
from plugin import lint
from plugin.lint import linted
from tests.cluster.conversion import MANIFESTS
from tests.cluster.conversion import converted as by_hand
from tests.unit.plugin.fake import FakeCluster, dcron

GOOD = """\
apiVersion: dcron.io/v1
kind: DistributedCronJob
metadata:
  name: report
  annotations: {}
spec:
  schedule: "H 1 * * *"
  jobTemplate:
    spec:
      template: {anything: goes}
"""
CRD = PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml"


def found(old: str, new: str) -> list[tuple[int, str, str, bool]]:
    """What is wrong with the good manifest once a part of it reads otherwise."""
    assert old in GOOD
    return [(one.line, one.path, one.sentence, one.serious) for one in linted(GOOD.replace(old, new), "x")[1]]


def test_a_good_manifest_has_no_mistake() -> None:
    assert linted(GOOD, "x") == (1, [])


@pytest.mark.parametrize("path", sorted((PROJECT / "deploy" / "examples").iterdir()), ids=lambda path: path.stem)
def test_the_examples_have_no_mistake(path: Path) -> None:
    count, mistakes = linted(path.read_text(), path.name)
    assert count >= 1
    assert mistakes == []


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_what_the_api_server_takes_has_no_mistake(path: Path) -> None:
    assert linted(by_hand(path.read_text()), path.name) == (1, [])


def test_the_schema_is_that_of_the_crd() -> None:
    crd = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert lint.schema()["properties"]["spec"] == crd["properties"]["spec"]


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("shedule: x", "there is no such field; schedule is meant, perhaps"),
        ("timezone: x", "there is no such field; timeZone is meant, perhaps"),
        ("zzz: x", "there is no such field"),
        ("suspend: 'no'", "it must be true or false, and is 'no'"),
        ("maxRuns: 1.5", "it must be a whole number, and is 1.5"),
        ("maxRuns: true", "it must be a whole number, and is True"),
        ("maxRuns: 0", "it must be at least 1, and is 0"),
        ("maxRuns:", "it has no value"),
        ("queueLimit: 1001", "it must be at most 1000, and is 1001"),
        ("dstGap: Never", "it must be one of Skip, After, and is 'Never'"),
        ("startTime: '12:30'", "it must be an instant such as 2026-01-31T08:00:00Z, and is '12:30'"),
        ("startTime: 12:30", "it must be an instant such as 2026-01-31T08:00:00Z, and is '12:30'"),
        ("schedules: ['* * * * *']", "schedule and schedules are both set; set only one of them"),
        ("schedules: []", "it must have at least 1 items, and has 0"),
        ("timeZone: Mars/Base", "time zone 'Mars/Base' is not known; use an IANA name like Europe/Paris"),
    ],
)
def test_a_field_that_is_wrong_is_told_with_its_line(field: str, sentence: str) -> None:
    told = found("  schedule:", f"  {field}\n  schedule:")
    assert (7, f"spec.{field.split(':')[0]}", sentence, True) in told


REFUSED = "schedule '61 * * * *': minute: 61 is not between 0 and 59"
NEVER = "schedule '30 2 31 2 *': day of month: 31 never comes in month 2"
MISSING = "a schedule is missing; set schedule, or schedules for several"
BOUNDS = "startTime: 2026-02-01T00:00:00Z\n  endTime: 2026-01-01T00:00:00Z\n  schedule:"
SEVERAL = "schedules:\n  - '* * * * *'\n  - 61 * * * *"
SCHEDULE = 'schedule: "H 1 * * *"'


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "sentence"),
    [
        ("kind:", "specs: {}\nkind:", 2, "specs", "there is no such field; spec is meant, perhaps"),
        ("  name:", "  label: {}\n  name:", 4, "metadata.label", "there is no such field; labels is meant, perhaps"),
        ("annotations: {}", "annotations: {a: 1}", 5, "metadata.annotations.a", "it must be a string, and is 1"),
        ("  name: report", "  labels: {}", 4, "metadata.name", "it is missing"),
        (SCHEDULE, f"schedule: '{'x' * 300}'", 7, "spec.schedule", "it must have at most 256 characters, and has 300"),
        (SCHEDULE, "schedule: 61 * * * *", 7, "spec.schedule", REFUSED),
        (SCHEDULE, "schedule: 30 2 31 2 *", 7, "spec.schedule", NEVER),
        (SCHEDULE, "suspend: true", 7, "spec.schedule", MISSING),
        (SCHEDULE, SEVERAL, 9, "spec.schedules[1]", REFUSED),
        ("schedule:", BOUNDS, 8, "spec.endTime", "it must be later than spec.startTime"),
        ("dcron.io/v1", "dcron.io/v2", 1, "apiVersion", "it must be dcron.io/v1"),
        (
            "    spec:\n      template: {anything: goes}",
            "    metadata: {}",
            9,
            "spec.jobTemplate.spec",
            "it is missing",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int, path: str, sentence: str) -> None:
    assert (line, path, sentence, True) in found(old, new)


@pytest.mark.parametrize(
    ("mark", "sentence", "serious"),
    [
        ("dcron.io/suspend-until: soon", "dcron.io/suspend-until is 'soon'", True),
        ("dcron.io/backfill: x", "dcron.io/backfill is 'x'", True),
        ("dcron.io/backfill: 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z", "of a new object it is only noted", False),
        ("dcron.io/trigger: x", "of a new object it is only noted", False),
        ("dcron.io/suspend-reason: x", "without dcron.io/suspend-until it pauses nothing", False),
        ("dcron.io/pause: x", "nobody reads it", False),
    ],
)
def test_annotations_of_ours_are_read(mark: str, sentence: str, serious: bool) -> None:
    told = [one for one in found("annotations: {}", f"annotations: {{{mark}}}") if sentence in one[2]]
    assert [one[3] for one in told] == [serious]


def test_a_pause_with_its_reason_is_well() -> None:
    marks = "{dcron.io/suspend-until: 2026-01-01T00:00:00Z, dcron.io/suspend-reason: x, other: y}"
    assert found("annotations: {}", f"annotations: {marks}") == []


def test_anchors_and_merges_are_read_as_what_they_say() -> None:
    text = GOOD.replace("spec:\n  schedule", "spec:\n  <<: {suspend: yes please}\n  schedule", 1)
    assert [one.path for one in linted(text, "x")[1]] == ["spec.suspend"]


def test_only_ours_are_judged() -> None:
    assert linted("apiVersion: v1\nkind: Secret\n---\n" + GOOD + "---\nkind: List\nitems: []\n", "x") == (1, [])


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD)
    bad.write_text(GOOD.replace("annotations: {}", "annotations: {dcron.io/x: y}") + "  zzz: 1\n")
    assert dcron(FakeCluster(), "lint", str(good)) == 0
    assert capsys.readouterr().out == "1 DistributedCronJob, no mistakes\n"
    assert dcron(FakeCluster(), "lint", str(good), str(bad)) == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"{bad}:5: note: metadata.annotations.dcron.io/x: nobody reads it",
        f"{bad}:11: spec.zzz: there is no such field",
        "2 DistributedCronJobs, 1 mistake",
    ]
    assert told.err == f"error: 1 mistake in {bad}\n"
    dcron(FakeCluster(), "lint", str(bad), "-o", "json")
    assert [one["serious"] for one in json.loads(capsys.readouterr().out)["mistakes"]] == [False, True]
    bad.write_text(GOOD.replace("annotations: {}", "annotations: {dcron.io/x: y}"))
    assert dcron(FakeCluster(), "lint", str(bad)) == 0, "a note is no mistake"


def test_nonsense_of_any_shape_is_a_mistake_and_no_crash() -> None:
    for spec in (
        "1",
        "[]",
        "{schedule: [], schedules: 5, jobTemplate: x, timeZone: 1}",
        "{startTime: {}, schedules: [{}]}",
    ):
        text = f"apiVersion: dcron.io/v1\nkind: DistributedCronJob\nmetadata: {{name: x}}\nspec: {spec}\n"
        assert linted(text, "x")[1]
    for meta in ("1", "[]", "{name: {}, annotations: [], labels: x}", "{name: x, annotations: {dcron.io/trigger: 1}}"):
        text = f"apiVersion: dcron.io/v1\nkind: DistributedCronJob\nmetadata: {meta}\nspec: {{}}\n"
        assert linted(text, "x")[1]

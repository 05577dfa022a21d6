"""A CronJob of batch/v1 in a file becomes ours, and everything around it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from plugin import conversion
from plugin.conversion import converted
from plugin.failures import Unfulfilled
from tests.cluster.conversion import MANIFESTS
from tests.cluster.conversion import converted as by_hand
from tests.unit.plugin.fake import FakeCluster, dcron

PLAIN = """\
# Reports.
apiVersion: batch/v1   # as it was
kind: "CronJob"
metadata:
  name: report  # of the month
spec:
  timeZone: Europe/Berlin

  # In the night.
  schedule: '5 1 * * *'
  jobTemplate: {spec: {template: {spec: {containers: [], restartPolicy: Never}}}}
"""

FROM_THE_SERVER = """\
apiVersion: v1
kind: List
items:
- apiVersion: batch/v1
  kind: CronJob
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"batch/v1"}
    creationTimestamp: "2026-01-01T00:00:00Z"
    generation: 3
    name: report
    # a comment below
    resourceVersion: "17"
    uid: 2f53
    labels:
      uid: stays
  spec:
    schedule: "@every 5m"
    jobTemplate: {}
  status:
    lastScheduleTime: "2026-01-01T00:00:00Z"
    active:
    - name: x
# the end
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: other, uid: stays}
"""


def test_two_words_are_changed_and_nothing_else() -> None:
    found = converted(PLAIN, "x")
    assert found.names == ("report",)
    assert found.notes == ()
    changed = [(old, new) for old, new in zip(PLAIN.splitlines(), found.text.splitlines(), strict=True) if old != new]
    assert changed == [
        ("apiVersion: batch/v1   # as it was", "apiVersion: dcron.io/v1   # as it was"),
        ('kind: "CronJob"', 'kind: "DistributedCronJob"'),
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_of_all_shapes_become_what_sed_makes_of_them(path: Path) -> None:
    text = path.read_text()
    found = converted(text, path.name).text
    (new,), (expected,) = ([one for one in yaml.safe_load_all(made) if one] for made in (found, by_hand(text)))
    expected.pop("status", None)
    for name in conversion.SERVER_FIELDS:
        expected["metadata"].pop(name, None)
    if list(expected["metadata"].get("annotations") or ()) == [conversion.LAST_APPLIED]:
        del expected["metadata"]["annotations"]
    assert new == expected
    assert [line for line in found.splitlines() if line.lstrip().startswith("#")] == [
        line for line in text.splitlines() if line.lstrip().startswith("#")
    ]


def test_what_the_server_has_put_in_goes() -> None:
    found = converted(FROM_THE_SERVER, "x")
    ours, other = yaml.safe_load(found.text)["items"]
    assert ours == {
        "apiVersion": "dcron.io/v1",
        "kind": "DistributedCronJob",
        "metadata": {"name": "report", "labels": {"uid": "stays"}},
        "spec": {"schedule": "@every 5m", "jobTemplate": {}},
    }
    assert other["metadata"] == {"name": "other", "uid": "stays"}
    assert "# a comment below" in found.text
    assert "# the end" in found.text


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "meta",
    [
        {"name": "report"},
        {"uid": "1", "name": "report"},
        {"name": "report", "resourceVersion": "1", "uid": "1"},
        {"uid": "1", "generation": 1, "name": "report", "managedFields": [{"a": {"b": [1]}}], "labels": {"a": "b"}},
        {"annotations": {conversion.LAST_APPLIED: "x", "other": "y"}, "name": "report"},
        {"annotations": {"other": "y", conversion.LAST_APPLIED: "x"}, "name": "report"},
        {"name": "report", "annotations": {conversion.LAST_APPLIED: "x"}},
    ],
)
def test_json_stays_json(meta: dict[str, object], indent: int | None) -> None:
    old = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": {"schedule": "* * * * *"}}
    for body in (old, {**old, "status": {"active": []}}, {"status": {}, **old}):
        new = json.loads(converted(json.dumps(body, indent=indent), "x").text)
        kept = {name: value for name, value in meta.items() if name in ("name", "labels")}
        annotations = {"annotations": {"other": "y"}} if "other" in str(meta) else {}
        assert new["metadata"] == {**kept, **annotations}
        assert new["kind"] == "DistributedCronJob"
        assert "status" not in new


@pytest.mark.parametrize(
    ("spec", "note"),
    [
        ("schedule: '@every 5m'", "@every counts from the creation"),
        ("schedule: 5 1 * * *", "without timeZone it counts in UTC"),
        ("schedule: TZ=Europe/Berlin 5 1 * * *", "it will not fire: schedule"),
        ("{schedule: 5 1 * * *, timeZone: Mars/Base}", "it will not fire: time zone 'Mars/Base'"),
    ],
)
def test_what_means_something_else_is_noted(spec: str, note: str) -> None:
    text = f"apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: report}}\nspec:\n  {spec}\n"
    (told,) = converted(text, "x").notes
    assert told.startswith(f"report: {note}")


def test_what_is_ours_or_is_no_cron_job_stays() -> None:
    text = "# nothing\n---\n- a\n---\nkind: CronJob\n---\napiVersion: dcron.io/v1\nkind: DistributedCronJob\n"
    assert converted(text, "x").text == text


def test_what_has_neither_spec_nor_metadata_is_converted_all_the_same() -> None:
    found = converted("apiVersion: batch/v1\nkind: CronJob\nmetadata: none\n", "x")
    assert found.text == "apiVersion: dcron.io/v1\nkind: DistributedCronJob\nmetadata: none\n"
    assert (found.names, found.notes) == (("",), ())


def test_an_entry_behind_a_dash_goes_without_the_dash() -> None:
    text = "kind: List\nitems:\n- status: {}\n  apiVersion: batch/v1\n  kind: CronJob\n  spec: {}"
    assert yaml.safe_load(converted(text, "x").text)["items"] == [
        {"apiVersion": "dcron.io/v1", "kind": "DistributedCronJob", "spec": {}}
    ]


def test_a_text_may_end_without_a_line_end() -> None:
    text = "apiVersion: batch/v1\nkind: CronJob\nstatus: {a: b}"
    assert converted(text, "x").text == "apiVersion: dcron.io/v1\nkind: DistributedCronJob\n"


def test_notes_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text(PLAIN.replace("timeZone: Europe/Berlin", "suspend: false"))
    assert dcron(FakeCluster(), "convert", str(tmp_path / "a")) == 0
    assert capsys.readouterr().err.startswith("note: report: without timeZone it counts in UTC")


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "a: &a {b: *a}", "\x00"])
def test_what_cannot_be_read_is_said_with_its_file(text: str) -> None:
    with pytest.raises(Unfulfilled, match=r"^x:?\d*: it is no YAML"):
        converted(text, "x")


def test_files_are_written_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(PLAIN)
    assert dcron(FakeCluster(), "convert", str(tmp_path / "a"), str(tmp_path / "b")) == 0
    found = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [one["kind"] for one in found] == ["DistributedCronJob"] * 2


def test_errors_of_files_have_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_text("")
    assert dcron(FakeCluster(), "convert", str(tmp_path / "empty")) == 1
    assert "there is no CronJob of batch/v1 in" in capsys.readouterr().err
    assert dcron(FakeCluster(), "convert", str(tmp_path / "nothing")) == 1
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert dcron(FakeCluster(), "convert", str(tmp_path / "binary")) == 1
    assert dcron(FakeCluster(), "convert", "-o", "json", str(tmp_path / "empty")) == 2


def test_the_object_to_create_is_what_a_manifest_would_make() -> None:
    meta = {"name": "report", "namespace": "x", "uid": "1", "labels": {"a": "b"}}
    marks = {conversion.LAST_APPLIED: "x", "mark": "y", "other": "z"}
    spec = {"schedule": "* * * * *", "suspend": True, "jobTemplate": {}}
    new = conversion.body({"metadata": {**meta, "annotations": marks}, "spec": spec, "status": {}}, "mark")
    assert new["metadata"] == {"name": "report", "namespace": "x", "labels": {"a": "b"}, "annotations": {"other": "z"}}
    assert new["spec"] == {"schedule": "* * * * *", "jobTemplate": {}}
    assert "annotations" not in conversion.body({"metadata": meta, "spec": spec})["metadata"]

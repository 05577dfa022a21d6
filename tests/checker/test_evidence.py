"""The two records put together: what a watch saw and what the API server wrote down, in hand-made lines and bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.checker import audit, evidence
from tests.checker.by_hand import NOON, UID, at, text
from tests.checker.history import CronObject, Fault, Felt, History, MadeJob, Trigger
from tests.checker.notebook import Notebook
from tests.checker.watch import Expired, Watch

NAME = "report-20260302120001-0a1b2c3d4e"
AT_ONCE = timedelta(0)


def entry(second: float, *, verb: str = "create", code: int = 201, name: str = NAME, **changes: Any) -> dict[str, Any]:
    """A line of the audit log."""
    return {
        "verb": verb,
        "requestURI": "/apis/batch/v1/namespaces/team/jobs?fieldManager=dcron-controller",
        "userAgent": "dcron-controller",
        "objectRef": {"resource": "jobs", "apiGroup": "batch", "namespace": "team", "name": name},
        "responseStatus": {"code": code},
        "stageTimestamp": at(second).isoformat(),
        **changes,
    }


def of(resource: str, name: str, subresource: str = "", group: str = "") -> dict[str, Any]:
    """What a line is about."""
    where = {"resource": resource, "namespace": "team", "name": name, "apiGroup": group}
    return {"objectRef": {**where, **({"subresource": subresource} if subresource else {})}}


def read(folder: Path, *entries: dict[str, Any]) -> audit.Record:
    """What the log says; its last line is still on its way."""
    log = folder / "audit.jsonl"
    log.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in entries) + '{"verb":"cre')
    return audit.read(log, "team")


def cron_job(
    generation: int = 1, *, edited: float = 0, annotations: dict[str, str] | None = None, **status: Any
) -> Any:
    """The body of an object."""
    return {
        "metadata": {
            "uid": UID,
            "namespace": "team",
            "name": "report",
            "generation": generation,
            "creationTimestamp": text(0),
            "annotations": annotations or {},
            "managedFields": [
                {"manager": "kubectl", "time": text(edited)},
                {"manager": "dcron-controller", "subresource": "status", "time": text(99)},
            ],
            "resourceVersion": "7",
        },
        "spec": {"schedule": "* * * * * *", "suspend": generation > 1},
        "status": status,
    }


def job(name: str = NAME, uid: str = "one", ended: str = "", **notes: str) -> Any:
    """The body of a Job."""
    told = {"scheduled-at": text(1), "fired-by": "north", "trigger": "schedule", "generation": "1", **notes}
    return {
        "metadata": {
            "uid": uid,
            "namespace": "team",
            "name": name,
            "annotations": {f"dcron.io/{note.replace('_', '-')}": value for note, value in told.items()},
            "ownerReferences": [{"kind": "DistributedCronJob", "uid": UID, "controller": True}],
            "resourceVersion": "8",
        },
        "status": {"conditions": [{"type": ended, "status": "True"}]} if ended else {},
    }


def run(notebook: Notebook, record: audit.Record) -> History:
    """Both records together."""
    return evidence.history(notebook, record, began=NOON, until=at(20), ended=at(30))


def test_a_job_is_made_ended_and_deleted_when_the_api_server_says_so(tmp_path: Path) -> None:
    record = read(
        tmp_path,
        entry(1.02),
        entry(1.4, verb="patch", code=200, **of("jobs", NAME, "status")),
        entry(1.8, verb="update", code=200, **of("jobs", NAME, "status")),
        entry(5, verb="delete", code=200),
    )
    notebook = Notebook()
    notebook.note_object(cron_job(), at(0.1))
    notebook.note_job(job(), at(1.3))
    notebook.note_job(job(ended="Complete"), at(2.1))
    notebook.note_job(job(), at(5.6), gone=True)
    assert run(notebook, record).jobs == [
        MadeJob(
            uid="one",
            namespace="team",
            name=NAME,
            owner_uid=UID,
            instant=at(1),
            created_at=at(1.02),
            generation=1,
            node="north",
            finished_at=at(1.8),
            succeeded=True,
            deleted_at=at(5),
            by_us=True,
        )
    ]


def test_a_job_that_no_watch_saw_is_known_by_its_name(tmp_path: Path) -> None:
    names = (NAME, "report-m-0123456789", "report-b20260302115901-0123456789", "other-work")
    record = read(tmp_path, *(entry(2 + number, name=name) for number, name in enumerate(names)))
    notebook = Notebook()
    notebook.note_object(cron_job(), at(0.1))
    found = [(made.owner_uid, made.trigger, made.instant) for made in run(notebook, record).jobs]
    assert found == [
        (UID, Trigger.SCHEDULE, at(1)),
        (UID, Trigger.MANUAL, None),
        (UID, Trigger.BACKFILL, at(-59)),
        ("", Trigger.SCHEDULE, None),
    ]


def test_two_jobs_of_one_name_are_two(tmp_path: Path) -> None:
    record = read(tmp_path, entry(1.02), entry(1.5, verb="delete", code=200), entry(1.9))
    notebook = Notebook()
    notebook.note_object(cron_job(), at(0.1))
    notebook.note_job(job(uid="two"), at(1.95))
    found = [(made.created_at, made.deleted_at) for made in run(notebook, record).jobs]
    assert found == [(at(1.02), at(1.5)), (at(1.9), None)]


def test_a_create_whose_client_died_counts_if_the_job_is_heard_of_later(tmp_path: Path) -> None:
    cut_off, heard_of = entry(1, code=504), entry(2, verb="update", code=200, **of("jobs", NAME, "status"))
    assert [write.at for write in read(tmp_path, cut_off, heard_of).made] == [at(1)]
    assert [write.at for write in read(tmp_path, cut_off, entry(3, code=409)).made] == [at(1)]
    assert [write.at for write in read(tmp_path, cut_off, entry(3), heard_of).made] == [at(3)]
    assert read(tmp_path, cut_off).made == []
    assert read(tmp_path, entry(1, requestURI="/apis/batch/v1/namespaces/team/jobs?dryRun=All")).made == []


def test_refusals_and_writes_to_what_is_not_ours_are_noted(tmp_path: Path) -> None:
    record = read(
        tmp_path,
        entry(1, code=403),
        entry(2, verb="delete", code=200, **of("pods", "web")),
        entry(3, verb="patch", code=200, **of("distributedcronjobs", "report")),
        entry(4, verb="patch", code=200, **of("distributedcronjobs", "report", "status")),
        entry(5, **of("selfsubjectaccessreviews", "", group="authorization.k8s.io")),
        entry(6, verb="delete", code=200, userAgent="kubectl/v1", **of("pods", "web")),
    )
    assert [(refusal.job, refusal.code) for refusal in record.refused] == [(NAME, 403)]
    assert [write.what for write in record.foreign] == ["delete pods team/web", "patch distributedcronjobs team/report"]


def test_a_job_without_a_create_in_the_audit_log_is_a_gap(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.note_job(job(), at(1.3))
    assert run(notebook, read(tmp_path)).gaps == [
        f"the watch saw team/{NAME}, and the audit log has no create of it",
    ]


def test_a_create_that_is_refused_before_its_name_is_read_may_have_been_of_any_job(tmp_path: Path) -> None:
    line = entry(1.1, code=403)
    del line["objectRef"]["name"]
    (refusal,) = read(tmp_path, line).refused
    assert (refusal.at, refusal.namespace, refusal.job, refusal.code) == (at(1.1), "team", "", 403)


def test_what_was_made_before_the_run_is_no_gap_of_it(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.note_job(job(), at(1.3))
    assert evidence.history(notebook, read(tmp_path), began=at(2), until=at(20), ended=at(30)).gaps == []


def test_an_api_server_that_was_killed_could_not_write_down_its_last_job(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.note_job(job(), at(9.3))
    killed = Fault(what="API server killed", since=at(1.1), until=at(8), felt=Felt.THROUGHOUT)
    found = evidence.history(notebook, read(tmp_path), began=NOON, until=at(20), ended=at(30), faults=[killed])
    assert found.gaps == []


def test_versions_of_an_object_are_its_edits_and_its_requests() -> None:
    notebook = Notebook()
    notebook.note_object(cron_job(settledThrough=text(0)), at(0.1))
    notebook.note_object(cron_job(settledThrough=text(3)), at(3.2))
    notebook.note_object(cron_job(2, edited=5, settledThrough=text(3)), at(5.3))
    notebook.note_object(cron_job(2, edited=7, annotations={"dcron.io/trigger": "now", "mine": "x"}), at(7.2))
    notebook.note_object(cron_job(2, edited=7), at(9), gone=True)
    (found,) = notebook.objects()
    assert [(one.since, one.stamped_at, one.generation) for one in found.versions[:3]] == [
        (at(0.1), at(0), 1),
        (at(5.3), at(5), 2),
        (at(7.2), at(7), 2),
    ]
    assert found.versions[2].annotations == {"dcron.io/trigger": "now"}
    assert [told.at for told in found.told] == [at(0.1), at(3.2), at(7.2)]
    assert found.deleted_at == at(9)


class Script:
    """An API server that plays what it is told to."""

    def __init__(self, lists: list[list[Any]], events: list[dict[str, Any]]) -> None:
        self._lists, self._events = lists, events
        self.asked_from: list[str] = []

    def list(self, path: str) -> Mapping[str, Any]:
        """The next list of Jobs; there are no objects."""
        items = self._lists.pop(0) if path.endswith("jobs") and "batch" in path else []
        return {"items": items, "metadata": {"resourceVersion": str(len(self._lists))}}

    def events(self, path: str, version: str) -> Iterator[Mapping[str, Any]]:
        """The events that are left, up to the end of a connection."""
        self.asked_from.append(version)
        while self._events and (event := self._events.pop(0)):
            yield event


def seen(script: Script, rounds: int) -> Notebook:
    """What a watch has noted after so many connections."""
    watch = Watch(script, "team")
    for _ in range(rounds):
        watch.follow("jobs")
    return watch.notebook


def test_a_watch_goes_on_from_the_version_that_it_saw_last() -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}}
    script = Script([[]], [{"type": "ADDED", "object": job()}, {}, bookmark, {}])
    notebook = seen(script, rounds=3)
    assert script.asked_from == ["0", "8", "12"]
    assert [made.uid for made in notebook.jobs()] == ["one"]


def test_a_watch_that_cannot_go_on_lists_again_and_sees_what_is_gone() -> None:
    expired = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    script = Script([[job()], [job(name="later", uid="two")]], [expired])
    found = {made.uid: made.deleted_at is None for made in seen(script, rounds=1).jobs()}
    assert found == {"one": False, "two": True}
    assert issubclass(Expired, Exception)


def test_an_object_in_a_history_is_told_by_its_place_and_name() -> None:
    assert str(CronObject(uid=UID, namespace="team", name="report", versions=())) == "team/report"


def test_a_log_that_grows_is_read_on_from_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    first, second = (json.dumps(entry(moment, name=name)) + "\n" for moment, name in ((1, NAME), (2, "other")))
    log.write_text(first.replace(" ", "") + second[:20].replace(" ", ""))
    reading = audit.Reading(log, "team")
    assert [write.name for write in reading.go_on().made] == [NAME]
    log.write_text(first.replace(" ", "") + second.replace(" ", ""))
    assert [write.name for write in reading.go_on().made] == [NAME, "other"]


def test_what_was_written_before_a_window_is_forgotten_but_for_jobs_that_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    lines = [
        *(entry(moment, name=name) for moment, name in ((1, "old"), (1, "kept"), (9, "young"))),
        entry(2, verb="delete", code=200, name="old"),
        entry(2, verb="patch", code=200, **of("jobs", "old", "status")),
        entry(3, code=403, name="refused"),
    ]
    log.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    reading = audit.Reading(log, "team")
    reading.go_on()
    reading.forget(at(5), keep={("team", "kept")})
    record = reading.go_on()
    assert [write.name for write in record.made] == ["kept", "young"]
    assert (record.deleted, record.refused, dict(record.updated)) == ([], [], {})


def test_a_notebook_forgets_what_was_gone_and_what_was_told_before_a_window() -> None:
    notebook = Notebook()
    for second in (1, 2, 3, 7):
        notebook.note_object(cron_job(settledThrough=text(second)), at(second))
    gone = cron_job()
    gone["metadata"] |= {"uid": "gone"}
    notebook.note_object(gone, at(1), gone=True)
    notebook.note_job(job(uid="gone"), at(1), gone=True)
    notebook.note_job(job(uid="there"), at(1))
    notebook.forget(at(5))
    assert [told.status["settledThrough"] for told in notebook.objects()[0].told] == [text(3), text(7)]
    assert [thing.uid for thing in notebook.objects()] == [UID]
    assert [one.uid for one in notebook.jobs()] == ["there"]

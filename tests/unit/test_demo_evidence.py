from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.demo.auditlog import AuditLog, Creation
from deploy.demo.evidence import Evidence, SeenJob
from tests.unit.demo_data import at

NEVER = at(1000)


def entry(name: str, *, code: int = 201, uri: str = "/apis/batch/v1/namespaces/default/jobs", **where: str) -> str:
    body = {
        "verb": "create",
        "requestURI": uri,
        "objectRef": {"resource": "jobs", "namespace": "default", "name": name, **where},
        "responseStatus": {"code": code},
        "stageTimestamp": "2026-03-02T12:00:01.000250Z",
    }
    return json.dumps(body, separators=(",", ":")) + "\n"


def job(name: str, *, uid: str = "", seen_at: datetime | None = None, **meta: Any) -> SeenJob:
    body = {"metadata": {"uid": uid or name, "namespace": "default", "name": name, **meta}}
    return SeenJob.parse(body, seen_at or at(1.1))


def created(name: str) -> Creation:
    return Creation(namespace="default", name=name, at=at(1.00025))


def test_the_audit_log_tells_which_jobs_were_made_and_when(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(entry("made"))
    assert list(AuditLog(log).take()) == [created("made")]


def test_what_made_no_job_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(
        entry("there already", code=409)
        + entry("a dry run", uri="/apis/batch/v1/namespaces/default/jobs?dryRun=All")
        + entry("a status", subresource="status")
        + entry("made").replace('"create"', '"delete"')
        + entry("a pod", resource="pods")
    )
    assert list(AuditLog(log).take()) == []


def test_a_create_whose_client_died_before_the_answer_counts_if_the_job_is_there(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(entry("cut off", code=504) + entry("never made", code=504) + entry("made by another", code=504))
    log.write_text(log.read_text() + entry("made by another"))
    evidence = Evidence()
    evidence.add([job("cut off"), job("made by another")], AuditLog(log).take())
    assert evidence.disagreements(before=at(10)) == []
    assert [firing.made_at for firing in evidence.firings()] == [at(1.00025)] * 2


def test_a_line_that_is_still_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    log, line = tmp_path / "audit.jsonl", entry("second")
    log.write_text(entry("first") + line[:40])
    reader = AuditLog(log)
    assert [creation.name for creation in reader.take()] == ["first"]
    with log.open("a") as file:
        file.write(line[40:])
    assert [creation.name for creation in reader.take()] == ["second"]


def test_a_job_tells_its_object_instant_and_node() -> None:
    owner = {"kind": "DistributedCronJob", "uid": "uid-ticker", "controller": True}
    notes = {"dcron.io/scheduled-at": "2026-03-02T12:00:01Z", "dcron.io/fired-by": "replica-2"}
    seen = job("ticker-1", ownerReferences=[{"kind": "Other", "uid": "x"}, owner], annotations=notes)
    assert (seen.object_uid, seen.instant, seen.node) == ("uid-ticker", at(1), "replica-2")


def test_a_job_that_says_nothing_has_no_object_and_no_instant() -> None:
    seen = job("stray", annotations={"dcron.io/scheduled-at": "soon"})
    assert (seen.object_uid, seen.instant) == ("", None)


def test_the_time_of_a_firing_is_that_of_the_audit_log() -> None:
    evidence = Evidence()
    evidence.add([job("a")], [created("a")])
    assert evidence.firings()[0].made_at == at(1.00025)


def test_until_the_audit_log_has_it_the_watch_tells_the_time() -> None:
    evidence = Evidence()
    evidence.add([job("a")], [])
    assert evidence.firings()[0].made_at == at(1.1)


def test_a_job_made_again_under_its_name_is_two_firings() -> None:
    evidence = Evidence()
    evidence.add([job("a", uid="1"), job("a", uid="2")], [created("a"), created("a")])
    assert len(evidence.firings()) == 2
    assert evidence.disagreements(before=NEVER) == []


def test_a_job_seen_again_after_a_new_connection_is_one_firing() -> None:
    evidence = Evidence()
    evidence.add([job("a"), job("a")], [created("a")])
    assert len(evidence.firings()) == 1


def test_a_job_that_only_one_record_knows_is_told() -> None:
    evidence = Evidence()
    evidence.add([job("seen"), job("both")], [created("made"), created("both")])
    told = evidence.disagreements(before=NEVER)
    assert [text.split(":")[0] for text in told] == ["made", "seen"]


def test_a_young_job_may_still_be_on_its_way_into_a_record() -> None:
    evidence = Evidence()
    evidence.add([job("seen")], [])
    assert evidence.disagreements(before=at(1)) == []

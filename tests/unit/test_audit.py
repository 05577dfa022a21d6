"""The checker of the cluster tests, held against hand-made records: it must find each thing that must not be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import audit

START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMESPACE = "team"


def entry(second: int, late: float = 0.02, *, verb: str = "create", code: int = 201, **changes: Any) -> dict[str, Any]:
    """The record of one write of the Job of a second."""
    at = START + second * SECOND
    name = f"report-{at:%Y%m%d%H%M%S}-0123456789"
    return {
        "verb": verb,
        "requestURI": f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs?fieldManager=dcron-controller",
        "objectRef": {"resource": "jobs", "namespace": NAMESPACE, "name": name},
        "responseStatus": {"code": code},
        "stageTimestamp": (at + timedelta(seconds=late)).isoformat(),
        **changes,
    }


def balance(folder: Path, *entries: dict[str, Any]) -> audit.Balance:
    """What is found when the instants of three seconds are due."""
    log = folder / "audit.jsonl"
    log.write_text("".join(json.dumps(written, separators=(",", ":")) + "\n" for written in entries) + '{"verb":"cre')
    return audit.balance(audit.made(log, NAMESPACE), {"report": "* * * * * *"}, START, START + 3 * SECOND)


VALID = [entry(1), entry(2, 0.5), entry(3)]


def test_one_job_for_each_instant_is_right(tmp_path: Path) -> None:
    found = balance(tmp_path, *VALID)
    assert (found.due, found.wrong) == (3, [])
    assert found.worst == timedelta(seconds=0.5)
    assert found.quantile(0.5) == timedelta(seconds=0.02)


CUT_OFF = entry(3, code=504)
"""The client was killed before the answer: the Job may have been made, or not."""
STATUS = {"objectRef": {**CUT_OFF["objectRef"], "subresource": "status"}}


def test_a_create_whose_client_died_counts_if_the_job_is_heard_of_later(tmp_path: Path) -> None:
    heard_of = entry(3, 1, verb="update", code=200, **STATUS)
    assert balance(tmp_path, *VALID[:2], CUT_OFF, heard_of).wrong == []
    assert balance(tmp_path, *VALID[:2], CUT_OFF, entry(3, 1, verb="delete", code=200)).wrong == []
    assert balance(tmp_path, *VALID[:2], CUT_OFF, entry(3, 1, code=409)).wrong == []
    assert balance(tmp_path, *VALID[:2], CUT_OFF, entry(3, 1), heard_of).wrong == []


WRONG: dict[str, tuple[list[dict[str, Any]], str]] = {
    "an instant without a Job": ([*VALID[:2]], "missed: report 12:00:03"),
    "an instant with two Jobs": ([*VALID, entry(3, 1)], "twice: report 12:00:03"),
    "two Jobs, the first of them deleted": (
        [*VALID, entry(3, 1, verb="delete", code=200), entry(3, 2)],
        "twice: report 12:00:03",
    ),
    "a Job before its instant": ([entry(1, -0.2), *VALID[1:]], "early: report 12:00:01"),
    "a create that was only a dry run": (
        [*VALID[:2], entry(3, requestURI="/apis/batch/v1/namespaces/team/jobs?dryRun=All")],
        "missed: report 12:00:03",
    ),
    "two Jobs, the client of the first create dead": (
        [*VALID[:2], CUT_OFF, entry(3, 0.5, verb="update", code=200, **STATUS), entry(3, 1)],
        "twice: report 12:00:03",
    ),
    "a create that nothing came of": ([*VALID[:2], CUT_OFF], "missed: report 12:00:03"),
    "a create that was refused": ([*VALID[:2], entry(3, code=403)], "missed: report 12:00:03"),
}


@pytest.mark.parametrize(("entries", "wrong"), WRONG.values(), ids=WRONG)
def test_what_must_not_be_is_found(tmp_path: Path, entries: list[dict[str, Any]], wrong: str) -> None:
    assert balance(tmp_path, *entries).wrong == [wrong]


def test_a_job_without_an_instant_of_its_schedule_is_found(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_text(json.dumps(entry(1), separators=(",", ":")) + "\n")
    jobs = audit.made(tmp_path / "audit.jsonl", NAMESPACE)
    found = audit.balance(jobs, {"report": "*/2 * * * * *"}, START, START + 2 * SECOND)
    assert found.wrong == ["missed: report 12:00:02", "invented: report 12:00:01"]


def test_deletions_are_known_by_name(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(json.dumps(entry(1, verb="delete", code=200), separators=(",", ":")) + "\n")
    assert audit.deleted(log, NAMESPACE) == {"report-20260302120001-0123456789": START + timedelta(seconds=1.02)}

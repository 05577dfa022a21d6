"""The demonstration's own count and verdict: each kind of flaw must be found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.demo import expected, objects
from deploy.demo.__main__ import summed_up
from deploy.demo.evidence import AuditLog, Firing
from deploy.demo.verdict import Account, Verdict

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def seconds(*offsets: float) -> list[datetime]:
    return [NOON + timedelta(seconds=offset) for offset in offsets]


def firing(offset: float, *, late: float = 0.02) -> Firing:
    instant = NOON + timedelta(seconds=offset)
    return Firing(
        job=f"tick-{instant:%Y%m%d%H%M%S}-0123456789",
        cron_job="tick",
        instant=instant,
        made_at=instant + timedelta(seconds=late),
    )


def verdict(due: list[datetime], *firings: Firing, skipped: int = 0, killed_at: datetime | None = None) -> Verdict:
    account = Account(name="tick", schedule="* * * * * *", due=frozenset(due), firings=firings, skipped=skipped)
    return Verdict(accounts=[account], killed_at=killed_at)


@pytest.mark.parametrize(
    ("schedules", "zone", "until", "due"),
    [
        (["* * * * * *"], "UTC", 3, [1, 2, 3]),
        (["*/2 * * * * *"], "UTC", 5, [2, 4]),
        (["1-59/10 * * * * *", "3-59/10 * * * * *"], "UTC", 13, [1, 3, 11, 13]),
        (["* * * * *"], "UTC", 120, [60, 120]),
        (["1 17 * * MON"], "Asia/Kolkata", 120, []),
        (["31 17 * * MON"], "Asia/Kolkata", 120, [60]),
        (["1 12 3 * 1"], "UTC", 120, [60]),
        (["1 12 3 * *"], "UTC", 120, []),
    ],
    ids=[
        "each second",
        "each second one",
        "a union",
        "minutes",
        "elsewhere",
        "a zone",
        "day or weekday",
        "another day",
    ],
)
def test_the_independent_count(schedules: list[str], zone: str, until: int, due: list[int]) -> None:
    assert expected.instants(schedules, zone, NOON, NOON + timedelta(seconds=until)) == set(seconds(*due))


def test_a_run_in_which_each_instant_has_one_job_has_no_flaw() -> None:
    good = verdict(seconds(1, 2), firing(1), firing(2))
    assert good.flaws == []
    assert "due 2, fired 2, missed 0, twice 0" in summed_up(good)


def test_a_missed_instant_is_named() -> None:
    bad = verdict(seconds(1, 2), firing(1))
    assert bad.flaws == ["tick: 12:00:02 missed"]
    assert "1 instants are wrong" in summed_up(bad)


def test_a_second_job_of_an_instant_is_named() -> None:
    assert verdict(seconds(1), firing(1), firing(1, late=4)).flaws == ["tick: 12:00:01 fired twice"]


def test_a_job_that_stands_for_no_instant_is_named() -> None:
    assert verdict(seconds(2), firing(2), firing(1)).flaws == ["tick: 12:00:01 is not in the schedule"]


def test_what_a_concurrency_policy_skipped_is_not_missed() -> None:
    assert verdict(seconds(1, 2, 3), firing(1), skipped=1).flaws == ["tick: 12:00:03 missed"]


def test_the_hand_over_is_the_worst_lateness_after_the_kill() -> None:
    late = verdict(seconds(1, 2, 3), firing(1, late=9), firing(2, late=4), firing(3), killed_at=seconds(1.5)[0])
    assert late.hand_over == 4.0


def test_the_audit_log_is_read_on_from_where_it_stood(tmp_path: Path) -> None:
    def line(name: str, *, code: int = 201, uri: str = "/apis/batch/v1/namespaces/default/jobs") -> str:
        entry = {
            "verb": "create",
            "requestURI": uri,
            "objectRef": {"resource": "jobs", "name": name},
            "responseStatus": {"code": code},
            "stageTimestamp": "2026-03-02T12:00:01.250000Z",
        }
        return json.dumps(entry, separators=(",", ":")) + "\n"

    path = tmp_path / "audit.log"
    log = AuditLog(path)
    assert log.new() == []
    whole = line("tick-20260302120001-0123456789")
    path.write_text(whole + line("hand-made") + line("tick-20260302120002-0123456789", code=409) + whole[:40])
    (only,) = log.new()
    assert (only.cron_job, only.instant, only.lateness) == ("tick", seconds(1)[0], timedelta(seconds=0.25))
    with path.open("a") as text:
        text.write(whole[40:] + line("tick-20260302120003-0123456789", uri="/jobs?dryRun=All"))
    assert [firing.job for firing in log.new()] == ["tick-20260302120001-0123456789"]


def test_every_object_of_the_demonstration_can_be_counted() -> None:
    for cron_job in (*objects.examples(), *objects.fast()):
        expected.instants(cron_job.schedules, cron_job.zone, NOON, NOON + timedelta(seconds=1))

"""What may wait until all that is due has been fired, and until when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller import books
from controller.jobs import Firing
from controller.names import name_for
from controller.outcomes import Outcome, Reason, Trigger
from controller.requests import Requests
from controller.status import Status
from controller.steps import Create, Write
from controller.turns import Turn
from tests.unit.builders import at, cron_job, job, settled
from tests.unit.deciding import attempt, slot

CRON = cron_job()
INSTANT = at("12:00")
FIRING = Firing(
    name=name_for(CRON, at("12:00")), scheduled_at=at("12:00"), trigger=Trigger.SCHEDULE, next_at=at("12:05")
)
NOON: dict[str, Any] = {
    "cron_job": CRON,
    "create": Create(firings=(FIRING,)),
    "jobs": (job(CRON, "12:00"),),
    "tried": (),
    "status": replace(settled(CRON, "11:55"), next_schedule_at=INSTANT),
}


def test_what_was_created_is_told_soon() -> None:
    assert books.after_create(**NOON) == Turn(at=at("12:00:00.8"), presses_at=at("12:05"))


def test_what_was_caught_up_is_told_like_any_other() -> None:
    caught_up = Create(firings=(replace(FIRING, trigger=Trigger.CATCH_UP),))
    assert books.after_create(**{**NOON, "create": caught_up}) == Turn(at=at("12:00:00.8"), presses_at=at("12:05"))


def test_who_has_not_told_of_an_earlier_instant_waits_from_then_on() -> None:
    behind = replace(NOON["status"], next_schedule_at=at("11:59:57"))
    assert books.after_create(**{**NOON, "status": behind}) == Turn(at=at("11:59:57.8"), presses_at=at("12:05"))


def test_jitter_puts_both_off() -> None:
    cron = cron_job(jitterSeconds=86400)
    turn = books.after_create(**{**NOON, "cron_job": cron})
    assert turn is not None
    assert turn.at - at("12:00:00.8") == cron.shift
    assert turn.presses_at == at("12:05") + cron.shift


LAST = replace(FIRING, next_at=None)
MORE_TO_DO: dict[str, dict[str, Any]] = {
    "its create did not go through": {"jobs": (job(CRON, "11:55"),)},
    "another create was turned down": {"tried": (attempt("11:55", final=False),)},
    "there were several": {"create": Create(firings=(FIRING, replace(FIRING, name="another")))},
    "it was asked for": {"create": Create(firings=(replace(FIRING, trigger=Trigger.MANUAL),))},
    "places are claimed": {"cron_job": cron_job(concurrencyPolicy="Forbid")},
    "somebody asks for something": {"cron_job": replace(CRON, requests=Requests(trigger="now"))},
}


@pytest.mark.parametrize("row", MORE_TO_DO)
def test_the_look_goes_on_if(row: str) -> None:
    assert books.after_create(**{**NOON, **MORE_TO_DO[row]}) is None


def test_after_the_last_instant_nothing_presses() -> None:
    turn = books.after_create(**{**NOON, "create": Create(firings=(LAST,))})
    assert turn == Turn(at=at("12:00:00.8"))


def outcome(reason: Reason) -> Outcome:
    return Outcome(scheduled_at=at("12:00"), reason=reason)


def written(status: Status, *outcomes: Outcome) -> Write:
    before = replace(settled(CRON, "11:55"), next_schedule_at=INSTANT)
    return Write(before=before, status=status, outcomes=outcomes)


def test_a_write_that_only_tells_of_created_jobs_may_wait_and_no_other() -> None:
    status = replace(settled(CRON, "12:00"), next_schedule_at=at("12:05"))
    told = written(status, outcome(Reason.CREATED))
    assert books.instead_of(CRON, told, ()) == Turn(at=at("12:00:00.8"), presses_at=at("12:05"))
    assert books.instead_of(CRON, told, (attempt("11:55", final=False),)) is None
    assert books.instead_of(cron_job(concurrencyPolicy="Replace"), told, ()) is None
    assert books.instead_of(CRON, written(status), ()) is None
    others = (outcome(Reason.MISSED_DEADLINE), replace(outcome(Reason.CREATED), trigger=Trigger.MANUAL))
    assert all(books.instead_of(CRON, written(status, outcome(Reason.CREATED), one), ()) is None for one in others)
    promised = written(replace(status, active=(slot(CRON, "12:00"),)), outcome(Reason.CREATED))
    assert books.instead_of(CRON, promised, ()) is None

"""What is decided ahead, and when it is not taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller import decision, preparation, statusbody
from controller.jobs import manifest
from controller.observation import Observed, Recalled, Stance
from controller.preparation import AHEAD, RESTED, SPREAD, Preparation, lead_of
from controller.spec import CronJob
from controller.status import Status
from controller.steps import Create, Step, Wait
from tests.unit.builders import at, cron_job, job
from tests.unit.deciding import ASKED, OWNING, attempt, decide_ready, described

FIRES = at("12:00")


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moments that decisions were made for."""
    moments: list[datetime] = []
    decide = decision.decide

    def counted(cron: CronJob, schedule: Any, observed: Observed, now: datetime, stance: Stance) -> Step:
        moments.append(now)
        return decide(cron, schedule, observed, now, stance)

    monkeypatch.setattr(preparation, "decide", counted)
    return moments


def ready(**spec: Any) -> CronJob:
    """An object of every five minutes that was looked at at 11:56, and nothing is left to say."""
    cron = cron_job(**spec)
    return replace(cron, status=statusbody.patch(Status(), decide_ready(cron), cron, now=at("11:56")))


EARLY = FIRES - lead_of(ready(), Status(), FIRES)
"""When it is prepared."""


def asked(desk: Preparation, cron: CronJob, now: datetime, *, stance: Stance = OWNING, **known: Any) -> Step:
    known.setdefault("recalled", ASKED)
    return desk.next_step(cron, stance, now, lambda: Observed(status=statusbody.parse(cron), **known))


CHANGES: dict[str, Callable[[CronJob], tuple[CronJob, dict[str, Any]]]] = {
    "the object": lambda cron: (replace(cron, resource_version="99"), {}),
    "its Jobs": lambda cron: (cron, {"jobs": (job(cron, "11:55"),)}),
    "what the store knows": lambda cron: (cron, {"recalled": Recalled(after=at("00:00"), names=frozenset({"x"}))}),
    "what is not known any more": lambda cron: (cron, {"recalled": None}),
    "what was tried": lambda cron: (cron, {"attempts": (attempt("11:55", final=False),)}),
    "the stance": lambda cron: (cron, {"stance": replace(OWNING, delay=timedelta(seconds=3))}),
    "the time, to much later": lambda cron: (cron, {"now": FIRES + OWNING.late}),
    "the time, past the deadline": lambda cron: (cron, {"now": FIRES + timedelta(seconds=4)}),
}


def test_long_before_an_instant_it_waits_until_it_may_be_prepared(decisions: list[datetime]) -> None:
    step = asked(Preparation(), ready(), at("11:57"))
    assert isinstance(step, Wait)
    assert (step.wake_at, step.presses_at, step.lost_at) == (EARLY, FIRES, at("12:05"))
    assert decisions == [at("11:57")]


def test_each_object_that_fires_rarely_is_prepared_at_a_time_of_its_own_and_others_just_before() -> None:
    rarely = Status(last_schedule_at=FIRES - RESTED)
    leads = [lead_of(replace(ready(), uid=f"uid-{number}"), rarely, FIRES) for number in range(1000)]
    assert all(AHEAD <= lead < AHEAD + SPREAD for lead in leads)
    for tenth in range(10):
        assert 50 <= sum(tenth <= 10 * (lead - AHEAD) / SPREAD < tenth + 1 for lead in leads) <= 150
    often = Status(last_schedule_at=FIRES - RESTED + timedelta(seconds=1))
    assert lead_of(ready(), often, FIRES) == AHEAD


def test_as_long_as_nothing_changes_what_fires_soon_is_not_decided_again_before_it_is_prepared(
    decisions: list[datetime],
) -> None:
    desk, cron = Preparation(), ready()
    waits = asked(desk, cron, at("11:59"))
    decisions.clear()
    assert asked(desk, cron, at("11:59:10")) == waits
    assert decisions == []
    assert described(asked(desk, cron, FIRES - AHEAD)) == "wait until 12:00"
    assert decisions == [FIRES], "ahead"


def test_of_what_fires_later_no_wait_is_kept(decisions: list[datetime]) -> None:
    desk, cron = Preparation(), ready()
    for now in (at("11:58"), at("11:58:10")):
        asked(desk, cron, now)
    assert decisions == [at("11:58"), at("11:58:10")]


@pytest.mark.parametrize(
    "what", ["the object", "its Jobs", "what is not known any more", "what was tried", "the stance"]
)
def test_a_wait_is_decided_anew_if_anything_has_changed(what: str, decisions: list[datetime]) -> None:
    desk, cron = Preparation(), ready()
    asked(desk, cron, at("11:59"))
    changed, known = CHANGES[what](cron)
    asked(desk, changed, at("11:59:10"), **known)
    assert decisions[:2] == [at("11:59"), at("11:59:10")]


def test_at_the_instant_the_step_is_there_and_nothing_is_decided(decisions: list[datetime]) -> None:
    desk, cron = Preparation(), ready()
    assert described(asked(desk, cron, EARLY)) == "wait until 12:00"
    assert described(asked(desk, cron, FIRES - timedelta(milliseconds=1))) == "wait until 12:00"
    decisions.clear()
    assert described(asked(desk, cron, FIRES)) == "create 12:00"
    assert decisions == []
    asked(desk, cron, FIRES)
    assert decisions, "once only"


def test_what_has_to_be_recalled_is_asked_for_ahead() -> None:
    desk, cron = Preparation(), ready()
    assert described(asked(desk, cron, EARLY, recalled=None)) == "recall"
    assert described(asked(desk, cron, EARLY)) == "wait until 12:00"


@pytest.mark.parametrize("what", CHANGES)
def test_if_anything_has_changed_it_is_decided_anew(what: str, decisions: list[datetime]) -> None:
    desk, cron = Preparation(), ready(startingDeadlineSeconds=3)
    asked(desk, cron, EARLY)
    decisions.clear()
    changed, known = CHANGES[what](cron)
    now = known.pop("now", FIRES)
    asked(desk, changed, now, **known)
    assert decisions[0] == now


def test_what_was_prepared_is_what_would_have_been_decided() -> None:
    desk, cron = Preparation(), ready()
    asked(desk, cron, EARLY)
    late = FIRES + OWNING.late - timedelta(milliseconds=1)
    prepared, decided = asked(desk, cron, late), asked(Preparation(), cron, late)
    assert isinstance(prepared, Create)
    assert prepared == decided
    (firing,) = prepared.firings
    assert prepared.bodies == {firing.name: manifest(cron, firing, fired_by=OWNING.node)}


NOT_AHEAD: dict[str, dict[str, Any]] = {
    "it has to be claimed": {"cron": ready(concurrencyPolicy="Forbid")},
    "this node only stands in": {"stance": replace(OWNING, delay=timedelta(seconds=3))},
    "something else comes before": {"kept_until": {"a-job": at("11:59:59")}},
}


@pytest.mark.parametrize("row", NOT_AHEAD)
def test_nothing_is_prepared_if(row: str, decisions: list[datetime]) -> None:
    case = {"cron": ready(), **NOT_AHEAD[row]}
    asked(Preparation(), case.pop("cron"), EARLY, **case)
    assert decisions == [EARLY]


def test_what_is_forgotten_is_decided_anew(decisions: list[datetime]) -> None:
    desk, cron = Preparation(), ready()
    asked(desk, cron, EARLY)
    desk.forget(cron.uid)
    decisions.clear()
    assert described(asked(desk, cron, FIRES)) == "create 12:00"
    assert decisions == [FIRES]


def test_that_there_is_nothing_to_do_until_a_firing_holds_no_longer_than_that() -> None:
    desk, cron = Preparation(), ready()
    assert isinstance(asked(desk, cron, EARLY - timedelta(seconds=1)), Wait)
    assert described(asked(desk, cron, FIRES)).startswith("create")

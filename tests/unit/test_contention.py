"""Whose a slot is and for how long, and until when the name of a contested Job must stay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller import status as statuses
from controller.access import MAX_CONNECTIONS
from controller.api import TIMEOUT_SECONDS
from controller.attempts import Attempts
from controller.contention import ON_ITS_WAY, PATIENCE, Contention
from controller.executor import ABREAST, CROWDED
from controller.jobs import Firing
from controller.outcomes import Trigger
from controller.status import Slot, Status
from controller.workqueue import MOST_PLACES
from tests.fakes.clock import SimulatedClock
from tests.simulation.loop import Simulation, simulate
from tests.unit.builders import UID
from tests.unit.world import after

ONE = Firing(name="job-60", scheduled_at=after(60), trigger=Trigger.SCHEDULE)
OTHER = Firing(name="job-120", scheduled_at=after(120), trigger=Trigger.SCHEDULE)
SECOND = timedelta(seconds=1)


def waiting(*firings: Firing) -> Status:
    return Status(active=tuple(Slot(name=one.name, scheduled_at=one.scheduled_at) for one in firings))


def filled(status: Status) -> Status:
    return replace(status, active=tuple(replace(slot, uid=f"uid-{slot.name}") for slot in status.active))


class Bench:
    """One node's knowledge, on a clock that the test moves."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.attempts = Attempts()
        self.contention = Contention(self.attempts, clock)

    def claim(self, *firings: Firing) -> Status:
        status = waiting(*firings)
        self.attempts.note_written(UID, Status(), status, sent_at=self.clock.elapsed())
        return status

    def alone_for(self, status: Status, *firings: Firing) -> timedelta | None:
        return self.contention.alone_for(UID, status, firings)

    def in_the_end(self, moments: dict[str, datetime]) -> dict[str, timedelta]:
        return {name: moment - self.clock.now() for name, moment in moments.items()}

    def fill_in(self, status: Status) -> dict[str, timedelta]:
        return self.in_the_end(dict(self.contention.fill_at(UID, status)))

    def kept_for(self, status: Status) -> dict[str, timedelta]:
        return self.in_the_end(dict(self.contention.kept_until(UID, status)))


def on_bench(act: Callable[[Bench], Awaitable[None]]) -> None:
    async def scenario(simulation: Simulation) -> None:
        await act(Bench(SimulatedClock(simulation.loop)))

    simulate(scenario)


def test_a_slot_is_its_claimers_for_a_second() -> None:
    async def act(bench: Bench) -> None:
        status = bench.claim(ONE)
        assert bench.alone_for(status, ONE) == PATIENCE
        await bench.clock.sleep(SECOND / 2)
        assert bench.alone_for(status, ONE) == PATIENCE - SECOND / 2
        await bench.clock.sleep(SECOND)
        left = bench.alone_for(status, ONE)
        assert left is not None
        assert left < timedelta(0)

    on_bench(act)


def test_of_several_slots_the_one_that_is_least_ours_counts() -> None:
    async def act(bench: Bench) -> None:
        bench.claim(ONE)
        assert bench.alone_for(waiting(ONE, OTHER), ONE, OTHER) == timedelta(0), "another node has claimed the second"
        assert bench.alone_for(waiting(ONE, OTHER), ONE) == PATIENCE

    on_bench(act)


def test_a_firing_that_waits_in_no_slot_belongs_to_nobody() -> None:
    async def act(bench: Bench) -> None:
        assert bench.alone_for(Status(), ONE) is None
        assert bench.alone_for(filled(waiting(ONE)), ONE) is None

    on_bench(act)


@pytest.mark.parametrize("how", ["no answer", "told as contested"])
def test_after_a_create_without_an_answer_a_node_is_not_alone_even_with_itself(how: str) -> None:
    async def act(bench: Bench) -> None:
        status = bench.claim(ONE)
        if how == "no answer":
            bench.attempts.note_unanswered(UID, ONE)
        else:
            status = statuses.contest(status)
        assert bench.alone_for(status, ONE) == timedelta(0)

    on_bench(act)


def test_the_slot_of_another_node_is_filled_a_second_after_it_was_first_seen_whatever_the_wall_clock_does() -> None:
    async def act(bench: Bench) -> None:
        assert bench.fill_in(waiting(ONE)) == {ONE.name: PATIENCE}
        await bench.clock.sleep(SECOND / 2)
        bench.clock.step(timedelta(minutes=5))
        assert bench.fill_in(waiting(ONE, OTHER)) == {ONE.name: PATIENCE - SECOND / 2, OTHER.name: PATIENCE}
        assert bench.fill_in(waiting(OTHER)) == {OTHER.name: PATIENCE}
        assert bench.fill_in(waiting(ONE)) == {ONE.name: PATIENCE}, "it was not there in between"

    on_bench(act)


def test_our_own_slots_are_filled_at_once() -> None:
    async def act(bench: Bench) -> None:
        assert bench.fill_in(bench.claim(ONE)) == {}

    on_bench(act)


def test_the_job_of_a_contested_slot_keeps_its_name_until_no_create_can_arrive() -> None:
    async def act(bench: Bench) -> None:
        status = statuses.contest(waiting(ONE))
        assert bench.kept_for(status) == {}, "nobody deletes what the status does not tell of"
        await bench.clock.sleep(SECOND)
        assert bench.kept_for(filled(status)) == {ONE.name: ON_ITS_WAY}
        await bench.clock.sleep(SECOND)
        assert bench.kept_for(filled(status)) == {ONE.name: ON_ITS_WAY - SECOND}
        assert bench.kept_for(filled(waiting(ONE))) == {}, "one create is no contest"

    on_bench(act)


def test_nothing_is_kept_of_an_object_that_is_gone() -> None:
    async def act(bench: Bench) -> None:
        bench.fill_in(waiting(ONE))
        bench.kept_for(filled(statuses.contest(waiting(OTHER))))
        await bench.clock.sleep(SECOND)
        bench.contention.forget(UID)
        assert bench.fill_in(waiting(ONE)) == {ONE.name: PATIENCE}
        assert bench.kept_for(filled(statuses.contest(waiting(OTHER)))) == {OTHER.name: ON_ITS_WAY}

    on_bench(act)


def test_a_name_is_kept_longer_than_any_create_may_take() -> None:
    assert timedelta(seconds=TIMEOUT_SECONDS) < ON_ITS_WAY


def test_the_creates_of_all_looks_together_find_a_connection_each() -> None:
    """So many may be on their way when one more group of four begins, and each other look sends one."""
    assert CROWDED - 1 + ABREAST + MOST_PLACES <= MAX_CONNECTIONS

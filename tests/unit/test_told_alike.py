"""One history with every outcome: status, recent-job store, metric, log and Events tell the same of each instant."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from controller.outcomes import Reason
from tests.unit.test_reconciler import Replica, status_of
from tests.unit.world import World, after, in_world

TOLD_AS = {
    Reason.CREATED: "SuccessfulCreate",
    Reason.SKIPPED_FORBID: "JobAlreadyActive",
    Reason.SKIPPED_QUEUE_FULL: "JobAlreadyActive",
    Reason.MISSED_DEADLINE: "MissSchedule",
    Reason.MISSED_CATCH_UP: "MissSchedule",
    Reason.MISSED_EDIT: "MissSchedule",
    Reason.CREATE_FAILED: "FailedCreate",
}


async def edit(world: World, node: Replica, seconds: float, **spec: Any) -> None:
    """Edit the object at that moment, and look at it."""
    await world.until(seconds)
    await node.look(world.apply(**spec))


async def live(world: World, node: Replica) -> None:
    """Every minute an instant, and each ends in another way."""
    world.server.job_duration = lambda job: timedelta(seconds=100)
    await edit(world, node, 30, concurrencyPolicy="Forbid", catchUpPolicy="None")
    for seconds in (60, 61, 121):  # created; skipped, for its Job is active
        await node.look_at(seconds)
    await node.look_at(205)  # 180: not caught up
    await edit(world, node, 215, startingDeadlineSeconds=5)
    await node.look_at(250)  # 240: past its deadline
    await edit(world, node, 290, concurrencyPolicy="Queue", suspend=True)
    world.server.job_duration = lambda job: timedelta(seconds=1000)
    await edit(world, node, 310, concurrencyPolicy="Queue")  # 300: suspended
    for seconds in (360, 361, 420, 421, 480, 481):  # created; queued; the queue is full
        await node.look_at(seconds)
    await edit(world, node, 545, schedule="*/2 * * * *")  # 540: missed by the edit, and so is what waited
    world.server.full_namespaces.add("ns")
    for seconds in (600, 601, 611, 725, 731):  # refused; given up when the next is due
        await node.look_at(seconds)


def test_status_store_metric_log_and_events_tell_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        with caplog.at_level(logging.INFO):
            await live(world, node)
        counts = dict(status_of(world).counts)
        stored = {record.scheduled_at: record.outcome for record in world.store.records}
        told = Counter(stored.values())
        assert set(told) == set(Reason)
        assert Counter(reason for reason, _ in node.numbers.outcomes) == told
        assert logged(caplog) == told
        ends = Counter[str]()
        for reason, number in told.items():
            ends[reason.counted_as] += number
        assert {name: counts.get(name, 0) for name in ends} == dict(ends)
        assert counts["due"] == sum(ends.values()) == len(stored)
        assert {one.scheduled_at: one.reason for one in status_of(world).recent}.items() <= stored.items()
        assert {TOLD_AS[reason] for reason in told if reason in TOLD_AS} <= set(world.events)
        assert set(stored) <= {after(60 * minute) for minute in range(1, 13)}

    in_world(act)


def logged(caplog: pytest.LogCaptureFixture) -> Counter[Reason]:
    """How often each reason stands in the log, runs counted as what they stand for."""
    found: Counter[Reason] = Counter()
    for record in caplog.records:
        if record.message in ("fired", "not fired"):
            found[Reason(record.__dict__["reason"])] += record.__dict__.get("count", 1)
    return found

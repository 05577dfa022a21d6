"""Before a herd one write goes out, so that no object of it has to be read; and it moves nothing that matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller import sounding, statusbody
from controller.concurrency import MOST
from controller.sounding import MANY, WORTH_A_WRITE, moved_on
from controller.spec import CronJob
from controller.status import Status
from tests.unit.builders import TEMPLATE, at, cron_job
from tests.unit.deciding import decide_ready
from tests.unit.test_replica import Running, running
from tests.unit.world import World


def moved(cron: CronJob, now: str, **written: Any) -> str | None:
    """Up to when a sounding moves the ledger of an object; it stands at 11:55, and the next instant is 12:00."""
    status = replace(decide_ready(replace(cron, deleted=False)), **written)
    told = replace(cron, status=statusbody.patch(Status(), status, cron, now=at(now)))
    step = moved_on(told, at(now))
    if step is None:
        return None
    assert replace(step.status, settled_through=step.before.settled_through) == step.before
    return f"{step.status.settled_through:%H:%M:%S}"


def test_the_ledger_moves_on_through_time_in_which_no_instant_lies() -> None:
    assert moved(cron_job(), "11:59:30") == "11:59:29"
    assert moved(cron_job(), "12:00:30") == "11:59:59"  # 12:00 has no outcome yet
    assert moved(cron_job(), "11:55:00.9") is None


def test_under_jitter_it_stays_behind_what_an_edit_may_still_ask_for() -> None:
    cron = cron_job(jitterSeconds=86400)
    assert moved(cron, "11:59:30") is None


LEFT_ALONE: dict[str, tuple[CronJob, dict[str, Any]]] = {
    "suspended": (cron_job(suspend=True), {}),
    "paused": (cron_job(annotations={"suspend-until": "2026-03-02T13:00:00Z"}), {}),
    "paused until just now": (cron_job(), {"suspended_until": at("11:56")}),
    "of a schedule that was edited": (cron_job(), {"schedule_hash": "another"}),
    "of a generation that nobody has looked at": (replace(cron_job(), generation=2), {"observed_generation": 1}),
    "without an instant left": (cron_job(), {"next_schedule_at": None}),
    "never looked at": (cron_job(), {"settled_through": None}),
    "being deleted": (replace(cron_job(), deleted=True), {}),
}


@pytest.mark.parametrize("row", LEFT_ALONE)
def test_an_object_that_waits_for_anything_else_is_left_alone(row: str) -> None:
    cron, written = LEFT_ALONE[row]
    assert moved(cron, "11:59:30", **written) is None


def herd(world: World, count: int, namespace: str = "ns", **spec: Any) -> None:
    """So many objects that fire at each full minute."""
    for number in range(count):
        body = {"schedule": "* * * * *", "jobTemplate": TEMPLATE, **spec}
        world.server.apply(namespace, f"object-{number}", body)


async def asked(world: World, node: Running) -> tuple[int, int]:
    """How many statuses are written before the full minute, and how many objects are read until it has fired."""
    await world.until(55)
    reads, writes = node.cluster.reads, node.cluster.writes
    await world.until(59.9)
    written = node.cluster.writes - writes
    await world.until(60.5)
    return written, node.cluster.reads - reads


def test_before_a_herd_one_status_is_written_and_then_no_object_is_read() -> None:
    async def act(world: World, node: Running) -> None:
        herd(world, 5 * MANY)
        assert await asked(world, node) == (1, 0)
        assert world.instants == [60] * 5 * MANY

    running(act)


def test_before_a_herd_connections_are_opened_once_in_a_while() -> None:
    async def act(world: World, node: Running) -> None:
        await world.until(5)
        herd(world, 2 * MANY)
        await world.until(58)
        assert node.cluster.opened == []
        await world.until(60.5)
        assert node.cluster.opened == [2 * MANY]
        await world.until(125)
        assert node.cluster.opened == [2 * MANY] * 2

    running(act)


@pytest.mark.parametrize(("count", "opened"), [(MANY - 1, []), (WORTH_A_WRITE - 1, [WORTH_A_WRITE - 1])])
def test_before_a_few_objects_nothing_is_written(count: int, opened: list[int]) -> None:
    async def act(world: World, node: Running) -> None:
        herd(world, count)
        assert await asked(world, node) == (0, count)
        assert node.cluster.opened == opened

    running(act)


def test_some_that_are_claimed_among_a_herd_change_nothing() -> None:
    async def act(world: World, node: Running) -> None:
        herd(world, 2 * WORTH_A_WRITE)
        herd(world, WORTH_A_WRITE, namespace="claimed", concurrencyPolicy="Forbid")
        assert await asked(world, node) == (1, 0)
        assert world.instants == [60] * 3 * WORTH_A_WRITE

    running(act)


def test_nothing_is_written_before_a_herd_that_is_claimed_for_each_claim_shows_what_is_in_etcd() -> None:
    async def act(world: World, node: Running) -> None:
        herd(world, 2 * WORTH_A_WRITE, concurrencyPolicy="Forbid")
        assert await asked(world, node) == (0, 0)
        assert world.instants == [60] * 2 * WORTH_A_WRITE

    running(act)


def test_a_herd_that_lasts_is_sounded_again_and_again() -> None:
    """Nothing of it is written for seconds, since what is due goes first; each sounding takes another object."""

    async def act(world: World, node: Running) -> None:
        world.server.latency_seconds = (0.3, 0.3)
        herd(world, 3 * MOST)
        await world.until(115)
        reads = node.cluster.reads
        await world.until(135)
        assert world.instants.count(120) == 3 * MOST
        assert node.cluster.reads - reads <= 2  # after a conflict with a look at the very object

    running(act)


def test_an_api_server_that_fails_leaves_the_sounding_to_the_next_look() -> None:
    async def act(world: World, node: Running) -> None:
        herd(world, 5 * MANY)
        await world.until(58)
        world.server.down = True
        await world.until(61)
        world.server.down = False
        await world.until(70)
        assert world.instants == [60] * 5 * MANY

    running(act)


def test_an_object_that_cannot_be_prepared_for_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(world: World, node: Running) -> None:
        herd(world, 5 * MANY)
        await world.until(58)

        def broken(*_: Any) -> None:
            raise KeyError("a status that somebody has damaged")

        monkeypatch.setattr(sounding, "moved_on", broken)
        await world.until(70)
        assert world.instants == [60] * 5 * MANY

    running(act)

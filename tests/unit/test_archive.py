"""The archive: records reach the store, and a store that lost its memory is told what is still known."""

from __future__ import annotations

from datetime import timedelta

from controller.archive import FLUSH_EVERY, Archive
from controller.messages import FiringRecord
from controller.outcomes import Reason
from tests.fakes.recentjobs import FakeRecentJobStore
from tests.fakes.redis import FakeRedis
from tests.unit.world import Node, World, in_world


class Keeper:
    """A node with its archive on a Redis that can go wrong."""

    def __init__(self, world: World, *, owns: bool = True) -> None:
        self.node = Node(world)
        self.redis = FakeRedis(world.clock.true_now)
        self.store = FakeRecentJobStore(self.redis, self.node.clock, node="node-a")
        self.archive = Archive(
            store=self.store,
            cron_jobs=self.node.cron_jobs,
            jobs=self.node.jobs,
            owns=lambda key: owns,
            clock=self.node.clock,
            node="node-a",
        )

    async def told(self) -> list[tuple[Reason, float]]:
        """What the store holds, the oldest record first, with the lateness."""
        recent: tuple[FiringRecord, ...] = await self.store.recent(limit=100)
        return [
            (record.outcome, record.lateness_seconds) for record in sorted(recent, key=lambda one: one.scheduled_at)
        ]


async def with_two_firings(world: World, keeper: Keeper) -> None:
    """One of which only the status tells, and one whose Job is there."""
    cron = world.apply()
    await world.until(61.5)
    job = world.job(cron, 60)
    recent = [{"scheduledAt": "2026-01-01T00:00:00Z", "outcome": "missed", "reason": "MissedCatchUp"}]
    written = await keeper.node.cluster.write_status(cron, {"recent": recent})
    keeper.node.cron_jobs.see(written)
    keeper.node.jobs.see(job, elapsed=timedelta(0))


def test_a_store_that_is_empty_is_told_what_jobs_and_statuses_show() -> None:
    async def act(world: World) -> None:
        keeper = Keeper(world)
        await with_two_firings(world, keeper)
        await keeper.archive.flush()
        told = await keeper.told()
        assert [reason for reason, _ in told] == [Reason.MISSED_CATCH_UP, Reason.CREATED]
        assert 0 <= told[1][1] <= 2
        keeper.redis.flush_all()
        await keeper.archive.flush()
        assert await keeper.told() == told

    in_world(act)


def test_a_node_tells_only_of_the_keys_that_it_owns() -> None:
    async def act(world: World) -> None:
        keeper = Keeper(world, owns=False)
        await with_two_firings(world, keeper)
        await keeper.archive.flush()
        assert await keeper.told() == []

    in_world(act)


def test_without_the_store_nothing_is_raised_and_the_records_leave_later() -> None:
    async def act(world: World) -> None:
        keeper = Keeper(world)
        await with_two_firings(world, keeper)
        keeper.redis.down = True
        running = world.loop.create_task(keeper.archive.run())
        await world.clock.sleep(FLUSH_EVERY * 3)
        keeper.redis.down = False
        await world.clock.sleep(FLUSH_EVERY * 3)
        assert len(await keeper.told()) == 2
        running.cancel()

    in_world(act)


def test_the_job_of_another_object_is_not_told_as_this_ones() -> None:
    async def act(world: World) -> None:
        keeper = Keeper(world)
        cron = world.apply()
        await world.until(61.5)
        keeper.node.cron_jobs.see(cron)
        keeper.node.jobs.see(world.job(cron, 60, controlled_by="an earlier object"), elapsed=timedelta(0))
        await keeper.archive.flush()
        assert await keeper.told() == []

    in_world(act)

"""The `RecentJobStore` port: what holds on the fake, on a real Redis of each kind and in memory alike.

What only a real server can do to us is in `test_redis_faults`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from controller.clock import SystemClock
from controller.firingmemory import DEFAULT_BOUNDS, Bounds
from controller.messages import FiringRecord
from controller.outcomes import Reason
from controller.ports import RecentJobStore
from controller.recentjobs import BATCH, InMemoryRecentJobStore
from controller.spec import Key
from tests.adapters.redis_worlds import REAL_KINDS, FakeWorld, World, real_world

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class InMemoryWorld(FakeWorld):
    """No Redis: one replica with a store of its own."""

    def store(self, node: str, *, bounds: Bounds = DEFAULT_BOUNDS) -> InMemoryRecentJobStore:  # type: ignore[override]  # another store, same port
        return InMemoryRecentJobStore(self.clock, bounds=bounds)


@pytest.fixture(params=["fake", *REAL_KINDS, "in memory"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each of the worlds in turn."""
    made = _open(request, request.param)
    yield made
    await made.aclose()


@pytest.fixture(params=["fake", *REAL_KINDS])
async def shared_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each of the worlds that several replicas share, in turn."""
    made = _open(request, request.param)
    yield made
    await made.aclose()


def _open(request: pytest.FixtureRequest, kind: str) -> World:
    if kind == "fake":
        return FakeWorld()
    if kind == "in memory":
        return InMemoryWorld()
    return real_world(request, kind)


class Records:
    """Makes records, each recorded a moment after the one before, in this world's time."""

    def __init__(self, world: World) -> None:
        self._next = world.clock.now()

    def __call__(
        self,
        scheduled_at: datetime = NOON,
        *,
        uid: str = "uid-1",
        outcome: Reason = Reason.CREATED,
        job: str | None = "report-20260301120000-0123456789",
        lateness_seconds: float = 0.042,
        age: timedelta = timedelta(0),
    ) -> FiringRecord:
        self._next += timedelta(milliseconds=1)
        return FiringRecord(
            uid=uid,
            key=Key("team-ü", "report"),
            scheduled_at=scheduled_at,
            outcome=outcome,
            node="node-1",
            job=job,
            lateness_seconds=lateness_seconds,
            recorded_at=self._next - age,
        )


@pytest.fixture
def record_of(world: World) -> Records:
    """Records in the world's time."""
    return Records(world)


async def flushed(store: RecentJobStore, records: Sequence[FiringRecord]) -> None:
    for record in records:
        store.record(record)
    await store.flush()


async def test_a_recorded_firing_comes_back_as_it_was(world: World, record_of: Records) -> None:
    store = world.store("a")
    created, skipped = record_of(), record_of(NOON + SECOND, outcome=Reason.SKIPPED_FORBID, job=None)
    await flushed(store, [created, skipped])
    assert await store.firings("uid-1", after=NOON - SECOND) == (created, skipped)


async def test_firings_lie_after_the_instant_oldest_first(world: World, record_of: Records) -> None:
    store = world.store("a")
    records = [record_of(NOON + SECOND * n) for n in (3, 1, 2)]
    await flushed(store, records)
    firings = await store.firings("uid-1", after=NOON + SECOND)
    assert [firing.scheduled_at - NOON for firing in firings] == [2 * SECOND, 3 * SECOND]


async def test_instants_are_told_apart_to_the_microsecond(world: World, record_of: Records) -> None:
    store = world.store("a")
    later = NOON + timedelta(microseconds=1)
    await flushed(store, [record_of(NOON), record_of(later)])
    assert [firing.scheduled_at for firing in await store.firings("uid-1", after=NOON)] == [later]


async def test_objects_are_kept_apart(world: World, record_of: Records) -> None:
    store = world.store("a")
    one, two = record_of(uid="uid-1"), record_of(uid="uid-2")
    await flushed(store, [one, two])
    assert await store.firings("uid-2", after=NOON - SECOND) == (two,)
    assert await store.newest("uid-1") == one


async def test_the_newest_firing_is_the_one_with_the_newest_instant(world: World, record_of: Records) -> None:
    store = world.store("a")
    newest = record_of(NOON + 9 * SECOND)
    await flushed(store, [record_of(NOON), newest, record_of(NOON + SECOND)])
    assert await store.newest("uid-1") == newest


async def test_an_object_that_never_fired_has_no_firings(world: World) -> None:
    store = world.store("a")
    assert await store.newest("uid-1") is None
    assert await store.firings("uid-1", after=NOON) == ()
    assert await store.recent(limit=10) == ()


async def test_recent_shows_what_was_recorded_last_of_all_objects(world: World, record_of: Records) -> None:
    store = world.store("a")
    records = [record_of(NOON - SECOND * n, uid=f"uid-{n}") for n in range(5)]
    await flushed(store, records)
    assert await store.recent(limit=3) == tuple(reversed(records[-3:]))
    assert await store.recent(limit=0) == ()


async def test_the_same_firing_recorded_again_is_kept_once(world: World, record_of: Records) -> None:
    store = world.store("a")
    first, again = record_of(), record_of(lateness_seconds=3.0)
    await flushed(store, [first])
    await flushed(store, [again])
    assert await store.firings("uid-1", after=NOON - SECOND) == (again,)
    assert await store.recent(limit=10) == (again,)


async def test_a_created_firing_is_not_replaced_by_another_outcome(world: World, record_of: Records) -> None:
    store = world.store("a")
    created = record_of()
    await flushed(store, [record_of(outcome=Reason.CREATE_FAILED, job=None), created])
    await flushed(store, [record_of(outcome=Reason.MISSED_DEADLINE, job=None)])
    assert await store.firings("uid-1", after=NOON - SECOND) == (created,)
    assert await store.recent(limit=10) == (created,)


async def test_each_object_keeps_the_newest_instants_only(world: World, record_of: Records) -> None:
    store = world.store("a", bounds=Bounds(per_object=3))
    await flushed(store, [record_of(NOON + SECOND * n) for n in range(5)])
    firings = await store.firings("uid-1", after=NOON - SECOND)
    assert [firing.scheduled_at for firing in firings] == [NOON + SECOND * n for n in (2, 3, 4)]


async def test_all_together_keep_what_was_recorded_last_only(world: World, record_of: Records) -> None:
    store = world.store("a", bounds=Bounds(in_all=3))
    records = [record_of(uid=f"uid-{n}") for n in range(5)]
    await flushed(store, records)
    assert await store.recent(limit=10) == tuple(reversed(records[-3:]))
    assert await store.newest("uid-0") == records[0]


async def test_what_was_recorded_too_long_ago_leaves_the_recent_ones(world: World, record_of: Records) -> None:
    store = world.store("a", bounds=Bounds(max_age=timedelta(hours=1)))
    old, young = record_of(NOON, age=timedelta(hours=2)), record_of(NOON + SECOND)
    await flushed(store, [old, young])
    assert await store.recent(limit=10) == (young,)


async def test_an_object_is_forgotten_some_time_after_its_last_record(world: World, record_of: Records) -> None:
    store = world.store("a", bounds=Bounds(max_age=SECOND))
    await flushed(store, [record_of(uid="uid-1")])
    await world.pass_time(1.2 * SECOND)
    await flushed(store, [record_of(uid="uid-2")])
    assert await store.newest("uid-1") is None
    assert await store.newest("uid-2") is not None


async def test_more_than_one_batch_arrives_whole(world: World, record_of: Records) -> None:
    store = world.store("a", bounds=Bounds(in_all=3 * BATCH))
    records = [record_of(uid=f"uid-{n % 7}", scheduled_at=NOON + SECOND * n) for n in range(2 * BATCH + 1)]
    await flushed(store, records)
    assert await store.recent(limit=3 * BATCH) == tuple(reversed(records))


async def test_the_first_flush_into_an_empty_store_asks_for_what_is_known(world: World, record_of: Records) -> None:
    store = world.store("a")
    store.record(record_of())
    assert not await store.flush()
    assert await store.newest("uid-1") is not None
    assert await store.flush()


async def test_a_replica_that_finds_a_filled_store_has_nothing_to_tell_it(shared_world: World) -> None:
    await shared_world.store("a").flush()
    assert await shared_world.store("b").flush()


async def test_replicas_share_what_they_record(shared_world: World) -> None:
    record = Records(shared_world)()
    await flushed(shared_world.store("a"), [record])
    assert await shared_world.store("b").newest("uid-1") == record


async def test_every_replica_learns_once_that_the_store_lost_its_memory(shared_world: World) -> None:
    stores = [shared_world.store(node) for node in ("a", "b")]
    for store in stores:
        await store.flush()
    shared_world.flush_all()
    assert [await store.flush() for store in stores] == [False, False]
    assert [await store.flush() for store in stores] == [True, True]


async def test_the_flush_that_finds_the_memory_lost_writes_its_records(shared_world: World) -> None:
    store, record_of = shared_world.store("a"), Records(shared_world)
    await flushed(store, [record_of(NOON)])
    shared_world.flush_all()
    after = record_of(NOON + SECOND)
    store.record(after)
    assert not await store.flush()
    assert await store.firings("uid-1", after=NOON - SECOND) == (after,)


async def test_an_empty_flush_sends_nothing_and_looks_for_the_memory(shared_world: World) -> None:
    store = shared_world.store("a")
    await store.flush()
    assert await store.flush()
    shared_world.flush_all()
    assert not await store.flush()


async def test_a_store_in_memory_forgets_nothing_while_it_lives() -> None:
    store = InMemoryRecentJobStore(SystemClock())
    assert [await store.flush() for _ in range(3)] == [False, True, True]

"""One replica as it is wired: what it asks of Redis, what it says of itself, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller import statusbody
from controller.apipulse import REMEMBERED
from controller.concurrency import LEAST, MOST
from controller.errors import StoreDenied
from controller.health import ReplicaHealth
from controller.messages import FiringRecord, Member
from controller.ports import Clock
from controller.replica import Replica
from controller.replicasettings import ReplicaSettings
from controller.ring import Ring
from controller.spec import CronJob, Key
from controller.web import Finding
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.recentjobs import FakeRecentJobStore
from tests.fakes.redis import FakeRedis
from tests.unit.builders import TEMPLATE, cron_job, job
from tests.unit.doubles import DictatedDriver, Numbers
from tests.unit.world import World, in_world

REPLICAS = 64
OTHER = Member(node="b", nonce="1", started_at=EPOCH, protocol="1", tzdata="1", api_ok=True)


class CountedStore(FakeRecentJobStore):
    """Counts how often it is asked what others have fired."""

    asked = 0

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        self.asked += 1
        return await super().firings(uid, after=after)


class CountedCluster(FakeCluster):
    """Counts how often an object is read and a status written, and connections that are asked for."""

    reads = writes = 0

    def __init__(self, server: FakeApiServer, clock: Clock, node: str) -> None:
        super().__init__(server, clock, node)
        self.opened: list[int] = []

    async def open_connections(self, count: int) -> None:
        self.opened.append(count)

    async def read(self, key: Key) -> CronJob | None:
        self.reads += 1
        return await super().read(key)

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        self.writes += 1
        return await super().write_status(cron_job, status)


class Running:
    """Node a, whose driver says what the test sets."""

    def __init__(self, world: World) -> None:
        clock = SimulatedClock(world.loop)
        self.driver = DictatedDriver()
        self.numbers = Numbers()
        self.store = CountedStore(FakeRedis(world.clock.true_now), clock, node="a")
        self.cluster = CountedCluster(world.server, clock, "a")
        self.numbers = Numbers()
        self.replica = Replica(
            ReplicaSettings(node="a", nonce="1", protocol="1", tzdata="1", hash_replicas=REPLICAS),
            clock=clock,
            driver=self.driver,
            store=self.store,
            cluster=self.cluster,
            recorder=self.numbers,
        )
        self.me = Member(node="a", nonce="1", started_at=EPOCH, protocol="1", tzdata="1", api_ok=True)
        self.driver.members = [self.me]

    @property
    def ring(self) -> str | None:
        """What `/readyz` says of the ring."""
        found = self.ready["ring"]
        return None if found is None else found.sentence

    @property
    def ready(self) -> dict[str, Finding | None]:
        """What `/readyz` says."""
        return ReplicaHealth(self.replica).ready()


def running(act: Callable[[World, Running], Awaitable[None]]) -> None:
    """Do something while the replica runs."""

    async def scenario(world: World) -> None:
        node = Running(world)
        tasks = [
            world.loop.create_task(
                node.cluster.watch_cron_jobs(node.replica.cron_job_seen, node.replica.cron_job_gone)
            ),
            world.loop.create_task(node.cluster.watch_jobs(node.replica.jobs_listed, node.replica.job_seen)),
            world.loop.create_task(node.replica.run()),
        ]
        await act(world, node)
        for task in tasks:
            task.cancel()

    in_world(scenario)


def fire_every_ten_seconds(world: World, *, owned_by: Member, **spec: Any) -> CronJob:
    """Make an object whose key is that member's on the ring of both."""
    ring = Ring.of(["a/1", OTHER.identity], REPLICAS)
    names = (f"object-{number}" for number in range(99))
    name = next(name for name in names if ring.owning_node(f"ns/{name}") == owned_by.identity)
    return world.server.apply("ns", name, {"schedule": "*/10 * * * * *", "jobTemplate": TEMPLATE, **spec})


def test_objects_that_are_not_ready_are_counted_by_the_owning_node_of_their_keys() -> None:
    async def act(world: World, node: Running) -> None:
        world.server.apply("ns", "right", {"schedule": "@daily", "jobTemplate": TEMPLATE})
        world.server.apply("ns", "wrong", {"schedule": "30 2 31 2 *", "jobTemplate": TEMPLATE})
        await world.until(40)
        assert node.numbers.not_ready[-1] == 1
        node.driver.members = [OTHER]
        await world.until(80)
        assert node.numbers.not_ready[-1] == 0

    running(act)


def test_objects_that_are_blocked_are_counted_likewise() -> None:
    async def act(world: World, node: Running) -> None:
        every_minute = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": TEMPLATE}
        world.server.apply("ns", "stuck", every_minute)
        world.server.apply(
            "ns", "idle", {"schedule": "@yearly", "concurrencyPolicy": "Forbid", "jobTemplate": TEMPLATE}
        )
        await world.until(300)
        assert node.numbers.blocked[-1] == 0
        await world.until(480)
        assert node.numbers.blocked[-1] == 1

    running(act)


def test_who_keeps_a_key_does_not_ask_redis_again_when_the_ring_changes() -> None:
    async def act(world: World, node: Running) -> None:
        fire_every_ten_seconds(world, owned_by=node.me)
        await world.until(25)
        assert node.store.asked == 1
        node.driver.members = [node.me, OTHER]
        await world.until(45)
        node.driver.members = [node.me]
        await world.until(65)
        assert node.store.asked == 1
        assert world.instants == [10, 20, 30, 40, 50, 60]

    running(act)


def test_a_change_of_the_ring_costs_looks_only_for_keys_that_change_hands() -> None:
    async def act(world: World, node: Running) -> None:
        ring = Ring.of([node.me.identity, OTHER.identity], REPLICAS)
        theirs = sum(ring.owning_node(f"ns/yearly-{number}") == OTHER.identity for number in range(100))
        node.driver.members = [node.me, OTHER]
        await world.until(5)
        for number in range(100):
            world.server.apply("ns", f"yearly-{number}", {"schedule": "0 0 1 6 *", "jobTemplate": TEMPLATE})
        await world.until(20)
        looks = len(node.numbers.looks)
        node.driver.members = [node.me]
        await world.until(40)
        assert len(node.numbers.looks) - looks == theirs, "what has come"
        looks = len(node.numbers.looks)
        node.driver.members = [node.me, OTHER]
        await world.until(60)
        assert len(node.numbers.looks) == looks, "what goes is not looked at"

    running(act)


def test_news_of_an_object_that_another_node_looks_after_costs_no_look() -> None:
    async def act(world: World, node: Running) -> None:
        node.driver.members = [node.me, OTHER]
        await world.until(5)
        cron = fire_every_ten_seconds(world, owned_by=OTHER)
        await world.until(10)
        made = world.job(world.server.write_status(cron, {"owner": "b"}, "b"), 10)
        world.server.finish_job("ns", made.name)
        await world.until(30)
        assert node.numbers.looks == []
        assert node.numbers.depths[-1] == (0, 0)

    running(act)


def test_an_object_that_was_edited_while_its_key_was_another_nodes_is_looked_at_when_the_key_comes_back() -> None:
    """The turn that this node gave it before is of the schedule before."""

    async def act(world: World, node: Running) -> None:
        cron = fire_every_ten_seconds(world, owned_by=OTHER, schedule="0 0 1 6 *")
        await world.until(5)
        node.driver.members = [node.me, OTHER]
        await world.until(15)
        looks = len(node.numbers.looks)
        world.server.apply("ns", cron.key.name, {"schedule": "*/10 * * * * *", "jobTemplate": TEMPLATE})
        await world.until(25)
        assert len(node.numbers.looks) == looks
        node.driver.members = [node.me]
        await world.until(45)
        assert world.instants == [20, 30, 40], "what was due meanwhile is only late"

    running(act)


def test_news_of_an_object_whose_claimed_slot_this_node_still_fills_is_looked_at() -> None:
    async def act(world: World, node: Running) -> None:
        cron = fire_every_ten_seconds(world, owned_by=OTHER, concurrencyPolicy="Forbid")
        await world.until(9)
        world.server.full_namespaces.add("ns")
        await world.until(10.5)
        node.driver.members = [node.me, OTHER]
        await world.until(12.5)
        looks = len(node.numbers.looks)
        annotated = world.server.annotate(cron.key, {"people": "are here"})
        assert statusbody.parse(annotated).unfilled
        await world.until(12.6)
        assert len(node.numbers.looks) == looks + 1

    running(act)


@pytest.mark.parametrize(("fired_by", "told"), [("a", True), ("b", False)])
def test_while_other_nodes_make_many_jobs_statuses_are_written_later(fired_by: str, told: bool) -> None:
    async def act(world: World, node: Running) -> None:
        fire_every_ten_seconds(world, owned_by=node.me)
        await world.until(9)
        writes = node.cluster.writes
        for number in range(30):  # a hundred each second, from 9 s to 12 s
            await world.until(9 + number / 10)
            for more in range(10):
                name = f"x-{number}-{more}"
                made = job(cron_job(), "11:00", owner_uid="of another", uid=name, name=name, fired_by=fired_by)
                node.replica.job_seen(made)
        assert world.instants == [10]
        assert (node.cluster.writes > writes) is told
        await world.until(14)
        assert node.cluster.writes > writes

    running(act)


@pytest.mark.parametrize(("limit", "told"), [({"suspendAfterFailures": 3}, True), ({}, False)])
def test_a_failure_that_may_suspend_an_object_is_told_although_other_nodes_make_many_jobs(
    limit: dict[str, int], told: bool
) -> None:
    async def act(world: World, node: Running) -> None:
        cron = fire_every_ten_seconds(world, owned_by=node.me, **limit)
        await world.until(14)
        writes = node.cluster.writes
        (made,) = node.replica.jobs.of(cron.uid)
        world.server.finish_job(made.namespace, made.name, succeeded=False)
        for number in range(30):  # a hundred each second, from 14 s to 17 s
            for more in range(10):
                name = f"x-{number}-{more}"
                node.replica.job_seen(
                    job(cron_job(), "11:00", owner_uid="of another", uid=name, name=name, fired_by="b")
                )
            await world.until(14 + (number + 1) / 10)
        assert (node.cluster.writes > writes) is told

    running(act)


def test_who_loses_a_key_and_gets_it_back_asks_redis_what_the_other_has_fired() -> None:
    async def act(world: World, node: Running) -> None:
        fire_every_ten_seconds(world, owned_by=OTHER)
        await world.until(25)
        assert node.store.asked == 1
        node.driver.members = [node.me, OTHER]
        await world.until(45)
        node.driver.members = [node.me]
        await world.until(65)
        assert node.store.asked == 2

    running(act)


def test_the_outage_of_redis_does_not_make_a_node_ask_it_before_it_fires_its_own_keys() -> None:
    async def act(world: World, node: Running) -> None:
        world.apply(schedule="*/10 * * * * *")
        await world.until(25)
        node.driver.down = True
        await world.until(65)
        assert node.store.asked == 1
        assert world.instants == [10, 20, 30, 40, 50, 60]

    running(act)


def test_the_first_beat_says_already_that_the_api_server_answers() -> None:
    async def act(world: World, node: Running) -> None:
        await world.until(5)
        assert node.driver.beats[0].api_ok

    running(act)


def test_a_node_that_the_others_do_not_count_on_is_not_ready() -> None:
    async def act(world: World, node: Running) -> None:
        node.driver.members = [OTHER]
        await world.until(5)
        assert node.ring == "this node is not on the ring"
        node.driver.members = [node.me, OTHER]
        await world.until(10)
        assert node.ring is None

    running(act)


def test_an_outage_of_redis_is_told_and_leaves_a_replica_ready_that_had_a_ring() -> None:
    async def act(world: World, node: Running) -> None:
        await world.until(3)
        node.driver.down = True
        await world.until(5)
        assert (node.ready["redis"], node.ready["ring"]) == (Finding("no answer", unready=False), None)
        await world.until(15)
        assert node.ready["ring"] == Finding("degraded: the last ring goes on, of 1", unready=False)
        node.driver.down = False
        await world.until(20)
        assert not any(node.ready.values())

    running(act)


def test_a_replica_that_redis_does_not_let_in_is_not_ready_until_it_does() -> None:
    async def act(world: World, node: Running) -> None:
        await world.until(3)
        node.driver.down, node.driver.failure = True, StoreDenied("wrong password")
        await world.until(15)
        assert node.ready["redis"] == Finding("wrong password")
        node.driver.down = False
        await world.until(20)
        assert node.ready["redis"] is None

    running(act)


def test_a_replica_whose_redis_has_never_answered_is_not_ready() -> None:
    async def act(world: World, node: Running) -> None:
        node.driver.down = True
        await world.until(15)
        assert node.ready["redis"] == Finding("no answer")
        assert node.ready["ring"] == Finding("degraded: no ring was seen yet, this replica fires all that is due")
        node.driver.down = False
        await world.until(20)
        assert not any(node.ready.values())

    running(act)


def test_a_pause_of_everything_is_told_and_leaves_the_replica_ready() -> None:
    async def act(world: World, node: Running) -> None:
        fire_every_ten_seconds(world, owned_by=node.me)
        await world.until(25)
        fired = len(world.server.created())
        node.replica.pause()
        await world.until(95)
        assert len(world.server.created()) == fired
        assert node.ready["pause"] == Finding("everything is paused: no Job is created", unready=False)
        assert [check for check, finding in node.ready.items() if finding] == ["pause"]
        node.replica.resume()
        await world.until(97)
        assert len(world.server.created()) == fired + 1, "of what was missed the newest, and what was only late"
        assert not any(node.ready.values())

    running(act)


def test_a_key_that_was_another_nodes_when_the_pause_ended_is_looked_at_when_it_comes_back() -> None:
    """The turn that a look gave in the pause holds no more. Simulated: mix `pauses`, seed 22."""

    async def act(world: World, node: Running) -> None:
        fire_every_ten_seconds(world, owned_by=OTHER)
        await world.until(12)
        node.replica.pause()
        await world.until(25)
        node.driver.members = [node.me, OTHER]
        await world.until(45)
        node.replica.resume()
        await world.until(50)
        before = len(world.server.created())
        node.driver.members = [node.me]
        await world.until(75)
        assert len(world.server.created()) >= before + 3

    running(act)


def test_a_pause_that_nobody_can_read_is_told_and_leaves_the_replica_ready() -> None:
    async def act(world: World, node: Running) -> None:
        await world.until(5)
        health = ReplicaHealth(node.replica, pause_trouble=lambda: "the file is gone; it stays not paused")
        assert health.ready()["pause"] == Finding("the file is gone; it stays not paused", unready=False)

    running(act)


def test_before_its_first_beat_a_node_is_not_ready() -> None:
    async def act(world: World, node: Running) -> None:
        assert node.ring == "this node has not joined the ring yet"
        await world.clock.sleep(timedelta(seconds=5))
        assert node.ring is None

    running(act)


def test_who_waits_for_the_lists_goes_on_once_all_is_known() -> None:
    async def act(world: World, node: Running) -> None:
        waiting = world.loop.create_task(node.replica.until_listed())
        await asyncio.sleep(0)
        assert (waiting.done(), node.replica.listed) == (False, False)
        await world.until(5)
        assert (waiting.done(), node.replica.listed) == (True, True)

    running(act)


def test_where_the_api_server_is_far_away_more_looks_are_under_way() -> None:
    async def act(world: World, node: Running) -> None:
        assert node.replica.queue.places == LEAST
        world.server.latency_seconds = (0.03, 0.03)
        await world.until(REMEMBERED * 1.5)
        assert LEAST < node.replica.queue.places < MOST

    running(act)

"""A look at a key: from what the node knows to what the world then is, and when to look again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller import statusbody
from controller.conditions import READY
from controller.contention import ON_ITS_WAY, PATIENCE
from controller.errors import ClusterUnavailable, Conflict
from controller.jobs import Job
from controller.messages import CreateResult, FiringRecord, Member
from controller.names import name_for
from controller.nodepool import NodePool
from controller.outcomes import Reason
from controller.ports import Clock
from controller.preparation import lead_of
from controller.reconciler import ASK_AGAIN, BREATH, SILENCE, Reconciler
from controller.spec import CronJob, Key
from controller.status import Status
from controller.timekeeper import Timekeeper
from controller.turns import Turn
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import EPOCH
from tests.fakes.cluster import FakeCluster
from tests.unit.doubles import DictatedDriver, Numbers
from tests.unit.world import Node, World, after, in_world

KEY = Key("ns", "report")
LATE = timedelta(seconds=10)


class Replica(Node):
    """A node that looks at keys; it is alone on the ring, and no watch tells it anything."""

    def __init__(self, world: World, name: str = "node-a", *, cluster: type[FakeCluster] = FakeCluster) -> None:
        super().__init__(world, name, cluster=cluster)
        self.me = Member(node=self.name, nonce="1", started_at=EPOCH, protocol="1", tzdata="1", api_ok=True)
        self.driver = DictatedDriver(members=[self.me])
        self.node_pool = NodePool(
            driver=self.driver,
            clock=self.clock,
            timekeeper=Timekeeper(self.clock, Numbers()),
            announce=lambda: self.me,
            update=timedelta(seconds=1),
            ttl=timedelta(seconds=5),
            hash_replicas=16,
            changed=lambda: None,
        )
        self.reconciler = Reconciler(
            cron_jobs=self.cron_jobs,
            jobs=self.jobs,
            node_pool=self.node_pool,
            executor=self.executor,
            store=world.store,
            clock=self.clock,
            node=self.name,
            late=LATE,
        )

    async def look(self, cron_job: CronJob | None = None) -> float | None:
        """Look at the key, shortly after a beat; gives when to look again, in seconds after the beginning of time."""
        if cron_job is not None:
            self.cron_jobs.see(cron_job)
        await self.node_pool.beat()
        turn = await self.reconciler.reconcile(KEY)
        return None if turn is None else (turn.at - EPOCH).total_seconds()

    async def look_at(self, seconds: float, cron_job: CronJob | None = None) -> float | None:
        """Look at that moment."""
        await self.world.until(seconds)
        return await self.look(cron_job)


def status_of(world: World) -> Status:
    current = world.server.read(KEY)
    assert current is not None
    return statusbody.parse(current)


def prepares_at(world: World, seconds: float) -> float:
    """When the firing of that moment is prepared."""
    current = world.server.read(KEY)
    assert current is not None
    return seconds - lead_of(current, statusbody.parse(current), after(seconds)).total_seconds()


# --- the sentence ---------------------------------------------------------------------------------------------------


def test_an_object_fires_when_its_instant_comes_is_settled_and_looked_at_when_the_next_one_is() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        assert await node.look_at(30, world.apply()) == prepares_at(world, 60)
        assert world.instants == []
        assert await node.look_at(60) == 60.8
        assert world.instants == [60]
        assert await node.look_at(60.8) == prepares_at(world, 120)
        status = status_of(world)
        assert (status.settled_through, status.owner) == (after(60), "node-a")
        assert status.counts == {"due": 1, "created": 1}
        assert len(world.server.created()) == 1

    in_world(act)


def test_a_run_that_is_asked_for_does_not_wait_until_the_books_of_an_instant_are_kept() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        await world.until(60)
        await node.look(world.server.annotate(KEY, {"dcron.io/trigger": "now"}))
        assert len(world.server.created()) == 2

    in_world(act)


def test_a_job_that_was_created_late_is_told_in_a_turn_of_its_own() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply(startingDeadlineSeconds=50))
        writes = len(world.server.status_writes)
        await world.until(63)
        await node.node_pool.beat()
        turn = await node.reconciler.reconcile(KEY)
        assert turn == Turn(at=after(60.8), presses_at=after(120))
        assert (world.instants, len(world.server.status_writes)) == ([60], writes)
        await node.look()
        assert status_of(world).settled_through == after(60)

    in_world(act)


def test_a_look_at_nothing_new_changes_nothing() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        writes = len(world.server.status_writes)
        assert await node.look_at(40) == prepares_at(world, 60)
        assert len(world.server.status_writes) == writes

    in_world(act)


def test_a_slot_is_claimed_and_filled_in_one_look() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply(concurrencyPolicy="Forbid"))
        await node.look_at(60)
        assert world.instants == [60]
        assert [slot.uid is None for slot in status_of(world).active] == [True]  # the Job is settled a little later
        await node.look_at(61)
        assert [slot.uid for slot in status_of(world).active] == [job.uid for job in world.server.jobs()]

    in_world(act)


class Losing(FakeCluster):
    """The first create fails on its way to the server."""

    def __init__(self, server: FakeApiServer, clock: Clock, node: str) -> None:
        super().__init__(server, clock, node)
        self.lost = 0

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        self.lost += 1
        if self.lost == 1:
            raise ClusterUnavailable("lost on its way")
        return await super().create_job(manifest)


def test_a_slot_that_another_node_has_claimed_is_left_to_it_for_a_while_and_then_filled() -> None:
    async def act(world: World) -> None:
        first, second = Replica(world, cluster=Losing), Replica(world)
        cron = world.apply(concurrencyPolicy="Forbid")
        await world.until(61)
        with pytest.raises(ClusterUnavailable):
            await first.look(cron)
        claimed = world.server.read(KEY)
        assert await second.look(claimed) == 61 + PATIENCE.total_seconds()
        assert world.instants == []
        await second.look_at(61.5)
        assert world.instants == []
        await second.look_at(62)
        assert world.instants == [60]

    in_world(act)


def test_a_slot_is_filled_by_the_node_that_has_claimed_it_even_if_the_key_is_anothers_by_now() -> None:
    async def act(world: World) -> None:
        replica = Replica(world, cluster=Losing)
        cron = world.apply(concurrencyPolicy="Forbid")
        await world.until(61)
        with pytest.raises(ClusterUnavailable):
            await replica.look(cron)
        replica.driver.members = [replace(replica.me, node="other")]
        await replica.look()
        await replica.look_at(63)
        assert world.instants == [60]
        await replica.look_at(121)
        assert world.instants == [60]

    in_world(act)


@pytest.mark.parametrize("lost", [True, False], ids=["that lost the key", "that tries again"])
def test_a_node_does_not_fill_again_what_another_has_filled_and_cleared_away(lost: bool) -> None:
    """As under Replace: its watch is not known to be old, and has not shown it yet."""

    async def act(world: World) -> None:
        first, second = Replica(world, cluster=Losing), Replica(world, name="node-b")
        cron = world.apply(concurrencyPolicy="Forbid")
        await world.until(61)
        with pytest.raises(ClusterUnavailable):
            await first.look(cron)
        claimed = world.server.read(KEY)
        assert claimed is not None
        first.cron_jobs.watch_came_to(claimed.resource_version)
        await second.look(claimed)
        await second.look_at(62)
        await second.look_at(63)
        assert [slot.uid for slot in status_of(world).active] == [job.uid for job in world.server.jobs()]
        (job,) = world.server.jobs()
        world.server.delete_job(job.namespace, job.name)
        if lost:
            first.driver.members = [replace(first.me, node="other")]
        await first.look_at(63.5)
        assert world.instants == [60]

    in_world(act)


class Unheard(FakeCluster):
    """The first create goes through, and its answer is lost."""

    heard = False

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        result = await super().create_job(manifest)
        if not self.heard:
            self.heard = True
            raise ClusterUnavailable("the answer was lost")
        return result


def test_a_node_does_not_create_again_within_its_own_second_what_another_has_cleared_away_meanwhile() -> None:
    """As under Replace: the other has seen the Job, told of it and deleted it, and no watch has shown that yet."""

    async def act(world: World) -> None:
        first, second = Replica(world, cluster=Unheard), Replica(world, name="node-b")
        cron = world.apply(concurrencyPolicy="Replace", schedule="* * * * * *")
        await first.look_at(0.5, cron)
        await world.until(1)
        with pytest.raises(ClusterUnavailable):
            await first.look()
        claimed = world.server.read(KEY)
        assert claimed is not None
        first.cron_jobs.watch_came_to(claimed.resource_version)
        assert first.cron_jobs.is_fresh(first.clock.elapsed())
        (job,) = world.server.jobs()
        second.jobs.see(job, elapsed=second.clock.elapsed())
        await second.look_at(1.8, claimed)
        assert [slot.uid for slot in status_of(world).active] == [job.uid]
        world.server.delete_job(job.namespace, job.name)
        await first.look_at(1.9)
        assert world.instants == [1]

    in_world(act)


def test_a_slot_is_not_given_up_on_a_list_that_is_older_than_a_create_without_an_answer() -> None:
    async def act(world: World) -> None:
        node = Replica(world, cluster=Unheard)
        cron = world.apply(concurrencyPolicy="Forbid", startingDeadlineSeconds=0, maxRuns=1)
        await node.look_at(30, cron)
        await world.until(60.9)
        with pytest.raises(ClusterUnavailable):
            await node.look()
        for seconds in (61.1, 62, 63):
            await node.look_at(seconds)
        assert world.instants == [60]
        assert status_of(world).counts == {"due": 1, "created": 1}

    in_world(act)


def test_a_long_row_of_another_nodes_slots_is_told_as_contested_and_then_read_for_every_four() -> None:
    class Mute(FakeCluster):
        async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
            raise ClusterUnavailable("lost on its way")

    class Reading(FakeCluster):
        async def read(self, key: Key) -> CronJob | None:
            requests.append("read")
            return await super().read(key)

        async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
            requests.append("write")
            return await super().write_status(cron_job, status)

        async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
            requests.append("create")
            return await super().create_job(manifest)

    requests: list[str] = []

    async def act(world: World) -> None:
        first, second = Replica(world, cluster=Mute), Replica(world, name="node-b", cluster=Reading)
        cron = world.apply(concurrencyPolicy="Replace", maxActiveJobs=9, schedule="* * * * * *")
        await first.look_at(0.5, cron)
        await world.until(6)
        with pytest.raises(ClusterUnavailable):
            await first.look()
        assert len(status_of(world).active) == 6
        await second.look(world.server.read(KEY))
        requests.clear()
        await second.look_at(6 + PATIENCE.total_seconds())
        begun = requests.index("create")
        assert requests[begun - 1] == "write", "the slots are told as contested, for all of them at once"
        between = "".join(word[0] for word in requests[begun:])
        assert between.startswith("cccc"), between
        assert "r" in between[4:].split("c")[0], between
        assert all(slot.contested for slot in status_of(world).active if slot.scheduled_at <= after(6))

    in_world(act)


def test_under_replace_a_contested_job_keeps_its_name_while_another_create_may_be_on_its_way() -> None:
    async def act(world: World) -> None:
        first, second = Replica(world, cluster=Losing), Replica(world, name="node-b")
        cron = world.apply(concurrencyPolicy="Replace")
        await first.look_at(30, cron)
        await world.until(60)
        with pytest.raises(ClusterUnavailable):
            await first.look()
        claimed = world.server.read(KEY)
        await second.look(claimed)
        await second.look_at(61)
        await second.look_at(62)
        await second.look_at(120 - ON_ITS_WAY.total_seconds() / 2)
        (contested,) = world.server.jobs()
        forgetful = Replica(world, name="node-c")  # which sees the told Job for the first time
        await forgetful.look_at(120, world.server.read(KEY))
        assert contested.uid in {job.uid for job in world.server.jobs()}
        wake_at = await forgetful.look_at(121)
        assert wake_at == pytest.approx(120 + ON_ITS_WAY.total_seconds(), abs=0.1)
        await forgetful.look_at(126)
        assert [job.scheduled_at for job in world.server.jobs()] == [after(120)]

    in_world(act)


def test_jobs_that_no_watch_has_shown_count_before_a_slot_is_claimed() -> None:
    async def act(world: World) -> None:
        node, cron = Replica(world), world.apply(concurrencyPolicy="Forbid")
        await node.look_at(30, cron)
        world.job(cron, 60)
        await node.look_at(121)
        assert world.instants == [60]
        assert status_of(world).counts == {"due": 2, "created": 1, "skipped": 1}

    in_world(act)


def test_replace_deletes_the_older_job_and_creates_the_newer_one_in_one_look() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply(concurrencyPolicy="Replace"))
        await node.look_at(61)
        await node.look_at(121)
        assert world.instants == [60, 120]
        assert [job.scheduled_at for job in world.server.jobs()] == [after(120)]

    in_world(act)


def test_history_is_cleared_up() -> None:
    async def act(world: World) -> None:
        world.server.job_duration = lambda job: timedelta(seconds=5)
        node = Replica(world)
        await node.look_at(30, world.apply(successfulJobsHistoryLimit=0))
        await node.look_at(61)
        await node.executor.look(world.server.cron_jobs()[0])
        await world.until(70)
        await node.executor.look(world.server.cron_jobs()[0])
        assert await node.look_at(70) == 91
        await node.look_at(91)
        assert world.server.jobs() == ()

    in_world(act)


def test_an_object_whose_schedule_never_fires_is_not_ready_and_waits_for_its_author() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        assert await node.look_at(30, world.apply(schedule="30 2 31 2 *")) is None
        ready = status_of(world).condition(READY)
        assert ready is not None
        assert (ready.status, ready.reason) == (False, "InvalidSchedule")
        assert world.events == ["UnparseableSchedule"]

    in_world(act)


def test_a_template_that_the_api_server_does_not_take_makes_the_object_not_ready() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        broken = {"spec": {"template": {"spec": {"bogus": True}}}}
        assert await node.look_at(30, world.apply(jobTemplate=broken)) == prepares_at(world, 60)
        ready = status_of(world).condition(READY)
        assert ready is not None
        assert (ready.status, ready.reason) == (False, "InvalidJobTemplate")

    in_world(act)


# --- whose it is ----------------------------------------------------------------------------------------------------


def test_a_key_without_an_object_is_left_alone() -> None:
    async def act(world: World) -> None:
        assert await Replica(world).look() is None

    in_world(act)


def test_the_key_of_another_node_is_left_alone() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        node.driver.members = [replace(node.me, node="node-b")]
        assert await node.look_at(61, world.apply()) is None
        assert world.instants == []
        assert world.server.status_writes == []

    in_world(act)


def test_a_node_that_was_paused_asks_again_before_it_does_anything() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        await world.until(60)
        assert await node.reconciler.reconcile(KEY) == Turn(at=after(60) + ASK_AGAIN, presses_at=after(60) + ASK_AGAIN)
        assert world.instants == []

    in_world(act)


def test_a_node_that_stands_in_fires_later() -> None:
    async def act(world: World) -> None:
        other, node = Replica(world, "node-b"), Replica(world)
        await other.look_at(30, world.apply())
        node.driver.members = [other.me]
        await node.look_at(55, world.server.read(KEY))
        node.driver.down = True
        assert await node.look_at(60) == 63
        assert world.instants == []
        await node.look_at(63)
        assert world.instants == [60]
        await node.look_at(65)
        assert await node.look_at(66) == prepares_at(world, 120), "from then on it serves the object"

    in_world(act)


# --- nothing is created on old knowledge ----------------------------------------------------------------------------


def test_an_object_suspended_unseen_does_not_fire() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        world.server.suspend(KEY)
        await node.look_at(60)
        assert world.instants == []
        assert status_of(world).suspended

    in_world(act)


def test_an_object_deleted_unseen_does_not_fire() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        world.server.delete(KEY)
        assert await node.look_at(60) is None
        assert world.instants == []
        assert node.cron_jobs.get(KEY) is None

    in_world(act)


def test_an_object_made_again_unseen_fires_as_the_new_one() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        old = world.apply()
        await node.look_at(30, old)
        world.server.delete(KEY)
        new = world.apply()
        await node.look_at(60)
        assert [job.owner_uid for job in world.server.created()] == [new.uid]

    in_world(act)


def test_an_object_is_not_read_when_the_watch_is_known_to_be_fresh() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(59, world.apply())
        node.cron_jobs.watch_came_to(world.server.cron_jobs()[0].resource_version)  # our own write of a second ago
        world.server.suspend(KEY)  # what a watch that is fresh has not shown yet may still be missed
        await node.look_at(60)
        assert world.instants == [60]

    in_world(act)


def test_what_a_look_has_learnt_does_not_outlive_an_edit() -> None:
    """A template is checked again if the object is edited while the first check is under way."""

    async def act(world: World) -> None:
        node = Replica(world)
        world.server.latency_seconds = (0.2, 0.2)
        await world.until(30)
        looking = asyncio.create_task(node.look(world.apply()))
        await world.until(30.3)
        broken = {"spec": {"template": {"spec": {"bogus": True}}}}
        node.cron_jobs.see(world.apply(jobTemplate=broken))
        await looking
        status = status_of(world)
        ready = status.condition(READY)
        assert ready is not None
        assert (status.observed_generation, ready.reason) == (2, "InvalidJobTemplate")

    in_world(act)


# --- what other nodes did -------------------------------------------------------------------------------------------


def recorded(cron: CronJob, seconds: float, outcome: Reason = Reason.CREATED) -> FiringRecord:
    return FiringRecord(
        uid=cron.uid,
        key=cron.key,
        scheduled_at=after(seconds),
        outcome=outcome,
        node="node-b",
        job=name_for(cron, after(seconds)),
        lateness_seconds=0.1,
        recorded_at=after(seconds),
    )


def test_what_another_node_has_fired_is_not_fired_again_even_if_its_job_is_gone() -> None:
    async def act(world: World) -> None:
        node, cron = Replica(world), world.apply()
        await node.look_at(30, cron)
        world.store.records.append(recorded(cron, 60))
        await node.look_at(61)
        assert world.instants == []
        assert status_of(world).counts == {"due": 1, "created": 1}

    in_world(act)


@pytest.mark.parametrize(("recorded_as_created", "created"), [(True, 1), (False, 2)], ids=["recorded", "not recorded"])
def test_a_claimed_slot_whose_job_was_recorded_and_is_gone_is_not_filled_by_the_next_node(
    recorded_as_created: bool, created: int
) -> None:
    async def act(world: World) -> None:
        first, cron = Replica(world), world.apply(concurrencyPolicy="Forbid")
        await first.look_at(30, cron)
        world.server.fail_next_create_after_write = True
        with pytest.raises(ClusterUnavailable):
            await first.look_at(60)
        (job,) = world.server.jobs()
        await first.cluster.delete_job(job)
        if recorded_as_created:
            world.store.records.append(recorded(cron, 60))
        second = Replica(world)
        await second.look_at(62, world.server.read(KEY))
        await second.look_at(64)
        await second.look_at(64)  # what was created is told in a turn of its own
        assert len(world.server.created()) == created
        assert status_of(world).counts == {"due": 1, "created": 1}

    in_world(act)


class Overtaken(FakeCluster):
    """A cluster on which another node claims the instant of second 60 and creates its Job just after our first list."""

    world: World
    others = 1

    async def list_jobs(self, cron_job: CronJob) -> tuple[Job, ...]:
        listed = await super().list_jobs(cron_job)
        if self.others:
            self.others = 0
            job = self.world.job(cron_job, 60)
            slot = {"name": job.name, "scheduledAt": "2026-01-01T00:01:00Z", "uid": job.uid}
            claimed = {"active": [slot], "activeJobs": 1, "settledThrough": slot["scheduledAt"], "counts": {"due": 1}}
            current = self.world.server.read(cron_job.key)
            assert current is not None
            await self.write_status(current, claimed)
        return listed


def test_a_list_from_before_another_node_wrote_does_not_say_what_is_gone() -> None:
    async def act(world: World) -> None:
        Overtaken.world = world
        node = Replica(world, cluster=Overtaken)
        await node.look_at(30, world.apply(concurrencyPolicy="Forbid"))
        await node.look_at(60)
        assert [slot.uid for slot in status_of(world).active] == [job.uid for job in world.server.jobs()]
        await node.look_at(120)
        assert world.instants == [60]
        assert status_of(world).counts == {"due": 2, "skipped": 1}

    in_world(act)


class FilledInBetween(FakeCluster):
    """A cluster on which another node fills the slot of second 60 just before it is given up."""

    world: World

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        now = (self.world.clock.now() - EPOCH).total_seconds()
        if now >= 120 and not self.world.server.jobs():
            self.world.job(cron_job, 60)
        return await super().write_status(cron_job, status)


def test_who_gets_the_place_of_a_slot_that_was_given_up_rests_on_a_list_asked_for_after_that() -> None:
    async def act(world: World) -> None:
        FilledInBetween.world = world
        node = Replica(world, cluster=FilledInBetween)
        await node.look_at(30, world.apply(concurrencyPolicy="Forbid"))
        world.server.full_namespaces.add("ns")
        await node.look_at(60)
        world.server.full_namespaces.clear()
        await node.look_at(120)
        assert world.instants == [60]
        assert status_of(world).counts == {"due": 2, "createFailed": 1, "skipped": 1}

    in_world(act)


class FilledAndRecorded(FakeCluster):
    """A cluster on which another node fills the slot of second 60, and records that, just after our first list."""

    world: World

    async def list_jobs(self, cron_job: CronJob) -> tuple[Job, ...]:
        listed = await super().list_jobs(cron_job)
        if not self.world.server.jobs():
            self.world.job(cron_job, 60)
            self.world.store.records.append(recorded(cron_job, 60))
        return listed


def test_a_job_that_only_the_store_knows_has_its_place_though_it_was_made_after_a_list() -> None:
    async def act(world: World) -> None:
        FilledAndRecorded.world = world
        first, second = Replica(world), Replica(world, "node-b", cluster=FilledAndRecorded)
        await first.look_at(30, world.apply(concurrencyPolicy="Forbid"))
        world.server.full_namespaces.add("ns")
        await first.look_at(60)
        world.server.full_namespaces.clear()
        await second.look_at(118, world.server.read(KEY))
        for seconds in (120.1, 122):
            await second.look_at(seconds)
        assert world.instants == [60]

    in_world(act)


def test_only_what_was_created_counts_as_fired() -> None:
    async def act(world: World) -> None:
        node, cron = Replica(world), world.apply()
        await node.look_at(30, cron)
        world.store.records.append(recorded(cron, 60, Reason.CREATE_FAILED))
        await node.look_at(61)
        assert world.instants == [60]

    in_world(act)


def test_a_store_that_does_not_answer_holds_nothing_up() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        world.store.down = True
        await node.look_at(60)
        assert world.instants == [60]

    in_world(act)


def test_the_store_is_asked_once_and_again_when_another_node_had_the_key_or_the_object_is_another() -> None:
    async def act(world: World) -> None:
        node, cron = Replica(world), world.apply()
        await node.look_at(30, cron)
        await node.look_at(61)
        await node.look_at(121)
        assert world.store.asked == 1
        node.reconciler.forget_recalled(cron.uid)
        await node.look_at(181)
        assert world.store.asked == 2
        node.reconciler.forget(cron.uid)
        await node.look_at(241)
        assert world.store.asked == 3

    in_world(act)


def test_nothing_is_kept_of_an_object_that_is_gone() -> None:
    async def act(world: World) -> None:
        node, cron = Replica(world), world.apply()
        world.server.full_namespaces.add("ns")
        await node.look_at(30, cron)
        await node.look_at(60)
        assert node.executor.attempts.turned_down(cron.uid)
        node.reconciler.forget(cron.uid)
        assert not node.executor.attempts.turned_down(cron.uid)

    in_world(act)


# --- when the world does not go along -------------------------------------------------------------------------------


def test_an_object_of_a_terminating_namespace_rests_in_silence() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        world.server.terminating_namespaces.add("ns")
        assert await node.look_at(60) == 60 + SILENCE.total_seconds()
        assert world.events == []

    in_world(act)


def test_an_api_server_that_does_not_answer_is_left_to_the_queue() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look_at(30, world.apply())
        world.server.down = True
        await world.until(60)
        with pytest.raises(ClusterUnavailable):
            await node.look()

    in_world(act)


class Racing(FakeCluster):
    """A cluster on which somebody else always writes first."""

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        raise Conflict("it has changed since")


def test_a_look_that_loses_every_race_lets_other_keys_have_their_place_in_between() -> None:
    async def act(world: World) -> None:
        node = Replica(world, cluster=Racing)
        assert await node.look_at(30, world.apply()) == 30 + BREATH.total_seconds()

    in_world(act)


def test_a_catch_up_goes_on_until_all_is_caught_up() -> None:
    async def act(world: World) -> None:
        node = Replica(world)
        await node.look(world.apply(schedule="* * * * * *", catchUpPolicy="All"))
        await node.look_at(70)
        assert sorted(world.instants) == list(range(1, 71))

    in_world(act)

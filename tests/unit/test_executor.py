"""Carrying out steps: what a request's answer makes known, and that nothing is told twice or lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller import status as statuses
from controller.errors import ClusterUnavailable, NamespaceTerminating, Throttled
from controller.executor import CROWDED
from controller.jobs import Firing, Job, manifest
from controller.messages import CreateResult
from controller.observation import Checked
from controller.outcomes import Outcome, Reason, Trigger
from controller.ports import Clock
from controller.spec import CronJob
from controller.status import Status
from controller.steps import Cause, Create, Write
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.cluster import FakeCluster
from tests.unit.world import Node, World, after, firing, in_world

BROKEN = {"spec": {"template": {"spec": {"bogus": True}}}}


def creating(firings: Iterable[Firing]) -> Create:
    """The step that creates the Jobs of these."""
    return Create(firings=tuple(firings))


# --- creating -------------------------------------------------------------------------------------------------------


def test_a_job_that_is_created_is_known_recorded_and_announced_at_once() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        await world.until(60.5)
        await node.executor.create(cron, creating([firing(cron, 60)]))
        (job,) = world.server.jobs()
        assert node.jobs.of(cron.uid) == (job,)
        (record,) = world.store.records
        assert (record.uid, record.key, record.scheduled_at) == (cron.uid, cron.key, after(60))
        assert (record.outcome, record.node, record.job) == (Reason.CREATED, "node-a", job.name)
        assert (record.lateness_seconds, record.recorded_at) == (0.5, after(60.5))
        assert world.events == ["SuccessfulCreate"]
        assert node.numbers.outcomes == [(Reason.CREATED, 0.5)]

    in_world(act)


def test_a_job_that_was_made_ahead_is_sent_as_it_is() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        ahead, now = firing(cron, 60), firing(cron, 61)
        body = manifest(cron, ahead, fired_by="made ahead")
        await node.executor.create(cron, replace(creating([ahead, now]), bodies={ahead.name: body}))
        makers = [world.server.manifest(job.namespace, job.name) for job in world.server.jobs()]
        told = sorted(made["metadata"]["annotations"]["dcron.io/fired-by"] for made in makers)
        assert told == ["made ahead", "node-a"]

    in_world(act)


def test_the_job_carries_the_name_of_the_node_and_the_last_success() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        await node.executor.create(cron, creating([replace(firing(cron, 60), last_successful_at=after(-30))]))
        (job,) = world.server.jobs()
        body = world.server.manifest(job.namespace, job.name)
        assert body["metadata"]["annotations"]["dcron.io/fired-by"] == "node-a"
        env = {entry["name"]: entry["value"] for entry in body["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert env["DCRON_LAST_SUCCESSFUL_AT"] == "2025-12-31T23:59:30Z"

    in_world(act)


def test_the_job_of_another_node_is_adopted_without_a_word() -> None:
    async def act(world: World) -> None:
        first, second, cron = Node(world, "node-a"), Node(world, "node-b"), world.apply()
        await first.executor.create(cron, creating([firing(cron, 60)]))
        await second.executor.create(cron, creating([firing(cron, 60)]))
        assert world.instants == [60]
        assert second.jobs.of(cron.uid) == world.server.jobs()
        assert [record.node for record in world.store.records] == ["node-a"]
        assert world.events == ["SuccessfulCreate"]
        assert second.numbers.outcomes == []

    in_world(act)


def test_a_create_that_went_through_without_an_answer_is_announced_once() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        world.server.fail_next_create_after_write = True
        with pytest.raises(ClusterUnavailable):
            await node.executor.create(cron, creating([firing(cron, 60)]))
        assert world.instants == [60]
        assert world.store.records == []
        for _ in range(2):
            await node.executor.create(cron, creating([firing(cron, 60)]))
        assert world.instants == [60]
        assert [record.scheduled_at for record in world.store.records] == [after(60)]
        assert world.events == ["SuccessfulCreate"]

    in_world(act)


def test_a_create_without_an_answer_that_is_settled_meanwhile_is_not_announced_later() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        world.server.fail_next_create_after_write = True
        with pytest.raises(ClusterUnavailable):
            await node.executor.create(cron, creating([firing(cron, 60)]))
        await node.executor.write(cron, settling(cron, Reason.CREATED))
        await node.executor.create(cron, creating([firing(cron, 60)]))
        assert world.events == []
        assert world.store.records == []

    in_world(act)


def test_a_foreign_job_under_the_name_ends_the_firing_and_never_makes_a_second_name() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        foreign = world.job(cron, 60, controlled_by="another object")
        await node.executor.create(cron, creating([firing(cron, 60)]))
        assert world.server.jobs() == (foreign,)
        (attempt,) = node.executor.attempts.turned_down(cron.uid)
        assert attempt.final
        assert attempt.message == f"NameCollision: a foreign Job has the name {foreign.name}"
        assert node.jobs.of(cron.uid) == ()

    in_world(act)


def test_a_job_that_the_api_server_rejects_is_not_tried_again() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply(jobTemplate=BROKEN)
        await node.executor.create(cron, creating([firing(cron, 60)]))
        (attempt,) = node.executor.attempts.turned_down(cron.uid)
        assert attempt.final
        assert "unknown field" in attempt.message

    in_world(act)


def test_a_create_that_is_refused_rests_twice_as_long_each_time_and_half_a_minute_at_most() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        world.server.full_namespaces.add("ns")
        rests = []
        for _ in range(7):
            await node.executor.create(cron, creating([firing(cron, 60)]))
            (attempt,) = node.executor.attempts.turned_down(cron.uid)
            assert not attempt.final
            assert "exceeded quota" in attempt.message
            rests.append((attempt.retry_at - node.clock.now()).total_seconds())
        assert rests == [1, 2, 4, 8, 16, 30, 30]

    in_world(act)


def test_nothing_can_be_created_in_a_namespace_that_is_terminating_and_nothing_is_remembered_of_it() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        world.server.terminating_namespaces.add("ns")
        with pytest.raises(NamespaceTerminating):
            await node.executor.create(cron, creating([firing(cron, 60)]))
        assert node.executor.attempts.turned_down(cron.uid) == ()

    in_world(act)


class Stumbling(FakeCluster):
    """A cluster that does not answer about the Job of second 1, and meets a bug with that of second 2."""

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        self._stumble(manifest["metadata"]["name"])
        return await super().create_job(manifest)

    async def delete_job(self, job: Job) -> bool:
        self._stumble(job.name)
        return await super().delete_job(job)

    def _stumble(self, name: str) -> None:
        if "000001" in name:
            raise ClusterUnavailable("no answer")
        if "000002" in name:
            raise ZeroDivisionError


class Slow(FakeCluster):
    """A cluster that takes 0.6 s for a create."""

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        await self._clock.sleep(timedelta(seconds=0.6))
        return await super().create_job(manifest)


def test_what_is_caught_up_is_created_in_order_so_one_without_an_answer_holds_back_the_younger_ones() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Stumbling), world.apply()
        node.cron_jobs.see(cron)
        with pytest.raises(ClusterUnavailable) as failure:
            await node.executor.create(cron, creating([firing(cron, second, Trigger.CATCH_UP) for second in (0, 1, 3)]))
        assert failure.value.after_progress
        assert world.instants == [0]
        assert [record.scheduled_at for record in world.store.records] == [after(0)]

    in_world(act)


def test_what_is_only_late_is_created_four_at_a_time_and_one_without_an_answer_holds_back_the_next_four() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Stumbling), world.apply()
        node.cron_jobs.see(cron)
        with pytest.raises(ClusterUnavailable) as failure:
            await node.executor.create(cron, creating([firing(cron, second) for second in (0, 1, 3, 4, 5)]))
        assert failure.value.after_progress
        assert sorted(world.instants) == [0, 3, 4]
        with pytest.raises(ClusterUnavailable) as failure:
            await node.executor.create(cron, creating([firing(cron, 1)]))
        assert not failure.value.after_progress

    in_world(act)


def test_a_row_of_late_instants_takes_the_time_of_its_groups_and_not_of_its_length() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Slow), world.apply()
        node.cron_jobs.see(cron)
        began = node.clock.elapsed()
        await node.executor.create(cron, creating([firing(cron, second) for second in range(8)]))
        assert sorted(world.instants) == list(range(8))
        assert node.clock.elapsed() - began < timedelta(seconds=3 * 0.6)

    in_world(act)


class Counting(FakeCluster):
    """A cluster that notes how many creates were on their way together, each time one more came."""

    def __init__(self, server: FakeApiServer, clock: Clock, node: str) -> None:
        super().__init__(server, clock, node)
        self.together: list[int] = []
        self._now = 0

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        self._now += 1
        self.together.append(self._now)
        await self._clock.sleep(timedelta(seconds=0.01))
        self._now -= 1
        return await super().create_job(manifest)


def test_a_catch_up_is_not_overtaken_by_what_is_only_late() -> None:
    triggers = [Trigger.CATCH_UP, Trigger.CATCH_UP, *[Trigger.SCHEDULE] * 5, Trigger.BACKFILL, Trigger.SCHEDULE]

    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Counting), world.apply()
        node.cron_jobs.see(cron)
        await node.executor.create(
            cron, creating([firing(cron, second, trigger) for second, trigger in enumerate(triggers)])
        )
        assert isinstance(node.cluster, Counting)
        assert node.cluster.together == [1, 1, 1, 2, 3, 4, 1, 1, 1]

    in_world(act)


def test_when_many_creates_are_on_their_way_each_object_sends_one_at_a_time() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Counting), world.apply()
        node.cron_jobs.see(cron)
        rows = [[firing(cron, 10 * row + second) for second in range(4)] for row in range(CROWDED)]
        await asyncio.gather(*(node.executor.create(cron, creating(row)) for row in rows))
        assert len(world.instants) == 4 * CROWDED
        assert isinstance(node.cluster, Counting)
        assert max(node.cluster.together) < 2 * CROWDED

    in_world(act)


def test_with_no_time_left_only_the_first_group_goes_out() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        node.cron_jobs.see(cron)
        await node.executor.create(cron, creating([firing(cron, second) for second in range(6)]), within=timedelta(0))
        assert sorted(world.instants) == [0, 1, 2, 3]

    in_world(act)


def test_of_several_errors_the_weightiest_is_raised() -> None:
    patient, hasty = Throttled("slow down", retry_after_seconds=30), Throttled("slow down", retry_after_seconds=1)
    gone, silent, bug = NamespaceTerminating("going"), ClusterUnavailable("no answer"), ZeroDivisionError()

    def raised_of(*errors: BaseException | None) -> BaseException:
        class Failing(FakeCluster):
            async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
                if (error := next(ahead)) is not None:
                    raise error
                return await super().create_job(manifest)

        async def act(world: World) -> None:
            node, cron = Node(world, cluster=Failing), world.apply()
            node.cron_jobs.see(cron)
            with pytest.raises((ClusterUnavailable, NamespaceTerminating, Throttled, ZeroDivisionError)) as failure:
                await node.executor.create(cron, creating([firing(cron, second) for second in range(len(errors))]))
            found.append(failure.value)

        ahead, found = iter(errors), list[BaseException]()
        in_world(act)
        return found[0]

    assert raised_of(silent, hasty, patient) is patient
    assert not patient.after_progress
    assert raised_of(patient, gone, silent) is gone
    assert raised_of(gone, patient, bug) is bug
    assert raised_of(silent, None) is silent
    assert silent.after_progress, "another one went through"


def test_an_object_that_changes_between_two_groups_of_creates_is_looked_at_again_first() -> None:
    async def act(world: World) -> None:
        node = Node(world)

        class Edited(FakeCluster):
            async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
                node.cron_jobs.see(world.apply(suspend=True))
                return await super().create_job(manifest)

        node.executor._cluster = Edited(world.server, node.clock, node.name)
        cron = world.apply()
        node.cron_jobs.see(cron)
        await node.executor.create(cron, creating([firing(cron, 0, Trigger.CATCH_UP), firing(cron, 1)]))
        assert world.instants == [0]

    in_world(act)


def test_a_long_row_of_creates_is_cut_so_that_the_object_is_looked_at_again() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Slow), world.apply()
        node.cron_jobs.see(cron)
        await node.executor.create(cron, creating([firing(cron, second) for second in range(12)]))
        assert sorted(world.instants) == list(range(8))

    in_world(act)


def test_a_firing_whose_deadline_passes_while_others_are_created_is_left_to_the_next_decision() -> None:
    """A deadline of 5 s is over 6 s after the instant."""

    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Slow), world.apply(startingDeadlineSeconds=5)
        node.cron_jobs.see(cron)
        await world.until(65.7)
        await node.executor.create(cron, creating([firing(cron, second) for second in (61, 62, 63, 64, 60)]))
        assert sorted(world.instants) == [61, 62, 63, 64]

    in_world(act)


def test_one_delete_without_an_answer_does_not_cut_off_the_others() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Stumbling), world.apply()
        with pytest.raises(ClusterUnavailable):
            await node.executor.delete(cron, [world.job(cron, 1), world.job(cron, 3)], Cause.HISTORY)
        assert [job.scheduled_at for job in world.server.jobs()] == [after(1)]

    in_world(act)


def test_a_bug_is_not_hidden_behind_an_ordinary_failure() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world, cluster=Stumbling), world.apply()
        with pytest.raises(ZeroDivisionError):
            await node.executor.delete(cron, [world.job(cron, second) for second in (1, 2, 3)], Cause.HISTORY)
        assert [job.scheduled_at for job in world.server.jobs()] == [after(1), after(2)]

    in_world(act)


def test_nothing_is_kept_of_an_object_that_is_gone() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply(jobTemplate=BROKEN)
        await node.executor.create(cron, creating([firing(cron, 60)]))
        node.executor.forget(cron.uid)
        assert node.executor.attempts.turned_down(cron.uid) == ()
        node.executor.forget("never seen")

    in_world(act)


def test_the_minute_without_success_events_ends_with_the_object() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        await node.executor.create(cron, creating([firing(cron, 60)]))
        node.executor.forget(cron.uid)
        await node.executor.create(cron, creating([firing(cron, 61)]))
        assert world.events == ["SuccessfulCreate", "SuccessfulCreate"]

    in_world(act)


# --- deleting -------------------------------------------------------------------------------------------------------


def test_a_job_that_is_deleted_is_known_to_be_gone_and_announced() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        job = world.job(cron, 60)
        await node.executor.delete(cron, [job], Cause.HISTORY)
        assert world.server.jobs() == ()
        assert node.jobs.of(cron.uid) == (replace(job, gone=True),)
        assert world.events == ["SuccessfulDelete"]

    in_world(act)


def test_a_job_that_was_gone_already_is_no_news() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        job = world.job(cron, 60)
        world.server.delete_job(job.namespace, job.name)
        await node.executor.delete(cron, [job], Cause.REPLACED)
        assert [one.gone for one in node.jobs.of(cron.uid)] == [True]
        assert world.events == []

    in_world(act)


def test_only_the_very_job_is_deleted_and_not_another_one_under_its_name() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        job = world.job(cron, 60)
        await node.executor.delete(cron, [replace(job, uid="an earlier one")], Cause.HISTORY)
        assert world.server.jobs() == (job,)

    in_world(act)


# --- looking --------------------------------------------------------------------------------------------------------


def test_a_template_is_checked_without_creating_anything() -> None:
    async def act(world: World) -> None:
        node = Node(world)
        assert await node.executor.check(world.apply()) == Checked(objection=None)
        checked = await node.executor.check(world.apply(jobTemplate=BROKEN))
        assert checked.objection is not None
        assert "unknown field" in checked.objection
        assert world.server.created() == ()

    in_world(act)


def test_a_check_that_gets_no_answer_is_no_objection() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply(jobTemplate=BROKEN)
        world.server.down = True
        assert await node.executor.check(cron) == Checked(objection=None)

    in_world(act)


def test_reading_an_object_brings_it_up_to_date() -> None:
    async def act(world: World) -> None:
        node, old = Node(world), world.apply()
        node.cron_jobs.see(old)
        new = world.apply(suspend=True)
        await node.executor.read(old)
        assert node.cron_jobs.get(old.key) == new

    in_world(act)


def test_an_object_that_is_found_gone_is_forgotten() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        node.cron_jobs.see(cron)
        world.server.delete(cron.key)
        await node.executor.read(cron)
        assert node.cron_jobs.get(cron.key) is None

    in_world(act)


def test_an_object_that_is_found_made_again_takes_the_place_of_the_earlier_one() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        node.cron_jobs.see(cron)
        world.server.delete(cron.key)
        again = world.apply()
        await node.executor.read(cron)
        assert node.cron_jobs.get(cron.key) == again
        assert node.cron_jobs.key_of(cron.uid) is None

    in_world(act)


def test_a_look_brings_the_jobs_of_the_object_up_to_date() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        gone, there = world.job(cron, 60), world.job(cron, 120)
        node.jobs.see(gone, elapsed=node.clock.elapsed())
        world.server.delete_job(gone.namespace, gone.name)
        await node.executor.look(cron)
        assert set(node.jobs.of(cron.uid)) == {replace(gone, gone=True), there}

    in_world(act)


def test_a_job_that_is_seen_while_a_list_is_under_way_is_not_taken_for_gone() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        world.server.latency_seconds = (0.1, 0.1)
        looking = asyncio.create_task(node.executor.look(cron))
        await world.until(0.15)  # the list has been taken and is on its way
        job = world.job(cron, 60)
        node.jobs.see(job, elapsed=node.clock.elapsed())
        await looking
        assert node.jobs.of(cron.uid) == (job,)

    in_world(act)


# --- writing --------------------------------------------------------------------------------------------------------


def settling(cron: CronJob, reason: Reason = Reason.MISSED_DEADLINE) -> Write:
    """A write that settles the instant of 60 s."""
    outcome = Outcome(scheduled_at=after(60), reason=reason)
    return Write(before=Status(), status=statuses.settle(Status(), [outcome], through=after(60)), outcomes=(outcome,))


def test_a_status_is_written_and_then_what_it_settles_is_announced_and_recorded() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        await world.until(90)
        await node.executor.write(cron, settling(cron))
        current = world.server.read(cron.key)
        assert current is not None
        assert current.status["settledThrough"] == "2026-01-01T00:01:00Z"
        assert node.cron_jobs.get(cron.key) == current
        assert world.events == ["MissSchedule"]
        assert node.numbers.outcomes == [(Reason.MISSED_DEADLINE, 30.0)]
        (record,) = world.store.records
        assert (record.outcome, record.job, record.lateness_seconds) == (Reason.MISSED_DEADLINE, None, 30.0)

    in_world(act)


def test_a_slot_that_a_write_of_ours_has_claimed_is_ours_until_it_waits_no_longer() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply(concurrencyPolicy="Forbid")
        slot = statuses.Slot(name="ours", scheduled_at=after(60))
        claimed = statuses.claim(Status(), [slot])
        await node.executor.write(cron, Write(before=Status(), status=claimed))
        assert node.executor.attempts.claims(cron.uid).keys() == {"ours"}
        current = node.cron_jobs.get(cron.key)
        assert current is not None
        await node.executor.write(
            current, Write(before=claimed, status=replace(claimed, active=(replace(slot, uid="job"),)))
        )
        assert not node.executor.attempts.claims(cron.uid)

    in_world(act)


def test_a_slot_that_was_claimed_before_is_not_ours() -> None:
    async def act(world: World) -> None:
        cron = world.apply(concurrencyPolicy="Forbid")
        claimed = statuses.claim(Status(), [statuses.Slot(name="theirs", scheduled_at=after(60))])
        other, node = Node(world, "other"), Node(world)
        await other.executor.write(cron, Write(before=Status(), status=claimed))
        current = world.server.read(cron.key)
        assert current is not None
        await node.executor.write(current, Write(before=claimed, status=replace(claimed, owner="node")))
        assert not node.executor.attempts.claims(cron.uid)

    in_world(act)


def test_if_slots_wait_the_object_is_read_after_its_jobs_are_listed() -> None:
    async def act(world: World) -> None:
        cron = world.apply(concurrencyPolicy="Replace")
        claimed = statuses.claim(Status(), [statuses.Slot(name="theirs", scheduled_at=after(60))])
        other, node = Node(world, "other"), Node(world)
        await other.executor.write(cron, Write(before=Status(), status=claimed))
        known = world.server.read(cron.key)
        assert known is not None
        node.cron_jobs.see(known)
        await other.executor.write(known, Write(before=claimed, status=replace(claimed, active=())))
        await node.executor.look(known)
        assert node.cron_jobs.get(cron.key) == world.server.read(cron.key)

    in_world(act)


def test_a_created_instant_is_not_recorded_again_when_it_is_settled() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        await node.executor.write(cron, settling(cron, Reason.CREATED))
        assert world.store.records == []
        assert world.events == []

    in_world(act)


def test_who_loses_the_compare_and_swap_announces_nothing_and_reads_again() -> None:
    async def act(world: World) -> None:
        first, second, cron = Node(world, "node-a"), Node(world, "node-b"), world.apply()
        await first.executor.write(cron, settling(cron))
        await second.executor.write(cron, settling(cron))
        assert world.events == ["MissSchedule"]
        assert second.numbers.outcomes == []
        assert len(world.store.records) == 1
        assert second.cron_jobs.get(cron.key) == world.server.read(cron.key)

    in_world(act)


def test_an_edit_in_between_is_such_a_loss() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        edited = world.apply(suspend=True)
        await node.executor.write(cron, settling(cron))
        assert node.cron_jobs.get(cron.key) == edited
        assert world.events == []

    in_world(act)


def test_our_own_write_seen_in_the_watch_shows_that_the_watch_is_fresh() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply()
        await node.executor.write(cron, settling(cron))
        assert not node.cron_jobs.is_fresh(node.clock.elapsed())
        current = world.server.read(cron.key)
        assert current is not None
        node.cron_jobs.watch_came_to(current.resource_version)
        assert node.cron_jobs.is_fresh(node.clock.elapsed())

    in_world(act)


def test_an_instant_that_has_its_outcome_leaves_no_attempt_behind() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply(jobTemplate=BROKEN)
        node.cron_jobs.see(cron)
        await node.executor.create(cron, creating([firing(cron, 60), firing(cron, 120)]))
        await node.executor.write(cron, settling(cron, Reason.CREATE_FAILED))
        assert [one.scheduled_at for one in node.executor.attempts.turned_down(cron.uid)] == [after(120)]

    in_world(act)


def test_an_attempt_at_an_instant_that_another_node_has_settled_is_not_kept() -> None:
    async def act(world: World) -> None:
        node, cron = Node(world), world.apply(jobTemplate=BROKEN)
        node.cron_jobs.see(cron)
        await node.executor.create(cron, creating([firing(cron, 60), firing(cron, 120)]))
        other = settling(cron, Reason.CREATE_FAILED)
        passed = await node.cluster.write_status(cron, {"settledThrough": "2026-01-01T00:01:00Z"})
        node.cron_jobs.see(passed)
        await node.executor.write(passed, Write(before=other.status, status=replace(other.status, owner="node-a")))
        assert [one.scheduled_at for one in node.executor.attempts.turned_down(cron.uid)] == [after(120)]

    in_world(act)

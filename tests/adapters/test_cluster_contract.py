"""The contract of the cluster port, held by the fake and by the adapter on a real API server alike.

Below it: what only a real API server can show.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.api import FIELD_MANAGER
from controller.clock import system_time
from controller.errors import ClusterUnavailable, Conflict, NamespaceTerminating, Refused
from controller.jobs import Job
from controller.jobwatch import JobWatch
from controller.messages import Event, EventType, JobCreated, JobExists, JobRejected
from controller.spec import CronJob, Key
from deploy.local.cluster import ControlPlane
from tests.adapters.cluster_worlds import (
    INSTANT,
    PATIENCE_SECONDS,
    RealWorld,
    View,
    World,
    cron_job_spec,
    manifest,
    running,
)

pytest_plugins = ("tests.adapters.cluster_fixtures",)


async def create(world: World, cron_job: CronJob, minute: int = 0) -> Job:
    """A Job of the object, just created."""
    result = await world.cluster.create_job(manifest(cron_job, minute))
    assert isinstance(result, JobCreated)
    return result.job


class TestObjects:
    async def test_a_read_gives_the_object_as_it_stands(self, world: World) -> None:
        applied = await world.apply("hourly", cron_job_spec(schedule="0 * * * *"))

        found = await world.cluster.read(applied.key)

        assert found == applied
        assert found is not None
        assert found.spec.expressions == ("0 * * * *",)
        assert found.generation == 1
        assert found.edited_at is not None

    async def test_a_read_of_nothing_gives_none(self, world: World) -> None:
        assert await world.cluster.read(Key(world.namespace, "nobody")) is None

    async def test_a_read_after_the_deletion_gives_none(self, world: World) -> None:
        cron_job = await world.apply("short-lived", cron_job_spec())
        await world.delete(cron_job)

        assert await world.cluster.read(cron_job.key) is None

    async def test_an_edit_of_the_spec_moves_the_generation(self, world: World) -> None:
        before = await world.apply("edited", cron_job_spec())
        after = await world.apply("edited", cron_job_spec(schedule="5 * * * *"))

        assert after.generation == before.generation + 1
        assert after.uid == before.uid
        assert int(after.resource_version) > int(before.resource_version)

    async def test_versions_name_each_object_with_its_uid(self, world: World) -> None:
        one = await world.apply("one", cron_job_spec())
        two = await world.apply("two", cron_job_spec())

        # An API server may take it from its cache, where a fresh write may take a moment to be.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(versions := await world.cluster.versions()) < 2:
                await asyncio.sleep(0.05)

        assert versions == {
            one.key: (one.uid, one.resource_version),
            two.key: (two.uid, two.resource_version),
        }

    async def test_the_extent_counts_the_objects_and_has_come_as_far_as_each_of_them(self, world: World) -> None:
        assert (await world.cluster.extent()).count == 0
        every = [await world.apply(name, cron_job_spec()) for name in ("one", "two", "three")]

        async with asyncio.timeout(PATIENCE_SECONDS):
            while (extent := await world.cluster.extent()).count < len(every):
                await asyncio.sleep(0.05)

        assert extent.count == len(every)
        assert extent.version >= max(int(one.resource_version) for one in every)


class TestStatus:
    async def test_a_write_merges_into_the_status_and_leaves_the_generation(self, world: World) -> None:
        fresh = await world.apply("merged", cron_job_spec())

        first = await world.cluster.write_status(fresh, {"owner": "node-1", "counts": {"due": 1, "created": 1}})
        second = await world.cluster.write_status(first, {"owner": None, "counts": {"due": 2}})

        assert second.status == {"counts": {"due": 2, "created": 1}}
        assert second.generation == fresh.generation
        assert second.resource_version != first.resource_version
        assert await world.cluster.read(fresh.key) == second

    async def test_a_write_on_what_has_changed_since_is_a_conflict_and_writes_nothing(self, world: World) -> None:
        stale = await world.apply("contested", cron_job_spec())
        await world.cluster.write_status(stale, {"owner": "node-1"})

        with pytest.raises(Conflict):
            await world.cluster.write_status(stale, {"owner": "node-2"})

        current = await world.cluster.read(stale.key)
        assert current is not None
        assert current.status["owner"] == "node-1"

    async def test_a_write_after_an_edit_of_the_spec_is_a_conflict(self, world: World) -> None:
        stale = await world.apply("edited", cron_job_spec())
        await world.apply("edited", cron_job_spec(suspend=True))

        with pytest.raises(Conflict):
            await world.cluster.write_status(stale, {"owner": "node-1"})

    async def test_a_write_to_what_is_gone_is_a_conflict(self, world: World) -> None:
        gone = await world.apply("gone", cron_job_spec())
        await world.delete(gone)

        with pytest.raises(Conflict):
            await world.cluster.write_status(gone, {"owner": "node-1"})

    async def test_an_object_made_again_under_the_name_does_not_inherit_the_status(self, world: World) -> None:
        old = await world.apply("again", cron_job_spec())
        await world.delete(old)
        await world.apply("again", cron_job_spec())

        with pytest.raises(Conflict):
            await world.cluster.write_status(old, {"owner": "node-1"})


class TestJobs:
    async def test_a_job_is_created_as_its_manifest_says(self, world: World) -> None:
        cron_job = await world.apply("fires", cron_job_spec())

        result = await world.cluster.create_job(manifest(cron_job))

        assert isinstance(result, JobCreated)
        assert result.job.name == f"fires-20300101000000-{cron_job.uid.replace('-', '')[:10]}"
        assert result.job.controlled_by == result.job.owner_uid == cron_job.uid
        assert result.job.scheduled_at == INSTANT
        assert result.job.active
        assert result.job.version > 0

    async def test_a_second_create_gives_the_job_that_is_there(self, world: World) -> None:
        cron_job = await world.apply("twice", cron_job_spec())
        first = await create(world, cron_job)

        again = await world.cluster.create_job(manifest(cron_job))

        assert isinstance(again, JobExists)
        assert again.job.uid == first.uid

    async def test_a_foreign_job_under_the_name_is_told_apart(self, world: World) -> None:
        cron_job = await world.apply("collides", cron_job_spec())
        foreign = manifest(cron_job)
        foreign["metadata"] |= {"ownerReferences": [], "labels": {}, "annotations": {}}
        await world.cluster.create_job(foreign)

        result = await world.cluster.create_job(manifest(cron_job))

        assert isinstance(result, JobExists)
        assert result.job.controlled_by is None
        assert result.job.owner_uid == ""

    async def test_two_creates_at_once_make_one_job(self, world: World) -> None:
        cron_job = await world.apply("raced", cron_job_spec())

        results = await asyncio.gather(*(world.cluster.create_job(manifest(cron_job)) for _ in range(8)))

        assert sorted(type(result).__name__ for result in results) == ["JobCreated"] + ["JobExists"] * 7

    async def test_a_job_that_the_server_will_never_take_is_rejected_with_its_words(self, world: World) -> None:
        cron_job = await world.apply("broken", cron_job_spec())
        body = manifest(cron_job)
        body["spec"]["template"]["spec"]["restartPolicy"] = "Always"

        result = await world.cluster.create_job(body)

        assert isinstance(result, JobRejected)
        assert "spec.template.spec.restartPolicy" in result.message
        assert await world.cluster.list_jobs(cron_job) == ()

    async def test_a_list_holds_the_objects_own_jobs_only(self, world: World) -> None:
        mine, other = await world.apply("mine", cron_job_spec()), await world.apply("other", cron_job_spec())
        expected = {(await create(world, mine, minute)).name for minute in range(3)}
        await create(world, other)

        assert {job.name for job in await world.cluster.list_jobs(mine)} == expected

    @pytest.mark.parametrize("succeeded", [True, False], ids=["succeeded", "failed"])
    async def test_a_list_shows_how_a_job_ended(self, world: World, succeeded: bool) -> None:
        cron_job = await world.apply("ends", cron_job_spec())
        await world.finish(await create(world, cron_job), succeeded=succeeded)

        (job,) = await world.cluster.list_jobs(cron_job)

        assert job.finished_at is not None
        assert not job.active
        assert job.succeeded is succeeded

    async def test_a_quota_refuses_for_now(self, world: World) -> None:
        cron_job = await world.apply("limited", cron_job_spec())
        await world.forbid_jobs()

        with pytest.raises(Refused, match="quota") as caught:
            await world.cluster.create_job(manifest(cron_job))
        assert not isinstance(caught.value, NamespaceTerminating)

    async def test_a_namespace_that_is_being_deleted_is_told_apart(self, world: World) -> None:
        cron_job = await world.apply("doomed", cron_job_spec())
        await world.terminate_namespace()

        with pytest.raises(NamespaceTerminating):
            await world.cluster.create_job(manifest(cron_job))


class TestCheck:
    async def test_a_good_manifest_has_no_objection_and_creates_nothing(self, world: World) -> None:
        cron_job = await world.apply("good", cron_job_spec())

        assert await world.cluster.check_job(manifest(cron_job)) is None
        assert await world.cluster.list_jobs(cron_job) == ()

    async def test_a_misspelt_field_of_the_pod_is_named_with_its_path(self, world: World) -> None:
        cron_job = await world.apply("misspelt", cron_job_spec())
        body = manifest(cron_job)
        body["spec"]["template"]["spec"]["bogus"] = 1

        assert 'unknown field "spec.template.spec.bogus"' in str(await world.cluster.check_job(body))

    async def test_a_value_that_is_not_allowed_is_named_with_its_path(self, world: World) -> None:
        cron_job = await world.apply("wrong", cron_job_spec())
        body = manifest(cron_job)
        body["spec"]["template"]["spec"]["restartPolicy"] = "Always"

        assert "spec.template.spec.restartPolicy" in str(await world.cluster.check_job(body))

    async def test_a_name_that_is_taken_is_no_objection(self, world: World) -> None:
        cron_job = await world.apply("taken", cron_job_spec())
        await create(world, cron_job)

        assert await world.cluster.check_job(manifest(cron_job)) is None


class TestDelete:
    async def test_a_job_is_deleted_once(self, world: World) -> None:
        cron_job = await world.apply("cleaned", cron_job_spec())
        job = await create(world, cron_job)

        assert await world.cluster.delete_job(job)
        async with asyncio.timeout(PATIENCE_SECONDS):  # the Job controller's finalizers may hold it for a moment
            while await world.cluster.list_jobs(cron_job):
                await asyncio.sleep(0.05)
        assert not await world.cluster.delete_job(job)

    async def test_another_job_under_the_name_is_spared(self, world: World) -> None:
        cron_job = await world.apply("spared", cron_job_spec())
        job = await create(world, cron_job)
        impostor = replace(job, uid="00000000-0000-4000-8000-000000000000")

        assert not await world.cluster.delete_job(impostor)
        assert [found.uid for found in await world.cluster.list_jobs(cron_job)] == [job.uid]


class TestWatch:
    async def test_jobs_that_are_there_are_listed_and_changes_are_seen(self, world: World) -> None:
        cron_job = await world.apply("watched", cron_job_spec())
        early = await create(world, cron_job, 0)
        view = View()
        async with running(world.watch_jobs(view.listed, view.seen)):
            await view.until(lambda: view.names == {early.name})

            late = await create(world, cron_job, 1)
            await view.until(lambda: late.name in view.names)
            await world.finish(early, succeeded=True)
            await view.until(lambda: view.jobs[early.name].succeeded)
            await world.cluster.delete_job(late)
            await view.until(lambda: view.jobs[late.name].gone)

        assert view.lists == 1

    async def test_a_job_without_our_label_is_not_shown(self, world: World) -> None:
        cron_job = await world.apply("filtered", cron_job_spec())
        foreign = manifest(cron_job, 0)
        foreign["metadata"]["labels"] = {}
        view = View()
        async with running(world.watch_jobs(view.listed, view.seen)):
            await view.until(lambda: view.lists == 1)
            await world.cluster.create_job(foreign)
            ours = await create(world, cron_job, 1)
            await view.until(lambda: ours.name in view.names)

        assert view.names == {ours.name}


async def test_a_ping_of_a_cluster_without_objects_is_answered(world: World) -> None:
    shown = await world.cluster.ping()
    assert shown is not None
    assert shown.microsecond == 0
    assert abs(system_time() - shown) < timedelta(seconds=30)


# --- what only a real API server shows ------------------------------------------------------------------------------


async def test_status_writes_leave_no_other_manager_than_ours(real: RealWorld) -> None:
    cron_job = await real.apply("managed", cron_job_spec())
    for number in range(3):
        cron_job = await real.cluster.write_status(cron_job, {"counts": {"due": number}})

    managers = (await real.raw(cron_job.key))["metadata"]["managedFields"]

    assert [(entry["manager"], entry.get("subresource", "")) for entry in managers] == [
        ("author", ""),
        (FIELD_MANAGER, "status"),
    ]


async def test_a_job_names_us_as_its_manager(real: RealWorld) -> None:
    cron_job = await real.apply("managed", cron_job_spec())
    job = await create(real, cron_job)

    path = f"/apis/batch/v1/namespaces/{real.namespace}/jobs/{job.name}"
    managers = (await real.api.request("get", path)).expect_ok()["metadata"]["managedFields"]

    assert FIELD_MANAGER in {entry["manager"] for entry in managers}


async def test_a_status_write_does_not_count_as_an_edit(real: RealWorld) -> None:
    cron_job = await real.apply("edited-once", cron_job_spec())
    await asyncio.sleep(1.1)  # managed fields carry whole seconds
    written = await real.cluster.write_status(cron_job, {"owner": "node-1"})

    assert written.edited_at == cron_job.edited_at


async def test_a_status_write_leaves_all_else_as_it_is(real: RealWorld) -> None:
    cron_job = await real.apply("whole", cron_job_spec())
    before = await real.raw(cron_job.key)
    written = await real.cluster.write_status(cron_job, {"owner": "node-1", "counts": {"due": 1}})
    await real.cluster.write_status(written, {"owner": None})
    after = await real.raw(cron_job.key)

    assert after["status"] == {"counts": {"due": 1}}
    assert after["spec"] == before["spec"]
    changing = ("resourceVersion", "managedFields")
    assert {name: value for name, value in after["metadata"].items() if name not in changing} == {
        name: value for name, value in before["metadata"].items() if name not in changing
    }
    assert after["metadata"]["managedFields"][0] == before["metadata"]["managedFields"][0]


async def test_events_appear_with_the_object_that_they_are_about(real: RealWorld) -> None:
    cron_job = await real.apply("noisy", cron_job_spec())
    events = [
        Event(
            key=cron_job.key,
            uid=cron_job.uid,
            type=EventType.WARNING,
            reason="MissSchedule",
            message="too late " * 200,
            count=number,
        )
        for number in (1, 7)
    ]
    async with running(real.events.run()):
        for event in events:
            real.cluster.post(event)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found := await real.raw_events()) < len(events):
                await asyncio.sleep(0.05)

    assert {event["involvedObject"]["uid"] for event in found} == {cron_job.uid}
    assert {event["count"] for event in found} == {1, 7}
    assert {event["source"]["component"] for event in found} == {FIELD_MANAGER}
    assert {event["type"] for event in found} == {"Warning"}
    assert real.requests.errors == []


async def test_an_event_for_a_namespace_that_is_being_deleted_is_dropped_in_silence(real: RealWorld) -> None:
    cron_job = await real.apply("doomed", cron_job_spec())
    other = replace(cron_job, key=Key("default", "stands"))
    await real.terminate_namespace()
    async with running(real.events.run()):
        for about in (cron_job, other):
            event = Event(key=about.key, uid=about.uid, type=EventType.NORMAL, reason="SawCompletedJob", message="")
            real.cluster.post(event)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(verb == "create" and error is None for _, verb, error in real.requests.seen) < 3:
                await asyncio.sleep(0.05)

    assert real.requests.errors == ["NamespaceTerminating"]


async def test_a_right_that_is_missing_is_refused(real: RealWorld) -> None:
    cron_job = await real.apply("private", cron_job_spec())
    real.api._client.set_default_header("Impersonate-User", "nobody")
    try:
        with pytest.raises(Refused, match="cannot get resource"):
            await real.cluster.read(cron_job.key)
    finally:
        del real.api._client.default_headers["Impersonate-User"]


async def answers(real: RealWorld) -> None:
    """Return when the client has noticed that its old connections are closed."""
    for _ in range(100):
        with contextlib.suppress(ClusterUnavailable):
            await real.cluster.ping()
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the API server does not answer")


async def test_the_watch_outlives_a_restart_of_the_api_server(real: RealWorld, control_plane: ControlPlane) -> None:
    cron_job = await real.apply("restarted", cron_job_spec())
    view = View()
    watch = JobWatch(real.api, real.clock, namespaces=[real.namespace, "default"])
    async with running(watch.run(view.listed, view.seen)):
        await view.until(lambda: view.lists == 1)
        before = await create(real, cron_job, 0)
        await view.until(lambda: before.name in view.names)

        control_plane.restart_api_server()  # in this thread: a process that is not detached dies with its thread
        await answers(real)
        after = await create(real, cron_job, 1)
        await view.until(lambda: after.name in view.names)

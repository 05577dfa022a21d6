"""What the fake cluster can do beyond the port: faults, a lagging watch, garbage collection, and its memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from controller.errors import ClusterUnavailable, Throttled
from controller.jobs import Job
from controller.messages import JobCreated, JobExists
from controller.spec import CronJob, Key
from tests.adapters.cluster_worlds import View, cron_job_spec, manifest, running
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.happenings import What
from tests.simulation.loop import SimulatedLoop, Simulation, simulate


@dataclass
class Stage:
    """A server and one replica on virtual time."""

    loop: SimulatedLoop
    server: FakeApiServer
    cluster: FakeCluster
    cron_job: CronJob


def play(scene: Callable[[Stage], Awaitable[None]], seed: int = 0) -> None:
    """Run a scene in simulation."""

    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        server = FakeApiServer(now=clock.true_now, seed=seed)
        cluster = FakeCluster(server, clock, "node-1")
        await scene(Stage(simulation.loop, server, cluster, server.apply("default", "hourly", cron_job_spec())))

    simulate(scenario, seed=seed)


async def create(stage: Stage, minute: int = 0) -> Job:
    result = await stage.cluster.create_job(manifest(stage.cron_job, minute))
    assert isinstance(result, JobCreated)
    return result.job


def test_a_server_that_is_down_answers_nobody_and_writes_nothing() -> None:
    async def scene(stage: Stage) -> None:
        stage.server.down = True
        with pytest.raises(ClusterUnavailable):
            await create(stage)
        stage.server.down = False
        assert stage.server.created() == ()
        await create(stage)

    play(scene)


def test_a_black_hole_swallows_one_node_for_the_time_out() -> None:
    async def scene(stage: Stage) -> None:
        other = FakeCluster(stage.server, SimulatedClock(stage.loop), "node-2")
        stage.server.black_holes.add("node-1")
        began = stage.loop.time()
        with pytest.raises(ClusterUnavailable):
            await stage.cluster.ping()
        assert stage.loop.time() - began == pytest.approx(5, abs=0.1)
        await other.ping()

    play(scene)


def test_a_create_whose_answer_is_lost_has_been_written() -> None:
    async def scene(stage: Stage) -> None:
        stage.server.fail_next_create_after_write = True
        with pytest.raises(ClusterUnavailable):
            await create(stage)
        assert isinstance(await stage.cluster.create_job(manifest(stage.cron_job)), JobExists)
        assert len(stage.server.created()) == 1

    play(scene)


def test_a_throttled_request_says_when_to_come_back() -> None:
    async def scene(stage: Stage) -> None:
        stage.server.throttled_seconds = 2
        with pytest.raises(Throttled) as caught:
            await stage.cluster.ping()
        assert caught.value.retry_after_seconds == 2

    play(scene)


def test_jobs_go_after_their_object_and_stay_in_the_history() -> None:
    async def scene(stage: Stage) -> None:
        job = await create(stage)
        stage.server.delete(stage.cron_job.key)
        await asyncio.sleep(1)
        assert stage.server.jobs() == ()
        late = await create(stage, minute=1)  # by a replica that does not know yet
        await asyncio.sleep(1)
        assert stage.server.jobs() == ()

        told = [(entry.what, entry.job.name, entry.actual_generation) for entry in stage.server.history]
        assert told == [
            (What.CREATED, job.name, 1),
            (What.DELETED, job.name, None),
            (What.CREATED, late.name, None),
            (What.DELETED, late.name, None),
        ]

    play(scene)


def test_a_job_ends_by_itself_after_its_duration() -> None:
    async def scene(stage: Stage) -> None:
        stage.server.job_duration = lambda job: timedelta(seconds=30)
        stage.server.job_succeeds = lambda job: False
        await create(stage)
        await asyncio.sleep(29)
        assert stage.server.jobs()[0].active
        await asyncio.sleep(2)
        (job,) = stage.server.jobs()
        assert job.finished_at is not None
        assert not job.succeeded

    play(scene)


def test_the_history_knows_who_created_a_job_for_which_generation() -> None:
    async def scene(stage: Stage) -> None:
        stage.server.suspend(stage.cron_job.key)
        await create(stage)  # from the old spec
        (entry,) = stage.server.history
        assert (entry.node, entry.generation, entry.actual_generation) == ("node-1", 1, 2)
        assert [edit.generation for edit in stage.server.edits] == [1, 2]

    play(scene)


@pytest.mark.parametrize("seed", range(20))
def test_the_watch_lags_and_keeps_the_order(seed: int) -> None:
    async def scene(stage: Stage) -> None:
        versions: list[int] = []
        gone: list[Any] = []
        watch = stage.cluster.watch_cron_jobs(
            lambda cron_job: versions.append(int(cron_job.resource_version)),
            lambda key, uid: gone.append((key, uid)),
        )
        async with running(watch):
            await asyncio.sleep(1)
            for number in range(50):
                stage.server.apply("default", "hourly", cron_job_spec(schedule=f"{number} * * * *"))
            assert len(versions) == 1
            stage.server.delete(stage.cron_job.key)
            await asyncio.sleep(1)
        assert len(versions) == 51
        assert versions == sorted(versions)
        assert gone == [(Key("default", "hourly"), stage.cron_job.uid)]

    play(scene, seed)


def test_a_watch_stands_still_while_the_server_is_down_and_then_catches_up() -> None:
    async def scene(stage: Stage) -> None:
        view = View()
        async with running(stage.cluster.watch_jobs(view.listed, view.seen)):
            await asyncio.sleep(1)
            job = await create(stage)
            stage.server.down = True
            stage.server.finish_job(job.namespace, job.name)
            await asyncio.sleep(60)
            assert not view.jobs.get(job.name, job).succeeded
            stage.server.down = False
            await asyncio.sleep(5)
            assert view.jobs[job.name].succeeded
            assert view.lists == 1

    play(scene)


def test_a_relist_shows_all_and_not_what_was_deleted_meanwhile() -> None:
    async def scene(stage: Stage) -> None:
        view = View()
        first, second = await create(stage, 0), await create(stage, 1)
        async with running(stage.cluster.watch_jobs(view.listed, view.seen)):
            await asyncio.sleep(1)
            stage.server.delete_job(first.namespace, first.name)
            stage.cluster.relist()
            await asyncio.sleep(1)
        assert view.lists == 2
        assert view.names == {second.name}

    play(scene)


def test_equal_seeds_take_equal_time() -> None:
    times: list[float] = []

    async def scene(stage: Stage) -> None:
        for minute in range(10):
            await create(stage, minute)
        times.append(stage.loop.time())

    for seed in (7, 7, 8):
        play(scene, seed)

    assert times[0] == times[1]
    assert times[0] != times[2]

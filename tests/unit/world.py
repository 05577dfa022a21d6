"""One node's executor on an API server in memory: what the flow rooms are tested in. Time begins at `EPOCH`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from controller.announcer import Announcer
from controller.executor import Executor
from controller.jobs import Firing, Job, manifest
from controller.lister import CronJobLister, JobLister
from controller.names import name_for
from controller.outcomes import Trigger
from controller.spec import CronJob
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.simulation.loop import Simulation, simulate
from tests.unit.builders import TEMPLATE
from tests.unit.doubles import DictatedStore, Numbers

Place = TypeVar("Place")


def after(seconds: float) -> datetime:
    """The instant so many seconds after the beginning of time."""
    return EPOCH + timedelta(seconds=seconds)


class World:
    """What all nodes of a test share: the loop and the API server, which answers at once unless told otherwise."""

    def __init__(self, simulation: Simulation) -> None:
        self.loop = simulation.loop
        self.clock = SimulatedClock(simulation.loop)
        self.server = FakeApiServer(now=self.clock.true_now, latency_seconds=(0, 0))
        self.store = DictatedStore()

    def apply(self, **spec: Any) -> CronJob:
        """Make the object, or edit it; it fires every minute unless told otherwise."""
        return self.server.apply("ns", "report", {"schedule": "* * * * *", "jobTemplate": TEMPLATE, **spec})

    async def until(self, seconds: float) -> None:
        await self.clock.sleep_until(after(seconds))

    def job(self, cron_job: CronJob, seconds: float, *, controlled_by: str | None = None) -> Job:
        """Have the Job of an instant created by nobody here, perhaps for another object."""
        body = manifest(cron_job, firing(cron_job, seconds), fired_by="nobody")
        if controlled_by is not None:
            body["metadata"]["ownerReferences"][0]["uid"] = controlled_by
        self.server.create_job(body, "nobody")
        return self.server.jobs()[-1]

    @property
    def instants(self) -> list[float]:
        """Of all Jobs ever created, the instants in seconds, in the order of the creations."""
        return [(job.scheduled_at - EPOCH).total_seconds() for job in self.server.created() if job.scheduled_at]

    @property
    def events(self) -> list[str]:
        """The reasons of all Events."""
        return [posted.event.reason for posted in self.server.events]


class Node:
    """What one node knows and does in a world."""

    def __init__(self, world: World, name: str = "node-a", *, cluster: type[FakeCluster] = FakeCluster) -> None:
        self.world = world
        self.name = name
        self.clock = SimulatedClock(world.loop)
        self.numbers = Numbers()
        self.cron_jobs = CronJobLister()
        self.jobs = JobLister()
        self.cluster = cluster(world.server, self.clock, name)
        announcer = Announcer(cluster=self.cluster, recorder=self.numbers, clock=self.clock, node=name)
        self.executor = Executor(
            cron_jobs=self.cron_jobs,
            jobs=self.jobs,
            cluster=self.cluster,
            store=world.store,
            announcer=announcer,
            clock=self.clock,
            node=name,
        )


def firing(cron_job: CronJob, seconds: float, trigger: Trigger = Trigger.SCHEDULE) -> Firing:
    return Firing(name=name_for(cron_job, after(seconds)), scheduled_at=after(seconds), trigger=trigger)


def in_world(act: Callable[[World], Awaitable[None]]) -> None:
    """Do something in a new world, on virtual time."""

    async def scenario(simulation: Simulation) -> None:
        await act(World(simulation))

    simulate(scenario)

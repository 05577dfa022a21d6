"""A simulated world: one API server, one Redis, and replicas that come and go, all on virtual time.

What runs in a replica is `controller.replica.Replica` itself, over the fakes; only its clock is wrong by its own skew.
The world does what it is told (`nemesis` decides), and keeps the evidence.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.errors import TransientError
from controller.nodepool import State
from controller.outcomes import Reason
from controller.replica import Replica
from controller.replicasettings import ReplicaSettings
from tests.fakes.apiserver import FakeApiServer, Glitch
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.driver import FakeDriver
from tests.fakes.recentjobs import FakeRecentJobStore
from tests.fakes.redis import FakeRedis
from tests.simulation.evidence import QUOTA_FREE, QUOTA_FULL, Evidence, Fault, StatusWatcher
from tests.simulation.loop import Simulation
from tests.simulation.processes import PROCESS, Process

HASH_REPLICAS = 32
"""Few points on the ring: how even the shares are is tested elsewhere, and each change costs a sort of all points."""
PAUSE_SEEN_WITHIN = timedelta(seconds=4)
"""So long after each other replicas see that everything is to be paused. On a cluster it may be a minute."""
REDIS_DELAY = timedelta(milliseconds=4)
"""How long a call to Redis takes, there and back."""
STOP_WITHIN, GRACE = timedelta(seconds=10), timedelta(seconds=30)
"""A replica that was asked to stop is gone by then; where requests are seconds on their way, in a pod's grace."""


def _harmless(error: type[TransientError]) -> set[str]:
    return {error.__name__}.union(*(_harmless(kind) for kind in error.__subclasses__()))


HARMLESS = _harmless(TransientError)
"""Errors that a replica may meet and gets over; any other one is a bug."""


class BugCatcher:
    """A `Recorder` that keeps one thing: looks that failed by a bug."""

    def __init__(self, node: str, bugs: list[str]) -> None:
        self._node = node
        self._bugs = bugs

    def outcome(self, reason: Reason, lateness: timedelta) -> None:
        """Of no interest: the API server's history tells."""

    def request(self, target: str, verb: str, seconds: float, *, error: str | None) -> None:
        """Of no interest."""

    def reconciled(self, seconds: float, *, error: str | None) -> None:
        """Keep what must not happen."""
        if error is not None and error not in HARMLESS:
            self._bugs.append(f"{self._node}: a look failed by {error}")

    def queue(self, *, waiting: int, overdue: int) -> None:
        """Of no interest."""

    def ring(self, *, members: int, keys_owned: int, state: str) -> None:
        """Of no interest."""

    def objects(self, *, not_ready: int, blocked: int) -> None:
        """Of no interest."""

    def loop_lag(self, seconds: float) -> None:
        """Of no interest."""

    def clock_skew(self, clock: str, seconds: float) -> None:
        """Of no interest: the simulation knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What replicas are made of; a mutant has one of them changed."""

    clock: type[SimulatedClock] = SimulatedClock
    cluster: type[FakeCluster] = FakeCluster
    driver: type[FakeDriver] = FakeDriver
    replica: type[Replica] = Replica


class Node:
    """One replica process: what runs in it ends when it is killed, wherever it stands.

    Attributes:
        name: Unique in a world; a node that comes back has another one.
        signals: By which it is stopped and continued.
    """

    def __init__(self, world: World, name: str, skew: timedelta) -> None:
        self.name = name
        self.clock = world.parts.clock(world.simulation.loop, epoch=world.epoch, skew=skew)
        self.cluster = world.parts.cluster(world.server, self.clock, name)
        self.replica = world.parts.replica(
            ReplicaSettings(
                node=name, nonce=f"nonce-{name}", protocol="1", tzdata="simulated", hash_replicas=HASH_REPLICAS
            ),
            clock=self.clock,
            driver=world.parts.driver(world.redis, self.clock, node=name),
            store=FakeRecentJobStore(world.redis, self.clock, node=name),
            cluster=self.cluster,
            recorder=BugCatcher(name, world.evidence.bugs),
        )
        if world.paused:
            self.replica.pause()  # its pod is made with the file as it is by now
        self.leaving = False
        self.signals = Process()
        context = copy_context()
        if world.stoppable:
            context.run(PROCESS.set, self.signals)
        self.process = asyncio.get_running_loop().create_task(self._run(), name=name, context=context)

    @property
    def ready(self) -> bool:
        """Whether it is on the ring and means to stay."""
        return not self.leaving and not self.process.done() and self.replica.node_pool.state is not State.JOINING

    async def _run(self) -> None:
        replica = self.replica
        async with asyncio.TaskGroup() as tasks:
            watches = [
                tasks.create_task(self.cluster.watch_cron_jobs(replica.cron_job_seen, replica.cron_job_gone)),
                tasks.create_task(self.cluster.watch_jobs(replica.jobs_listed, replica.job_seen)),
            ]
            await replica.run()
            for watch in watches:
                watch.cancel()


GENUINE = Parts()


class World:
    """Everything around the replicas.

    Args:
        simulation: The loop and the chance.
        epoch: True time at the begin.
        parts: What its replicas are made of.
        stoppable: Its replicas can be stopped and continued, and what they have sent arrives even if they die.

    Attributes:
        nodes: Those that live, by name.
        afflicted: The names of those that a trouble strikes now.
        paused: Whether everything is to be paused; `pause` says it.
    """

    def __init__(
        self, simulation: Simulation, epoch: datetime = EPOCH, parts: Parts = GENUINE, *, stoppable: bool = False
    ) -> None:
        self.simulation = simulation
        self.stoppable = stoppable
        self.epoch = epoch
        self.parts = parts
        self.server = FakeApiServer(now=self.now, seed=simulation.seed)
        self.redis = FakeRedis(self.now)
        self.redis.delay = REDIS_DELAY
        self.nodes: dict[str, Node] = {}
        self.afflicted: set[str] = set()
        self.paused = False
        self.evidence = Evidence(
            began=epoch,
            ended=epoch,
            history=self.server.history,
            edits=self.server.edits,
            annotated=self.server.annotated,
        )
        self.server.watchers.append(StatusWatcher(self.now, self.evidence.told))
        self._names = 0
        self._leavings: set[asyncio.Task[None]] = set()

    def now(self) -> datetime:
        """True time."""
        return self.epoch + timedelta(seconds=self.simulation.loop.time())

    @property
    def ready(self) -> list[Node]:
        """The nodes that are on the ring and mean to stay."""
        return [node for node in self.nodes.values() if node.ready]

    def start(self, *, skew: timedelta = timedelta(0)) -> Node:
        """A new replica begins to run."""
        self._names += 1
        node = Node(self, f"node-{self._names}", skew)
        self.nodes[node.name] = node
        self._note("join", node)
        return node

    def kill(self, node: Node) -> None:
        """As kill -9: nothing more happens in it, and what it has sent is on its way."""
        self._note("kill", node)
        del self.nodes[node.name]
        node.process.cancel()
        node.signals.resume()

    def stop(self, node: Node) -> None:
        """As SIGTERM: it leaves, finishes and ends."""
        self._note("stop", node)
        node.leaving = True
        leaving = asyncio.create_task(self._leave(node), name=f"{node.name} leaves")
        self._leavings.add(leaving)
        leaving.add_done_callback(self._leavings.discard)

    def fill(self, namespace: str) -> None:
        """The quota of a namespace lets no Job in any more."""
        self.server.full_namespaces.add(namespace)
        self._tell(QUOTA_FULL, namespace)

    def free(self, namespace: str) -> None:
        """The quota of a namespace has room again."""
        self.server.full_namespaces.discard(namespace)
        self._tell(QUOTA_FREE, namespace)

    def pause(self, paused: bool) -> None:
        """Pause everything, or end that. Each replica sees it in its own time, one that starts later at once."""
        self.paused = paused
        for node in self.nodes.values():
            sees_after = self.simulation.random.uniform(0, PAUSE_SEEN_WITHIN.total_seconds())
            self.simulation.loop.call_later(sees_after, node.replica.pause if paused else node.replica.resume)

    def trouble(self, what: str, whom: str, seconds: float, *, excuses: bool = False) -> None:
        """Note a fault that begins now and lasts for so long."""
        until = self.now() + timedelta(seconds=seconds)
        self.evidence.faults.append(Fault(at=self.now(), what=what, node=whom, until=until, excuses=excuses))

    async def sleep(self, seconds: float) -> None:
        """Let the world go on; a replica that has ended by itself ends the run.

        One that has given its watch up ends in order, and is started anew.
        """
        await asyncio.sleep(seconds)
        for node in list(self.nodes.values()):
            if node.replica.watchdog.is_lost and not node.leaving and not node.signals.stopped:
                self.stop(node)
                self.start(skew=node.clock.skew)
            if node.process.done() and not node.leaving:
                await node.process
                raise AssertionError(f"{node.name} has ended by itself")

    async def close(self) -> Evidence:
        """The evidence, after the end of everything that runs."""
        self.evidence.ended = self.now()
        self.evidence.rings = {
            node.name: tuple(identity.split("/")[0] for identity in node.replica.node_pool.nodes)
            for node in self.nodes.values()
        }
        self.evidence.struck = {**self.server.struck, **self.redis.struck}
        processes = [node.process for node in self.nodes.values()]
        for task in (*processes, *self._leavings):
            task.cancel()
        for node in self.nodes.values():
            node.signals.resume()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*processes, *self._leavings, return_exceptions=True)
        return self.evidence

    async def _leave(self, node: Node) -> None:
        began = self.now()
        async with asyncio.timeout(GRACE.total_seconds()):
            await node.replica.stop()
            await node.process
        self.nodes.pop(node.name, None)
        late = Glitch.LATE in self.server.glitches or self.server.struck[Glitch.LATE]  # begun meanwhile, perhaps
        if not late and (took := self.now() - began) > STOP_WITHIN:
            raise TimeoutError(f"{node.name} took {took} to leave")

    def _note(self, what: str, node: Node) -> None:
        self._tell(what, node.name)

    def _tell(self, what: str, whom: str) -> None:
        self.evidence.faults.append(Fault(at=self.now(), what=what, node=whom))

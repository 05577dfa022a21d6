"""The composition root: settings become adapters, adapters become a replica, and all of it starts and stops in order.

Start: the API server and the watches, then the replica, which joins the ring only when its lists are complete. Stop:
leave the ring, go on for one update interval, finish what is under way; kopf ends last, since it cancels whatever task
is left in the loop. When kopf ends by itself, or its watch shows nothing any more, that is beyond repair: the process
ends too, to be started anew.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import secrets
import signal
import zoneinfo
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn

import kopf
from kubernetes.aio.client import ApiClient

import controller
from controller import access, driver, handlers, kube, recentjobs, redisconnection
from controller.api import ApiServer
from controller.clock import SystemClock
from controller.emergency import EmergencyPause
from controller.errors import DcronError, TransientError
from controller.events import EventPoster, Subject
from controller.health import ReplicaHealth
from controller.jobwatch import JobWatch
from controller.kube import KubeCluster
from controller.messages import EventType
from controller.metrics import Metrics
from controller.outage import Outage
from controller.ports import Driver, RecentJobStore
from controller.replica import Replica
from controller.replicasettings import ReplicaSettings
from controller.rights import Rights, needed
from controller.settings import Settings
from controller.web import WebServer

logger = logging.getLogger(__name__)

PROTOCOL = "2"
"""Version of what all members must do alike: the hash of the ring, the names of Jobs, the reading of schedules."""
LOOK_AGAIN = timedelta(seconds=1)
"""Between looks whether our objects are served."""
LONGEST_END = timedelta(seconds=6)
"""How long requests under way may take at the end: a little more than the time-out of one."""


class WatchLost(DcronError):
    """The watch of the objects has ended for good, or shows nothing any more."""


class App:
    """One replica as a process runs it.

    Args:
        settings: What to run it with.
        started: Called once all objects and Jobs are known.
    """

    def __init__(self, settings: Settings, *, started: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._started = started
        self._stop = asyncio.Event()
        self._clock = SystemClock()
        self._metrics = Metrics(controller.__version__)
        self._failure: WatchLost | None = None

    def stop(self) -> None:
        """Ask for an orderly end: `run` returns within some seconds."""
        self._stop.set()

    async def run(self) -> None:
        """Run until `stop`, SIGTERM or SIGINT.

        Raises:
            DcronError: It cannot start, or cannot go on; the sentence says why.
        """
        settings = self._settings
        tzdata = use_packaged_tzdata()
        async with AsyncExitStack() as stack:
            client = await access.connect(self._clock)
            stack.push_async_callback(client.close)
            shared = await stack.enter_async_context(AsyncExitStack())
            membership, store = self._memory(shared)
            api = ApiServer(client, self._clock, self._metrics)
            events = EventPoster(api, self._clock, self._metrics, node=settings.node_name)
            tell = self._teller(events)
            replica = Replica(
                self._replica_settings(tzdata),
                clock=self._clock,
                driver=membership,
                store=store,
                cluster=KubeCluster(api, events, namespaces=settings.namespaces),
                recorder=self._metrics,
            )
            pause = self._emergency_pause(replica, tell)
            rights = Rights(
                api, self._clock, needed(settings.namespaces), count=self._metrics.rights_missing, tell=tell
            )
            if settings.http_port:
                health = ReplicaHealth(replica, rights.finding, lambda: pause.trouble)
                web = WebServer(health, self._metrics, port=settings.http_port)
                await web.start()
                stack.push_async_callback(web.stop)
            watch = JobWatch(api, self._clock, namespaces=settings.namespaces, busy=replica.queue.in_a_herd)
            self._listen_to_signals()
            await self._objects_served(api)
            outage = Outage(
                replica.node_pool,
                self._clock,
                tell=tell,
                up=self._metrics.redis_up if settings.redis else lambda up: None,
            )
            if not self._stop.is_set():
                await self._run_in_order(
                    replica,
                    client,
                    watch,
                    (partial(events.run, replica.queue.in_a_herd), outage.run, pause.run, rights.run),
                    shared,
                )

    async def _objects_served(self, api: ApiServer) -> None:
        """Return once the API server shows our objects, or at `stop`.

        kopf looks for them when it starts and when a CRD changes. That change comes a moment before the API server
        shows the new objects: kopf would find nothing, look no more, and watch nothing.
        """
        told: str | None = None
        while not self._stop.is_set():
            reason = "the API server does not show them (is the CRD installed?)"
            try:
                if await kube.serves_objects(api):
                    return
            except TransientError as error:
                reason = str(error)
            if reason != told:
                logger.warning("cannot watch the objects yet", extra={"reason": reason})
                told = reason
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN.total_seconds()):
                    await self._stop.wait()

    def _memory(self, stack: AsyncExitStack) -> tuple[Driver, RecentJobStore]:
        """What the replicas share, each on connections of its own; without Redis, what one replica keeps to itself."""
        settings = self._settings
        address = settings.redis
        if address is None:
            logger.warning("DCRON_REDIS_URL is not set: membership is kept in memory, run one replica only")
            return driver.InMemoryDriver(), recentjobs.InMemoryRecentJobStore(self._clock)
        # Two installations on one Redis share no member: each serves its own objects.
        prefix = f"{settings.key_prefix}:{settings.controller_name}:{PROTOCOL}"
        beats, records = (
            redisconnection.connect(address, timeout=timeout, connections=connections, recorder=self._metrics)
            for timeout, connections in (
                (timedelta(seconds=settings.node_ttl_seconds / 4), driver.CONNECTIONS),
                (recentjobs.FLUSH_TIMEOUT, recentjobs.CONNECTIONS),
            )
        )
        membership = driver.RedisDriver(beats, self._clock, key_prefix=prefix)
        for close in (beats.aclose, records.aclose, membership.aclose):
            stack.push_async_callback(close)
        return membership, recentjobs.RedisRecentJobStore(records, key_prefix=prefix)

    def _teller(self, events: EventPoster) -> Callable[[EventType, str, str], None]:
        """What takes Events about this replica: they are about its pod, if that is known."""
        settings = self._settings
        if not settings.pod_name or not settings.pod_namespace:
            return lambda type, reason, message: None
        pod = Subject(
            api_version="v1",
            kind="Pod",
            namespace=settings.pod_namespace,
            name=settings.pod_name,
            uid=settings.pod_uid,
        )
        return partial(events.post_about, pod)

    def _emergency_pause(self, replica: Replica, tell: Callable[[EventType, str, str], None]) -> EmergencyPause:
        """What pauses the replica; it has looked once, so that nothing fires before it is known."""

        def apply(paused: bool) -> None:
            self._metrics.paused(paused)
            (replica.pause if paused else replica.resume)()

        settings = self._settings
        pause = EmergencyPause(settings.paused_file, paused=settings.paused, clock=self._clock, apply=apply, tell=tell)
        pause.look()
        return pause

    async def _run_in_order(
        self,
        replica: Replica,
        client: ApiClient,
        watch: JobWatch,
        loops: Iterable[Callable[[], Coroutine[Any, Any, NoReturn]]],
        shared: AsyncExitStack,
    ) -> None:
        """Run all that runs; end it from the ring down.

        What is shared through Redis is closed before kopf ends: a task that it still had would be waited for there.
        """
        kopf_stop, kopf_ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            intake = tasks.create_task(self._run_kopf(replica, client, kopf_stop, kopf_ready), name="kopf")
            others = {tasks.create_task(loop()) for loop in loops}  # first: without its rights kopf is never ready
            await kopf_ready.wait()
            self._listen_to_signals()
            watching = tasks.create_task(watch.run(replica.jobs_listed, replica.job_seen), name="job watch")
            others.add(watching)
            running = tasks.create_task(replica.run(), name="replica")
            watchers = [tasks.create_task(one) for one in (self._guard(replica), self._tell_start(replica))]
            await self._stop.wait()
            for task in watchers:
                task.cancel()
            logger.info("stopping", extra={"node": self._settings.node_name})
            await self._end(replica, running)
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            await shared.aclose()
            kopf_stop.set()
            await intake
        if self._failure is not None:
            raise self._failure

    async def _tell_start(self, replica: Replica) -> None:
        await replica.until_listed()
        self._started()

    async def _guard(self, replica: Replica) -> None:
        """End in order, and as a failure, once the watch of the objects is given up."""
        self._failure = WatchLost(await replica.watchdog.lost())
        logger.error("ending, to be started anew", extra={"reason": str(self._failure)})
        self.stop()

    async def _end(self, replica: Replica, running: asyncio.Task[None]) -> None:
        """End the replica: in order if it had joined, at once if it was still listing."""
        if replica.listed:
            await replica.stop()
            await asyncio.wait({running}, timeout=LONGEST_END.total_seconds())
        running.cancel()
        await asyncio.wait({running})

    async def _run_kopf(self, replica: Replica, client: ApiClient, stop: asyncio.Event, ready: asyncio.Event) -> None:
        namespaces = self._settings.namespaces
        try:
            await kopf.operator(
                registry=handlers.register(replica, client),
                settings=handlers.settings(),
                standalone=True,
                clusterwide=not namespaces,
                namespaces=namespaces,
                stop_flag=stop,
                ready_flag=ready,
            )
        except Exception as error:
            raise WatchLost(f"the watch of the objects has ended: {error}") from error
        if not stop.is_set():
            raise WatchLost("the watch of the objects has ended")

    def _listen_to_signals(self) -> None:
        """Take the signals over from kopf, which would end its watch before we have left the ring."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def _replica_settings(self, tzdata: str) -> ReplicaSettings:
        settings = self._settings
        return ReplicaSettings(
            node=settings.node_name,
            nonce=secrets.token_hex(4),
            protocol=PROTOCOL,
            tzdata=tzdata,
            hash_replicas=settings.hash_replicas,
            controller_name=settings.controller_name,
            update=timedelta(seconds=settings.node_update_seconds),
            ttl=timedelta(seconds=settings.node_ttl_seconds),
            late=timedelta(seconds=settings.late_seconds),
            minimum_interval=timedelta(seconds=settings.minimum_interval_seconds),
        )


def use_packaged_tzdata() -> str:
    """Read zones from the tzdata package alone, in this whole process; gives its version.

    `zoneinfo` would read the machine's files first, which may differ from one replica to the next and whose version
    nobody can ask for. What members announce must be what they compute with.
    """
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()
    return importlib.metadata.version("tzdata")

"""The cluster port in memory: one replica's view of a `FakeApiServer`, with a network between.

Every call travels: it takes time on the loop, may meet a server that is down or a network that swallows it, and may
lose its answer after the write. The watch lags behind the server, in order, and stands still while the server cannot
be reached.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from datetime import datetime
from typing import Any, TypeVar

from controller.errors import ClusterUnavailable, Conflict, DcronError, Throttled
from controller.jobs import Job
from controller.messages import CreateResult, Event, Extent
from controller.ports import Clock
from controller.spec import CronJob, Key
from tests.fakes.apiserver import FakeApiServer, Glitch
from tests.fakes.happenings import PostedEvent
from tests.simulation.processes import PROCESS

TIMEOUT_SECONDS = 5.0
"""As in the adapter."""
LATE_SECONDS = (0.5, 4.5)
"""How long a request may be on its way: as long as its sender waits, or nearly."""
RETRY_AFTER_SECONDS = 1.0
"""What a single 429 asks for; most API servers say so."""

Result = TypeVar("Result")


class FakeCluster:
    """The `Cluster` of one replica.

    Args:
        server: Shared by all replicas of the test.
        clock: This replica's own.
        node: Its name, for faults and for the history.

    Attributes:
        reconnect_seconds: Least and greatest time until a watch that stood still goes on after healing.
    """

    def __init__(self, server: FakeApiServer, clock: Clock, node: str) -> None:
        self.reconnect_seconds = (0.1, 2.0)
        self._server = server
        self._clock = clock
        self._node = node
        self._random = random.Random(f"{server.seed}/{node}")
        self._watches: list[_Watch] = []

    # --- the port ---------------------------------------------------------------------------------------------------

    async def ping(self) -> datetime | None:
        """As the port says."""
        return await self._call(lambda: self._server.now().replace(microsecond=0))

    async def open_connections(self, count: int) -> None:
        """As the port says: there is nothing to open."""

    async def read(self, key: Key) -> CronJob | None:
        """As the port says."""
        return await self._call(lambda: self._server.read(key))

    async def versions(self) -> Mapping[Key, tuple[str, str]]:
        """As the port says."""
        every = await self._call(self._server.cron_jobs)
        return {cron_job.key: (cron_job.uid, cron_job.resource_version) for cron_job in every}

    async def extent(self) -> Extent:
        """As the port says."""
        return await self._call(lambda: Extent(count=len(self._server.cron_jobs()), version=self._server.revision))

    async def list_jobs(self, cron_job: CronJob) -> tuple[Job, ...]:
        """As the port says."""
        found = await self._call(lambda: self._server.jobs(cron_job.uid))
        return tuple(job for job in found if job.namespace == cron_job.key.namespace)

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """As the port says."""

        def create() -> CreateResult:
            result = self._server.create_job(manifest, self._node)
            if self._server.fail_next_create_after_write:
                self._server.fail_next_create_after_write = False
                raise ClusterUnavailable("the answer to the create was lost")
            return result

        return await self._call(create)

    async def check_job(self, manifest: Mapping[str, Any]) -> str | None:
        """As the port says."""
        return await self._call(lambda: self._server.check_job(manifest))

    async def delete_job(self, job: Job) -> bool:
        """As the port says."""
        return await self._call(lambda: self._server.remove_job(job, self._node))

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        """As the port says."""

        def write() -> CronJob:
            if self._meets(Glitch.CONFLICT):
                raise Conflict(f"{cron_job.key} has changed, says the server")
            return self._server.write_status(cron_job, status, self._node)

        return await self._call(write)

    def post(self, event: Event) -> None:
        """As the port says; lost if the server cannot be reached at that moment."""
        if self._reachable():
            self._server.events.append(PostedEvent(at=self._server.now(), node=self._node, event=event))

    # --- the two watches: run for ever ------------------------------------------------------------------------------

    async def watch_cron_jobs(self, seen: Callable[[CronJob], object], gone: Callable[[Key, str], object]) -> None:
        """What kopf's intake does: all objects first and after `relist`, then each change in order.

        As with kopf, a list says nothing of objects that were deleted while the watch was broken.
        """
        await self._watch(_CronJobWatch(self._due_in, self._server, seen, gone))

    async def watch_jobs(self, listed: Callable[[Sequence[Job]], object], seen: Callable[[Job], object]) -> None:
        """What `controller.jobwatch.JobWatch.run` does."""
        await self._watch(_JobWatch(self._due_in, self._server, listed, seen))

    def relist(self) -> None:
        """Break both watches: changes still under way are lost, and the complete lists come instead."""
        for watch in self._watches:
            watch.restart()

    async def _watch(self, watch: _Watch) -> None:
        self._watches.append(watch)
        self._server.watchers.append(watch)
        watch.restart()
        try:
            while True:
                deliver = await watch.next()
                await self._until_shown()
                watch.deliver(deliver)
        finally:
            self._server.watchers.remove(watch)
            self._watches.remove(watch)

    # --- the network ------------------------------------------------------------------------------------------------

    async def _call(self, operation: Callable[[], Result]) -> Result:
        """One request: there, done at once on the server, and back."""
        result = await self._there(operation)
        if isinstance(result, ClusterUnavailable):
            raise result
        if self._meets(Glitch.SILENT_AFTER):
            await asyncio.sleep(TIMEOUT_SECONDS)
            raise ClusterUnavailable(f"no answer within {TIMEOUT_SECONDS:.0f} s")
        await self._travel()
        if self._meets(Glitch.ERROR_AFTER):
            raise ClusterUnavailable("500: the write may have gone through")
        if isinstance(result, DcronError):
            raise result
        return result

    async def _there(self, operation: Callable[[], Result]) -> Result | DcronError:
        """What becomes of a request; once sent it meets the server, even if its sender is stopped or dies meanwhile."""
        if PROCESS.get() is None:
            return await self._arrive(operation)
        sent = asyncio.get_running_loop().create_task(self._arrive(operation), context=Context())
        sent.add_done_callback(lambda task: task.cancelled() or task.exception())  # its sender may not be there to look
        return await asyncio.shield(sent)

    async def _arrive(self, operation: Callable[[], Result]) -> Result | DcronError:
        await self._travel()
        if self._meets(Glitch.LATE):
            await asyncio.sleep(self._random.uniform(*LATE_SECONDS))
        return self._carried_out(operation)

    def _carried_out(self, operation: Callable[[], Result]) -> Result | DcronError:
        server = self._server
        if server.throttled_seconds is not None:
            server.struck["429"] += 1
            raise Throttled("too many requests", retry_after_seconds=server.throttled_seconds)
        if self._meets(Glitch.THROTTLED):
            raise Throttled("too many requests", retry_after_seconds=RETRY_AFTER_SECONDS)
        if self._meets(Glitch.ERROR_BEFORE):
            raise ClusterUnavailable("500: nothing was written")
        try:
            return operation()
        except DcronError as error:
            return error

    def _meets(self, glitch: Glitch) -> bool:
        """Whether this request meets it; no throw of the dice if there is none."""
        share = self._server.glitches.get(glitch, 0.0)
        met = share > 0 and self._random.random() < share
        self._server.struck[glitch] += met
        return met

    async def _travel(self) -> None:
        """One way between this replica and the server."""
        await asyncio.sleep(self._random.uniform(*self._server.latency_seconds))
        if self._node in self._server.black_holes:
            self._server.struck["API server black-holed"] += 1
            await asyncio.sleep(TIMEOUT_SECONDS)
            raise ClusterUnavailable(f"no answer within {TIMEOUT_SECONDS:.0f} s")
        if self._server.down:
            self._server.struck["API server down"] += 1
            raise ClusterUnavailable("connection refused")

    async def _until_shown(self) -> None:
        while not self._shown():
            self._server.struck["watch stands still"] += 1
            await asyncio.sleep(self._random.uniform(*self.reconnect_seconds))

    def _reachable(self) -> bool:
        return not self._server.down and self._node not in self._server.black_holes

    def _shown(self) -> bool:
        return self._reachable() and self._node not in self._server.stalled

    def _due_in(self) -> float:
        return self._random.uniform(*self._server.watch_delay_seconds)


Deliver = Callable[[], object]


class _Watch:
    """Changes on their way to one callback, in order, each after a delay of its own."""

    def __init__(self, due_in: Callable[[], float], server: FakeApiServer) -> None:
        self._due_in = due_in
        self._server = server
        self._under_way: deque[tuple[float, Deliver]] = deque()
        self._arrived = asyncio.Event()
        self._last_due = 0.0

    def cron_job_seen(self, cron_job: CronJob) -> None:
        """Nothing, unless it is watched."""

    def cron_job_gone(self, cron_job: CronJob) -> None:
        """Nothing, unless it is watched."""

    def job_seen(self, job: Job) -> None:
        """Nothing, unless it is watched."""

    def list_all(self) -> None:
        """Hand over the complete list as it is now."""
        raise NotImplementedError

    def restart(self) -> None:
        """Lose what is under way, and list again."""
        self._under_way.clear()
        self._send(self._list_again)

    async def next(self) -> Deliver:
        """The oldest change under way, when its time has come; it stays under way until `deliver`."""
        while True:
            while not self._under_way:
                self._arrived.clear()
                await self._arrived.wait()
            due, deliver = self._under_way[0]
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if self._under_way and self._under_way[0][1] is deliver:
                return deliver

    def deliver(self, deliver: Deliver) -> None:
        """Hand a change over, unless a restart has lost it meanwhile."""
        if self._under_way and self._under_way[0][1] is deliver:
            self._under_way.popleft()
            deliver()

    def _list_again(self) -> None:
        """The list is as of now, so what was under way is in it."""
        self._under_way.clear()
        self.list_all()

    def _send(self, deliver: Deliver) -> None:
        self._last_due = max(self._last_due, asyncio.get_running_loop().time() + self._due_in())
        self._under_way.append((self._last_due, deliver))
        self._arrived.set()


class _CronJobWatch(_Watch):
    def __init__(
        self,
        due_in: Callable[[], float],
        server: FakeApiServer,
        seen: Callable[[CronJob], object],
        gone: Callable[[Key, str], object],
    ) -> None:
        super().__init__(due_in, server)
        self._seen, self._gone = seen, gone

    def cron_job_seen(self, cron_job: CronJob) -> None:
        self._send(lambda: self._seen(cron_job))

    def cron_job_gone(self, cron_job: CronJob) -> None:
        self._send(lambda: self._gone(cron_job.key, cron_job.uid))

    def list_all(self) -> None:
        for cron_job in self._server.cron_jobs():
            self._seen(cron_job)


class _JobWatch(_Watch):
    def __init__(
        self,
        due_in: Callable[[], float],
        server: FakeApiServer,
        listed: Callable[[Sequence[Job]], object],
        seen: Callable[[Job], object],
    ) -> None:
        super().__init__(due_in, server)
        self._listed, self._seen = listed, seen

    def job_seen(self, job: Job) -> None:
        self._send(lambda: self._seen(job))

    def list_all(self) -> None:
        self._listed([job for job in self._server.jobs() if job.owner_uid])

"""The Job watch: every Job of ours as it is now, and then each change.

It stands apart from kopf, with a label selector and lean values: thousands of foreign Jobs cost nothing. It gives whole
lists, so that who listens finds by itself what vanished unseen, and never interprets what it sees. `api` carries it;
`app` runs it and joins it to the `lister`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn

from controller import jobs
from controller.api import ApiServer, WatchExpired, collection_path
from controller.errors import Throttled, TransientError
from controller.jobs import UID_LABEL, Job
from controller.ports import Clock

PAGE = 500
"""Jobs on one page of a list: about a megabyte of JSON, some 15 ms of the loop."""
SILENCE = timedelta(seconds=75)
"""A watch without a byte for so long is dead: the API server sends a bookmark about each minute."""
WATCH_SECONDS = (240, 360)
"""How long one watch lasts, at random, so that not all replicas come again at once."""
FIRST_BACKOFF = timedelta(milliseconds=200)
LONGEST_BACKOFF = timedelta(seconds=5)
BREATH = 50
"""After so many changes in a row, other tasks run."""

logger = logging.getLogger(__name__)


class JobWatch:
    """One list and watch of Jobs.

    Args:
        api: The API server.
        clock: For backoff.
        namespaces: The scope; empty: the whole cluster.
        silence: Longest wait for the next byte of a watch.
        busy: While it says so, changes are read some at a time (`stream`).

    Attributes:
        synced: Set once the first complete list has been handed over.
    """

    def __init__(
        self,
        api: ApiServer,
        clock: Clock,
        *,
        namespaces: Iterable[str] = (),
        silence: timedelta = SILENCE,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.synced = asyncio.Event()
        self._api = api
        self._clock = clock
        self._paths = tuple(
            collection_path("batch/v1", "jobs", namespace) for namespace in tuple(namespaces) or (None,)
        )
        self._silence = silence
        self._busy = busy
        self._in_a_row = 0

    async def run(self, listed: Callable[[Sequence[Job]], object], seen: Callable[[Job], object]) -> NoReturn:
        """List, then watch, for ever; list again when the watch has lost its place.

        Args:
            listed: Takes the complete list of the scope: a Job not on it is gone. Called first, and at each relist.
            seen: Takes a Job that was created or changed, or that is `gone`.
        """
        while True:
            starts = await self._list_all(listed)
            try:
                # No watch runs while lists are read, so that a list is never older than a change already shown.
                async with asyncio.TaskGroup() as group:
                    for path, version in starts.items():
                        group.create_task(self._follow(path, version, seen), name=f"watch {path}")
            except* WatchExpired as expired:
                logger.info("watch of Jobs begins anew", extra={"reason": str(expired.exceptions[0])})
                await self._clock.sleep(FIRST_BACKOFF * random.random())

    async def _list_all(self, listed: Callable[[Sequence[Job]], object]) -> dict[str, str]:
        """Hand over one complete list; gives the version to watch from for each path."""
        backoff = _Backoff(self._clock)
        while True:
            try:
                found: list[Job] = []
                starts = {path: await self._list(path, found) for path in self._paths}
            except (TransientError, WatchExpired) as error:
                await backoff.sleep(error)
            else:
                listed(found)
                self.synced.set()
                return starts

    async def _list(self, path: str, found: list[Job]) -> str:
        """Add the Jobs of one path to `found`, page by page; gives the version of the list."""
        query = {"labelSelector": UID_LABEL, "limit": str(PAGE)}
        while True:
            answer = await self._api.request("list", path, query=query)
            if answer.status == HTTPStatus.GONE:
                raise WatchExpired(answer.message)  # the pages took too long
            body = answer.expect_ok()
            found.extend(job for item in body["items"] if (job := _job(item)) is not None)
            if not body["metadata"].get("continue"):
                return str(body["metadata"]["resourceVersion"])
            query = {**query, "continue": body["metadata"]["continue"]}

    async def _follow(self, path: str, version: str, seen: Callable[[Job], object]) -> NoReturn:
        """Watch one path, again and again from where it stood.

        Raises:
            WatchExpired: That place is not known any more.
        """
        backoff = _Backoff(self._clock)
        while True:
            try:
                changes = self._api.watch(path, query=_watch_query(version), silence=self._silence, busy=self._busy)
                async with aclosing(changes) as lines:
                    async for line in lines:
                        version = _take(line, seen) or version
                        backoff.reset()
                        await self._breathe()
            except TransientError as error:
                await backoff.sleep(error)
            else:
                await backoff.sleep()  # the API server ends each watch some time; nothing is wrong

    async def _breathe(self) -> None:
        """Let other tasks run now and then: a burst of changes is in memory at once and would hold the loop."""
        self._in_a_row = (self._in_a_row + 1) % BREATH
        if self._in_a_row == 0:
            await self._clock.sleep(timedelta(0))


class _Backoff:
    """Pauses that double, at random within their upper half."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = FIRST_BACKOFF

    def reset(self) -> None:
        self._next = FIRST_BACKOFF

    async def sleep(self, error: Exception | None = None) -> None:
        pause = self._next * random.uniform(0.5, 1)
        if error is not None:
            level = logging.WARNING if self._next == FIRST_BACKOFF else logging.DEBUG  # once, not at each attempt
            logger.log(level, "watch of Jobs is interrupted", extra={"reason": str(error)})
        if isinstance(error, Throttled):
            pause = max(pause, timedelta(seconds=error.retry_after_seconds))
        self._next = min(self._next * 2, LONGEST_BACKOFF)
        await self._clock.sleep(pause)


def _watch_query(version: str) -> dict[str, str]:
    return {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "labelSelector": UID_LABEL,
        "resourceVersion": version,
        "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),
    }


def _take(line: bytes, seen: Callable[[Job], object]) -> str | None:
    """Pass on what one line of a watch says; gives the version that the watch has reached.

    Raises:
        WatchExpired: The API server gives this watch up, or speaks nonsense.
    """
    try:
        event = json.loads(line)
        kind, body = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise WatchExpired(f"a line that cannot be read: {error!r}") from error
    if kind == "ERROR":
        raise WatchExpired(str(body.get("message")))
    job = None if kind == "BOOKMARK" else _job(body, gone=kind == "DELETED")
    if job is not None:
        seen(job)
    version = body["metadata"].get("resourceVersion")
    return None if version is None else str(version)


def _job(body: Mapping[str, Any], *, gone: bool = False) -> Job | None:
    """The Job, or None for one that carries our label and nonsense: it must not stop the others."""
    try:
        return jobs.parse(body, gone=gone)
    except (KeyError, TypeError, ValueError) as error:
        logger.warning("Job cannot be read", extra={"job": body["metadata"].get("name"), "reason": repr(error)})
        return None

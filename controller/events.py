"""Events about our objects, and about the pod that runs us, published some time soon.

An Event helps people and nobody else, so it never holds anything up: they wait in a bounded queue, leave one after the
other once no herd fires, and one that cannot be published is dropped and counted. `kube` and `outage` hand them in;
`api` sends them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn

from controller import herds
from controller.api import FIELD_MANAGER, ApiServer, collection_path
from controller.errors import NamespaceTerminating, Throttled, TransientError
from controller.instants import format_time
from controller.messages import Event, EventType
from controller.ports import Clock, Recorder
from controller.spec import API_VERSION, KIND

QUEUE_LENGTH = 1000
"""Some seconds' worth of what an API server takes beside the Jobs. Of a larger herd the oldest good news are lost."""
LONGEST_WAIT = herds.LONGEST
"""So long at most, good news wait for a herd to end: each costs the API server as much as a Job still to be made. With
5 s there were 80 to 100 of them in each second of a herd of 10,000, beside 500 Jobs."""
WARNING_WAITS = timedelta(seconds=5)
"""So long at most, a warning does."""
LAST_WORDS = timedelta(seconds=0.5)
"""So long at most, a replica that ends tells what still waits: a hundred Events or two, and it is gone within ten
seconds even if neither Redis nor the API server answers."""
GLANCE = timedelta(milliseconds=100)
"""How often to look whether it has."""
MAX_MESSAGE_LENGTH = 1024
"""Longest message that the API server takes."""
_MAX_NAME_LENGTH = 253
_SUFFIX_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an Event is about.

    Attributes:
        uid: May be empty for one whose UID is not known; `kubectl describe` then does not show the Event.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An Event that waits: its body is made when its turn has come, since a herd is no time for that."""

    subject: Subject
    at: datetime
    came_at: timedelta
    type: EventType
    reason: str
    message: str
    count: int
    suffix: str = field(default_factory=partial(secrets.token_hex, _SUFFIX_BYTES))
    """Of its name: what is sent again, after an answer that did not arrive, is no second Event."""

    @property
    def patience(self) -> timedelta:
        """How long it waits for the end of a herd."""
        return LONGEST_WAIT if self.type is EventType.NORMAL else WARNING_WAITS


class EventPoster:
    """A queue of Events and the loop that empties it.

    Args:
        api: The API server.
        clock: Says when an Event happened.
        recorder: Told of each Event that is dropped.
        node: Name of this node: who reports.
        queue_length: How many Events wait at most.
    """

    def __init__(
        self, api: ApiServer, clock: Clock, recorder: Recorder, *, node: str, queue_length: int = QUEUE_LENGTH
    ) -> None:
        self._api = api
        self._clock = clock
        self._recorder = recorder
        self._node = node
        self._queue_length = queue_length
        self._waiting: deque[_Told] = deque()
        self._under_way: _Told | None = None
        self._arrived = asyncio.Event()

    def post(self, event: Event) -> None:
        """Take an Event; a full queue drops one."""
        key = event.key
        subject = Subject(api_version=API_VERSION, kind=KIND, namespace=key.namespace, name=key.name, uid=event.uid)
        self.post_about(subject, event.type, event.reason, event.message, count=event.count)

    def post_about(self, subject: Subject, type: EventType, reason: str, message: str, *, count: int = 1) -> None:
        """Take an Event about anything; a full queue drops the oldest that is no warning, or else its oldest."""
        if len(self._waiting) >= self._queue_length:
            # In a herd a thousand good news come in behind a warning before the first of them may go.
            plain = (place for place, told in enumerate(self._waiting) if told.type is EventType.NORMAL)
            del self._waiting[next(plain, 0)]
            self._recorder.request("api", "create", 0.0, error="EventDropped")
        at, came_at = self._clock.now(), self._clock.elapsed()
        told = _Told(subject=subject, at=at, came_at=came_at, type=type, reason=reason, message=message, count=count)
        self._waiting.append(told)
        self._arrived.set()

    async def run(self, herd: Callable[[], bool] = lambda: False) -> NoReturn:
        """Publish what comes, for ever; once cancelled, what waits by then, as far as it goes in a moment.

        Args:
            herd: Whether many firings are under way, here or elsewhere: then Events wait a little.
        """
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    if (told := self._next(herd=herd())) is None:
                        await self._clock.sleep(GLANCE)
                    else:
                        self._waiting.remove(told)
                        self._under_way = told
                        await self._publish(told)
                        self._under_way = None
        except asyncio.CancelledError:
            await self._say_the_rest()
            raise

    def _next(self, *, herd: bool) -> _Told | None:
        """The Event that is published now; None: all wait for the end of a herd."""
        if not herd:
            return self._waiting[0]
        elapsed = self._clock.elapsed()
        return next((told for told in self._waiting if elapsed - told.came_at >= told.patience), None)

    async def _say_the_rest(self) -> None:
        """Warnings first, until one is not taken or the time is over; the others are counted."""
        rest = deque(sorted(self._waiting, key=lambda told: told.type is EventType.NORMAL))
        if self._under_way is not None:
            rest.appendleft(self._under_way)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS.total_seconds()):
                while rest and await self._publish(rest[0]):
                    rest.popleft()
        for _ in rest:
            self._recorder.request("api", "create", 0.0, error="EventDropped")

    async def _publish(self, told: _Told) -> bool:
        """Send an Event; gives whether it was taken, or would be nowhere."""
        path, query = collection_path("v1", "events", told.subject.namespace), {"fieldManager": FIELD_MANAGER}
        body = self._body(told)
        try:
            answer = await self._api.request("create", path, query=query, body=body)
        except NamespaceTerminating:
            return True  # nobody will read it there
        except Throttled as error:
            await self._clock.sleep(timedelta(seconds=error.retry_after_seconds))
            return False
        except TransientError:
            return False  # `api` has counted it
        if answer.ok or answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return True
        self._recorder.request("api", "create", 0.0, error="EventDropped")
        return False

    def _body(self, told: _Told) -> dict[str, Any]:
        at = format_time(told.at.replace(microsecond=0))
        suffix = f".{told.suffix}"
        subject = told.subject
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": subject.name[: _MAX_NAME_LENGTH - len(suffix)] + suffix,
                "namespace": subject.namespace,
            },
            "involvedObject": {
                "apiVersion": subject.api_version,
                "kind": subject.kind,
                "namespace": subject.namespace,
                "name": subject.name,
                **({"uid": subject.uid} if subject.uid else {}),
            },
            "type": told.type.value,
            "reason": told.reason,
            "message": told.message[:MAX_MESSAGE_LENGTH],
            "count": told.count,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "source": {"component": FIELD_MANAGER, "host": self._node},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": self._node,
        }

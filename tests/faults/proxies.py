"""What happens on the way between a replica and what it talks to: a proxy for each way, and its weather.

`TcpProxy` passes bytes, for Redis; `httpproxy.HttpProxy` passes requests, for the API server. Both ask the same
`Crossing` before anything passes, in either direction. They run in a thread of their own, `roads`, and are told from
the test's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from deploy.local.ports import LOOPBACK, free_port

WRITES = ("POST", "PUT", "PATCH", "DELETE")
_CHUNK = 65536
_LOOK_SECONDS = 0.1
"""How often something that is held looks whether its sender is still there."""


class Weather(StrEnum):
    """What happens to what wants to pass."""

    CLEAR = "clear"
    SLOW = "slow"
    """It passes after a delay, in either direction."""
    HOLE = "black hole"
    """Nothing passes, nothing is refused, connections stay open."""
    ONE_WAY = "answers lost"
    """Requests arrive; answers wait until the weather is clear."""
    RESET = "reset"
    """Connections break, and new ones break at once."""
    WATCHES_STALLED = "watches stalled"
    """HTTP: watches stay open and say nothing; all else passes."""
    SPOILT = "spoilt"
    """HTTP: some requests meet a mishap."""


class Mishap(StrEnum):
    """What happens to a request that is hit in spoilt weather."""

    ANSWER_DROPPED = "forwarded, then the connection breaks"
    REFUSED_BEFORE = "answered with an error, not forwarded"
    REFUSED_AFTER = "forwarded, and answered with an error all the same"
    LATE = "forwarded after a while, when others have overtaken it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The weather with its particulars.

    Attributes:
        delay_seconds: If slow: in each direction; of a request that is late: the most.
        mishap: If spoilt.
        status: Of an error.
        retry_after: Seconds that an error asks for; None: it does not say.
        share: Of the requests that might be hit, how many are.
        methods: Which HTTP methods may be hit; empty: all.
        seed: For what chance decides.
    """

    weather: Weather = Weather.CLEAR
    delay_seconds: float = 0.0
    mishap: Mishap = Mishap.REFUSED_BEFORE
    status: int = 500
    retry_after: int | None = None
    share: float = 1.0
    methods: frozenset[str] = frozenset()
    seed: int = 0


CLEAR = Condition()
HOLE = Condition(weather=Weather.HOLE)
ONE_WAY = Condition(weather=Weather.ONE_WAY)
RESET = Condition(weather=Weather.RESET)
WATCHES_STALLED = Condition(weather=Weather.WATCHES_STALLED)


def slow(seconds: float) -> Condition:
    """So much delay in each direction."""
    return Condition(weather=Weather.SLOW, delay_seconds=seconds)


def refusing(status: int, *, share: float = 1.0, retry_after: int | None = None) -> Condition:
    """Requests are answered with an error and not forwarded."""
    return Condition(weather=Weather.SPOILT, status=status, share=share, retry_after=retry_after)


def spoiling_writes(mishap: Mishap, share: float, *, methods: Iterable[str] = WRITES) -> Condition:
    """Some writes meet a mishap."""
    return Condition(weather=Weather.SPOILT, mishap=mishap, share=share, methods=frozenset(methods))


def delaying_writes(seconds: float, share: float, *, methods: Iterable[str] = WRITES) -> Condition:
    """Some writes are on their way for up to so long."""
    return replace(spoiling_writes(Mishap.LATE, share, methods=methods), delay_seconds=seconds)


def seeded(condition: Condition, seed: int) -> Condition:
    """The same, with chance from that seed."""
    return replace(condition, seed=seed)


class Gone(Exception):
    """What was held has nobody left who waits for it."""


class Crossing:
    """The condition of one way, and whatever waits for a better one. Used in the loop of its thread only."""

    def __init__(self) -> None:
        self.condition = CLEAR
        self._changed = asyncio.Event()
        self._random = random.Random(0)
        self.breaking: set[asyncio.BaseTransport] = set()

    def set(self, condition: Condition) -> None:
        """Change the weather: what is held looks again, and a reset breaks what is open."""
        self.condition = condition
        self._random = random.Random(condition.seed)
        self._changed.set()
        self._changed = asyncio.Event()
        if condition.weather is Weather.RESET:
            for transport in list(self.breaking):
                break_off(transport)

    def hits(self, method: str) -> Mishap | None:
        """The mishap that a request meets, if any."""
        told = self.condition
        if told.weather is not Weather.SPOILT or (told.methods and method not in told.methods):
            return None
        return told.mishap if self._random.random() < told.share else None

    async def dawdle(self) -> None:
        """Wait as long as a late request is on its way."""
        await asyncio.sleep(self._random.uniform(0, self.condition.delay_seconds))

    async def request(self, gone: Callable[[], bool]) -> None:
        """Return when something may pass from the replica to the world.

        Args:
            gone: Whether its sender waits no more. It is then never passed on: a real network would drop it too, or
                deliver it with the end of its connection.

        Raises:
            Gone: Its sender waits no more.
        """
        await self._pass((Weather.HOLE,), gone)

    async def answer(self, gone: Callable[[], bool], *, of_watch: bool = False) -> None:
        """The same in the other direction."""
        stalled = (Weather.WATCHES_STALLED,) if of_watch else ()
        await self._pass((Weather.HOLE, Weather.ONE_WAY, *stalled), gone)

    async def _pass(self, held_by: tuple[Weather, ...], gone: Callable[[], bool]) -> None:
        if self.condition.weather is Weather.SLOW:
            await asyncio.sleep(self.condition.delay_seconds)
        while self.condition.weather in held_by:
            if gone():
                raise Gone
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._changed.wait()
        if self.condition.weather is Weather.RESET or gone():
            raise Gone


def break_off(transport: asyncio.BaseTransport | None) -> None:
    """End a connection with a reset, not with an orderly end."""
    if not isinstance(transport, asyncio.Transport):
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class TcpProxy:
    """Passes bytes between whoever connects and one server.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self.crossing = Crossing()
        self._target = host, port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, self.port)

    async def stop(self) -> None:
        """Break all connections and listen no more."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.crossing.breaking.add(writer.transport)
        try:
            await self._connect(reader, writer)
        except (OSError, Gone):
            break_off(writer.transport)
        finally:
            writer.close()
            self.crossing.breaking.discard(writer.transport)
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def gone() -> bool:
            return reader.at_eof() or writer.is_closing()

        await self.crossing.request(gone)
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        out = asyncio.create_task(_relay(reader, far_writer, lambda: self.crossing.request(gone)))
        back = asyncio.create_task(_relay(far_reader, writer, lambda: self.crossing.answer(gone)))
        try:
            await asyncio.wait({out, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            out.cancel()
            back.cancel()
            await asyncio.gather(out, back, return_exceptions=True)
            far_writer.close()


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may_pass: Callable[[], Awaitable[None]]
) -> None:
    """Pass on what comes until either side ends."""
    with contextlib.suppress(OSError, Gone):
        while chunk := await reader.read(_CHUNK):
            await may_pass()
            writer.write(chunk)
            await writer.drain()

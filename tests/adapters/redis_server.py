"""A real Redis for a test: started on a free loopback port in a folder of its own, stopped by its process id.

Also what stands between a client and a server that goes wrong: a proxy that holds answers back, a port on which nobody
answers. Unlike the launcher's Redis it takes options, and plays a sentinel or a cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from deploy.local.ports import free_port
from deploy.local.redis_server import executable

HOST = "127.0.0.1"
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running server.

    Attributes:
        port: On loopback, without a password unless a test sets one.
    """

    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://{HOST}:{self.port}"

    def command(self, *words: str | int) -> Any:
        """Send a command on a connection of its own and return the answer as it is."""
        with Redis(host=HOST, port=self.port, protocol=2, decode_responses=True, socket_timeout=5) as client:
            client.response_callbacks.clear()
            return client.execute_command(*words)


@contextlib.contextmanager
def running(folder: Path, *options: str, sentinel: bool = False) -> Iterator[RedisServer]:
    """Start a server and stop it at the end.

    Args:
        folder: Where it may write; made if it does not exist.
        options: Before those that keep it in memory and on loopback.
        sentinel: It is a sentinel, which has nothing to keep in memory.
    """
    folder.mkdir(exist_ok=True)
    port = free_port()
    settings = ["--port", str(port), "--bind", HOST, "--dir", str(folder)]
    settings += [] if sentinel else ["--save", "", "--appendonly", "no"]
    if "--cluster-enabled" in options:  # else the nodes talk at the port + 10000, where the kernel's own ports begin
        settings += ["--cluster-port", str(free_port())]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([executable(), *options, *settings], stdout=log, stderr=subprocess.STDOUT)
        try:
            server = RedisServer(port=port)
            _wait_until_ready(server, process, folder / "redis.log")
            yield server
        finally:
            process.kill()  # it has nothing to save
            process.wait()


def take_all_slots(server: RedisServer) -> None:
    """Make a cluster of a single node whole."""
    assert server.command("CLUSTER", "ADDSLOTS", *range(16384)) == "OK"
    deadline = time.monotonic() + _START_SECONDS
    while "cluster_state:ok" not in server.command("CLUSTER", "INFO"):
        assert time.monotonic() < deadline, "the cluster does not become whole"
        time.sleep(0.02)


def _wait_until_ready(server: RedisServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(RedisError, OSError):
            server.command("PING")
            return
        time.sleep(0.02)
    pytest.fail(f"redis-server did not start: {log.read_text(errors='replace')[-2000:]}")


class Proxy:
    """Between a client and a server: lets everything through, but holds answers back while `release` is not set.

    Args:
        server: Where it leads.
        delay_seconds: For how long each answer is held back in any case; asked anew each time.
    """

    def __init__(self, server: RedisServer, delay_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self._server = server
        self._delay_seconds = delay_seconds
        self.release = asyncio.Event()
        self.release.set()
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"redis://{HOST}:{self.port}"

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Proxy]:
        """Serve until the end of the block."""
        listener = await asyncio.start_server(self._serve, HOST, free_port())
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listener.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            server_reader, server_writer = await asyncio.open_connection(HOST, self._server.port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, server_writer, _set(), lambda: 0.0))
                    group.create_task(_copy(server_reader, writer, self.release, self._delay_seconds))
            finally:
                writer.close()
                server_writer.close()


async def _copy(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    release: asyncio.Event,
    delay_seconds: Callable[[], float],
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            if not release.is_set():
                await release.wait()
            await asyncio.sleep(delay_seconds())
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@contextlib.asynccontextmanager
async def black_hole() -> AsyncIterator[str]:
    """The URL of a port where a connection is taken and nothing is ever answered."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(65536):
                pass
        writer.close()

    listener = await asyncio.start_server(ignore, HOST, free_port())
    async with listener:
        yield f"redis://{HOST}:{listener.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def first_bytes() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port that hangs up after the first bytes of each connection, and a list of them."""
    received: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            received.append(await reader.read(3))
        writer.close()

    listener = await asyncio.start_server(hang_up, HOST, free_port())
    async with listener:
        yield listener.sockets[0].getsockname()[1], received

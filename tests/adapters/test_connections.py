"""The connections of a busy moment are closed again while quiet requests go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from controller import access
from controller.api import ApiServer
from controller.clock import SystemClock
from controller.metrics import Metrics
from deploy.local.kubeconfig import kubeconfig
from deploy.local.ports import LOOPBACK, free_port

AT_ONCE = 12
KEEP_ALIVE_SECONDS = 0.3
LONG_SECONDS = 20.0


class Server:
    """Counts the connections that are open to it, and those that requests came by."""

    def __init__(self) -> None:
        self.open: set[asyncio.BaseTransport] = set()
        self.waiting = 0
        self.all_there = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            self.open.add(request.transport)
        if request.path == "/together":
            self.waiting += 1
            if self.waiting == AT_ONCE:
                self.all_there.set()
            await self.all_there.wait()
        return web.json_response({})

    def count(self) -> int:
        return sum(not transport.is_closing() for transport in self.open)


@pytest.fixture
async def place() -> AsyncIterator[tuple[Server, str]]:
    """A server and its address."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    yield server, f"http://{LOOPBACK}:{port}"
    await runner.cleanup()


async def get(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as answer:
        await answer.read()


async def after_a_busy_moment(connector: aiohttp.TCPConnector, server: Server, url: str, rounds: int) -> int:
    """How many connections are open after one request after the other, for many times the keep-alive."""
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(get(session, f"{url}/together") for _ in range(AT_ONCE)))
        assert server.count() == AT_ONCE
        for _ in range(rounds):
            await get(session, f"{url}/alone")
            await asyncio.sleep(KEEP_ALIVE_SECONDS / AT_ONCE / 4)
            if server.count() == 1:
                break
        return server.count()


async def test_connections_that_are_not_needed_any_more_are_closed(place: tuple[Server, str]) -> None:
    connector = access.NewestFirst(keepalive_timeout=KEEP_ALIVE_SECONDS)
    rounds = int(LONG_SECONDS / KEEP_ALIVE_SECONDS * AT_ONCE * 4)
    assert await after_a_busy_moment(connector, *place, rounds) == 1


async def test_the_client_of_a_cluster_has_such_connections(place: tuple[Server, str], tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(server=place[1], certificate=b"", user="me", token="any"))
    async with await access.connect(SystemClock(), {"KUBECONFIG": str(path)}) as client:
        await ApiServer(client, SystemClock(), Metrics()).request("get", "/version")
        connector = client.rest_client.pool_manager.connector
        assert isinstance(connector, access.NewestFirst)
        assert connector.limit == access.MAX_CONNECTIONS

"""The proxies do to what passes what their weather says: a fault that is not struck would prove nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from deploy.local.ports import LOOPBACK, free_port
from tests.faults import proxies
from tests.faults.httpproxy import HttpProxy
from tests.faults.proxies import CLEAR, HOLE, ONE_WAY, RESET, WATCHES_STALLED, Condition, Mishap, TcpProxy

SOON = 0.3
"""Seconds in which an answer would have come."""
LONG = 60.0
"""Seconds in which one comes on any machine."""
ALL_WRITES = 1.0


class World:
    """A server on either protocol, which knows what has reached it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.more = asyncio.Event()

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send back what comes."""
        while chunk := await reader.read(100):
            self.heard.append(chunk.decode())
            writer.write(chunk)
        writer.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Say what was asked; a watch says one thing at once and another when it is told to."""
        body = await request.text()
        self.heard.append(f"{request.method} {request.path_qs} {request.headers.get('Authorization')} {body}".strip())
        if "watch" not in request.query:
            return web.json_response({"asked": request.path}, status=201 if request.method == "POST" else 200)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await self.more.wait()
        await response.write(b"two\n")
        return response


@pytest.fixture
async def world() -> World:
    """What is behind the proxies."""
    return World()


@pytest.fixture
async def tcp(world: World) -> AsyncIterator[TcpProxy]:
    """A proxy before an echo."""
    port = free_port()
    server = await asyncio.start_server(world.echo, LOOPBACK, port)
    proxy = TcpProxy(LOOPBACK, port)
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()


@pytest.fixture
async def http(world: World) -> AsyncIterator[HttpProxy]:
    """A proxy before an HTTP server."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", world.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    proxy = HttpProxy(f"http://{LOOPBACK}:{port}", None)
    await proxy.start()
    yield proxy
    await proxy.stop()
    await runner.cleanup()


@pytest.fixture
async def session(http: HttpProxy) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that talks through the proxy."""
    async with aiohttp.ClientSession(f"http://{LOOPBACK}:{http.port}") as session:
        yield session


async def said(proxy: TcpProxy, text: str, seconds: float = LONG) -> str:
    """What comes back through a connection of its own; empty if the connection ends or breaks.

    Raises:
        TimeoutError: Nothing comes.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        writer.write(text.encode())
        return (await asyncio.wait_for(reader.read(100), seconds)).decode()
    return ""


async def test_in_clear_weather_bytes_pass(tcp: TcpProxy) -> None:
    assert await said(tcp, "PING") == "PING"


async def test_a_slow_way_delays_each_direction(tcp: TcpProxy) -> None:
    tcp.crossing.set(proxies.slow(0.1))
    began = time.monotonic()
    assert await said(tcp, "PING") == "PING"
    assert time.monotonic() - began >= 0.2


async def test_a_black_hole_swallows_what_nobody_waits_for_any_more(tcp: TcpProxy, world: World) -> None:
    tcp.crossing.set(HOLE)
    with pytest.raises(TimeoutError):
        await said(tcp, "lost", SOON)
    tcp.crossing.set(CLEAR)
    assert await said(tcp, "PING") == "PING"
    assert world.heard == ["PING"]


async def test_what_is_held_arrives_when_the_weather_clears(tcp: TcpProxy) -> None:
    tcp.crossing.set(HOLE)
    waiting = asyncio.create_task(said(tcp, "PING"))
    await asyncio.sleep(SOON)
    tcp.crossing.set(CLEAR)
    assert await waiting == "PING"


async def test_on_a_one_way_requests_arrive_and_answers_do_not(tcp: TcpProxy, world: World) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, tcp.port)
    tcp.crossing.set(ONE_WAY)
    writer.write(b"SET")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), SOON)
    assert world.heard == ["SET"]
    writer.close()


async def test_a_reset_breaks_open_connections_and_new_ones(tcp: TcpProxy) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, tcp.port)
    writer.write(b"PING")
    assert await reader.read(100) == b"PING"
    tcp.crossing.set(RESET)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(100), LONG)
    assert await said(tcp, "PING") == ""


async def test_requests_pass_with_their_credentials(session: aiohttp.ClientSession, world: World) -> None:
    async with session.post("/jobs?dryRun=All", data="{}", headers={"Authorization": "Bearer x"}) as answer:
        assert (answer.status, await answer.json()) == (201, {"asked": "/jobs"})
    assert world.heard == ["POST /jobs?dryRun=All Bearer x {}"]


async def test_a_watch_is_streamed(session: aiohttp.ClientSession, world: World) -> None:
    async with session.get("/jobs?watch=1") as answer:
        assert await answer.content.readline() == b"one\n"
        world.more.set()
        assert await answer.content.readline() == b"two\n"


async def test_a_watch_goes_silent_in_a_black_hole_and_goes_on_after_it(
    session: aiohttp.ClientSession, http: HttpProxy, world: World
) -> None:
    async with session.get("/jobs?watch=1") as answer:
        assert await answer.content.readline() == b"one\n"
        http.crossing.set(HOLE)
        world.more.set()
        line = asyncio.create_task(answer.content.readline())
        assert not (await asyncio.wait({line}, timeout=SOON))[0]
        http.crossing.set(CLEAR)
        assert await line == b"two\n"


async def test_watches_may_stall_while_requests_pass(
    session: aiohttp.ClientSession, http: HttpProxy, world: World
) -> None:
    async with session.get("/jobs?watch=1") as answer:
        assert await answer.content.readline() == b"one\n"
        http.crossing.set(WATCHES_STALLED)
        world.more.set()
        line = asyncio.create_task(answer.content.readline())
        async with session.get("/jobs") as other:
            assert other.status == 200
        assert not (await asyncio.wait({line}, timeout=SOON))[0]
        http.crossing.set(CLEAR)
        assert await line == b"two\n"


@pytest.mark.parametrize("condition", [RESET, proxies.spoiling_writes(Mishap.ANSWER_DROPPED, ALL_WRITES)])
async def test_a_connection_may_break_instead_of_an_answer(
    session: aiohttp.ClientSession, http: HttpProxy, world: World, condition: Condition
) -> None:
    http.crossing.set(condition)
    with pytest.raises(aiohttp.ClientError):
        await session.post("/jobs")
    assert len(world.heard) == (0 if condition is RESET else 1)


@pytest.mark.parametrize(("mishap", "heard"), [(Mishap.REFUSED_BEFORE, 0), (Mishap.REFUSED_AFTER, 1)])
async def test_a_write_may_be_answered_with_an_error_whether_it_went_through_or_not(
    session: aiohttp.ClientSession, http: HttpProxy, world: World, mishap: Mishap, heard: int
) -> None:
    http.crossing.set(proxies.spoiling_writes(mishap, ALL_WRITES))
    async with session.post("/jobs") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (500, "InternalError")
    assert len(world.heard) == heard
    async with session.get("/jobs") as answer:
        assert answer.status == 200


async def test_a_write_may_be_overtaken_by_others_and_arrives_all_the_same(
    session: aiohttp.ClientSession, http: HttpProxy, world: World
) -> None:
    http.crossing.set(proxies.seeded(proxies.delaying_writes(1.0, 0.5), 7))

    async def post(number: int) -> None:
        async with session.post(f"/jobs/{number}") as answer:
            assert answer.status == 201

    await asyncio.gather(*map(post, range(20)))
    assert len(world.heard) == 20
    arrived = [int(heard.split()[1].rsplit("/", 1)[1]) for heard in world.heard]
    assert arrived != sorted(arrived)


async def test_throttling_says_when_to_come_again(session: aiohttp.ClientSession, http: HttpProxy) -> None:
    http.crossing.set(proxies.refusing(429, retry_after=2))
    async with session.get("/jobs") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")


async def test_chance_hits_a_share_of_the_requests_and_the_same_ones_from_the_same_seed(http: HttpProxy) -> None:
    def drawn() -> list[Mishap | None]:
        http.crossing.set(proxies.seeded(proxies.refusing(500, share=0.5), 7))
        return [http.crossing.hits("GET") for _ in range(100)]

    first = drawn()
    assert 20 < first.count(None) < 80
    assert drawn() == first

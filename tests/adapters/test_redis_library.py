"""Where redis-py would harm us: what it does by itself, and that our clients do not suffer from it.

A test of the library alone stands here so that a new version of it that behaves is noticed: what we do against the
defect may then go.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LibraryConnectionError

from controller.errors import StoreUnavailable
from controller.redisaddress import RedisAddress
from controller.redisclient import RedisClient
from controller.redisconnection import connect
from tests.adapters import redis_server
from tests.adapters.redis_server import HOST, Proxy, RedisServer
from tests.adapters.redis_worlds import RealWorld
from tests.adapters.test_driver_contract import TTL, member

KINDS = ("plain", "sentinel", "cluster")
GENEROUS = timedelta(seconds=30)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each way to a Redis in turn."""
    return str(request.param)


@contextlib.asynccontextmanager
async def reached(
    kind: str, folder: Path, *options: str, delay_seconds: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[tuple[RedisServer, str]]:
    """A server of its own, and a URL that leads to it through a proxy in one of the three ways."""
    options = (*options, "--cluster-enabled", "yes") if kind == "cluster" else options
    with redis_server.running(folder, *options) as server:
        async with Proxy(server, delay_seconds).listening() as proxy:
            if kind == "cluster":
                redis_server.take_all_slots(server)
                server.command("CONFIG", "SET", "cluster-announce-port", proxy.port)
                yield server, proxy.url.replace("redis://", "redis+cluster://")
            elif kind == "sentinel":
                config = folder / "sentinel.conf"
                config.write_text(f"sentinel monitor its-name {HOST} {proxy.port} 1\n")
                with redis_server.running(folder / "sentinel", str(config), "--sentinel", sentinel=True) as sentinel:
                    yield server, f"redis+sentinel://{HOST}:{sentinel.port}/its-name"
            else:
                yield server, proxy.url


async def connections_are_closed(server: RedisServer) -> None:
    """Return when the server has closed each connection but the one on which it is asked, and a sentinel's."""
    async with asyncio.timeout(20):
        while len(re.findall(r" name= ", server.command("CLIENT", "LIST", "TYPE", "NORMAL"))) > 1:
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.05)  # the end of the connections is on its way


# --- a connection that the server has closed while it was idle (its issue 4252) --------------------------------------


async def test_the_library_alone_hands_out_a_connection_that_the_server_has_closed(own_redis: RedisServer) -> None:
    client = Redis.from_url(own_redis.url)
    await client.get("x")
    own_redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await asyncio.sleep(0.05)
    with pytest.raises(LibraryConnectionError, match="Connection closed by server"):
        await client.get("x")
    await client.aclose()


async def test_with_the_older_protocol_the_library_alone_connects_anew(own_redis: RedisServer) -> None:
    client = Redis.from_url(own_redis.url, protocol=2)
    await client.get("x")
    own_redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await asyncio.sleep(0.05)
    assert await client.get("x") is None
    await client.aclose()


async def test_a_server_that_closes_idle_connections_costs_no_call(kind: str, tmp_path: Path) -> None:
    async with (
        reached(kind, tmp_path, "--timeout", "3") as (server, url),
        contextlib.aclosing(RealWorld(server, url)) as world,
    ):
        driver, store, me = world.driver("a"), world.store("a"), member("a")
        for _ in range(2):
            await driver.beat(me, ttl=TTL)
            await store.flush()
            await store.newest("uid-1")
            await connections_are_closed(server)
        assert not (await driver.beat(me, ttl=TTL)).joined


# --- callers that give up -------------------------------------------------------------------------------------------

CALLS = 200
LONGEST_DELAY_SECONDS = 0.02


async def test_callers_that_give_up_leave_no_answer_to_the_next(kind: str, tmp_path: Path) -> None:
    """Each key holds its own name; a caller that reads another name has read the answer to another's question."""
    chance = random.Random(4252)
    async with reached(kind, tmp_path, delay_seconds=lambda: chance.uniform(0, LONGEST_DELAY_SECONDS)) as (server, url):
        keys = [f"{{tag}}:{n}" for n in range(CALLS)]
        for key in keys:
            server.command("SET", key, key)
        async with contextlib.aclosing(connect(RedisAddress(url=url), timeout=GENEROUS, connections=3)) as client:
            answers = await asyncio.gather(*(impatient(client, key, chance) for key in keys))
            assert [await client.call("GET", key) for key in keys[:50]] == keys[:50]
    assert {key: answer for key, answer in zip(keys, answers, strict=True) if answer not in (None, key)} == {}
    given_up = answers.count(None)
    assert CALLS / 10 < given_up < CALLS * 9 / 10, "too few of one kind to show anything"


async def impatient(client: RedisClient, key: str, chance: random.Random) -> str | None:
    """What is read at a key; None if it was given up, by the caller (cancelled) or by its bound. Half are patient."""
    await asyncio.sleep(chance.uniform(0, CALLS * LONGEST_DELAY_SECONDS / 4))
    if chance.random() < 0.5:
        return str(await client.call("GET", key))
    patience = chance.uniform(0, LONGEST_DELAY_SECONDS)
    reading = client.call("GET", key, within=timedelta(seconds=patience) if chance.random() < 0.5 else None)
    try:
        return str(await asyncio.wait_for(reading, patience))
    except (StoreUnavailable, TimeoutError):
        return None


async def test_the_loop_refuses_what_is_written_to_a_connection_that_is_closed(redis: RedisServer) -> None:
    """The library does not look before it writes; the loop of `asyncio` itself would let it pass in silence."""
    _, writer = await asyncio.open_connection(HOST, redis.port)
    writer.transport.abort()
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="the handler is closed"):
        writer.writelines([b"PING"])

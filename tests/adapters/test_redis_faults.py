"""What a real Redis, and the way to it, can do to the driver and the recent-job store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from controller.clock import SystemClock
from controller.driver import CONNECTIONS, RedisDriver
from controller.errors import InvalidSettings, StoreUnavailable
from controller.firingmemory import OUTBOX_SIZE
from controller.outcomes import Reason
from controller.ports import Driver, RecentJobStore
from controller.recentjobs import READ_TIMEOUT
from controller.redisaddress import RedisAddress
from controller.redisclient import RedisClient
from controller.redisconnection import connect
from deploy.local.ports import free_port
from tests.adapters import redis_server
from tests.adapters.redis_server import HOST, Proxy, RedisServer
from tests.adapters.redis_worlds import PREFIX, FakeWorld, RealWorld, World
from tests.adapters.test_driver_contract import TTL, member, settle
from tests.adapters.test_recentjobs_contract import NOON, SECOND, Records, flushed

SLACK = timedelta(seconds=3)
"""How much later than its bound a call may end on a busy machine."""

SHORT_TTL = timedelta(seconds=0.8)


@contextlib.contextmanager
def failing_within(bound: timedelta, world: World) -> Iterator[None]:
    began = world.clock.elapsed()
    with pytest.raises(StoreUnavailable) as failure:
        yield
    assert failure.value.__cause__ is not None or isinstance(world, FakeWorld)
    assert world.clock.elapsed() - began < bound + SLACK


Worlds = Callable[[str], RealWorld]


@pytest.fixture
async def at(redis_for_session: RedisServer) -> AsyncIterator[Worlds]:
    """Worlds at any URL; what they open is closed."""
    made: list[RealWorld] = []

    def world(url: str) -> RealWorld:
        made.append(RealWorld(redis_for_session, url))
        return made[-1]

    yield world
    for each in made:
        await each.aclose()


# --- no answer ------------------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Driver, RecentJobStore], Awaitable[Any]]] = {
    "beat": lambda driver, _: driver.beat(member("a"), ttl=TTL),
    "leave": lambda driver, _: driver.leave(member("a")),
    "firings": lambda _, store: store.firings("uid-1", after=NOON),
    "newest": lambda _, store: store.newest("uid-1"),
    "recent": lambda _, store: store.recent(limit=1),
    "flush": lambda _, store: store.flush(),
}


@pytest.mark.parametrize("call", CALLS)
async def test_without_a_server_every_call_fails_at_once(at: Worlds, call: str) -> None:
    world = at(f"redis://{HOST}:{free_port()}")
    with failing_within(timedelta(0), world):
        await CALLS[call](world.driver("a"), world.store("a"))


@pytest.mark.parametrize("call", CALLS)
async def test_in_the_fake_without_a_server_every_call_fails_at_once(call: str) -> None:
    world = FakeWorld()
    world.redis.down = True
    with failing_within(-SLACK + timedelta(microseconds=1), world):
        await CALLS[call](world.driver("a"), world.store("a"))


async def test_a_black_hole_costs_a_beat_a_quarter_of_its_ttl(at: Worlds) -> None:
    async with redis_server.black_hole() as url:
        world = at(url)
        with failing_within(SHORT_TTL / 4, world):
            await world.driver("a").beat(member("a"), ttl=SHORT_TTL)


async def test_a_black_hole_costs_a_read_its_short_time(at: Worlds) -> None:
    async with redis_server.black_hole() as url:
        world = at(url)
        with failing_within(READ_TIMEOUT, world):
            await world.store("a").newest("uid-1")


async def test_in_the_fake_a_black_hole_costs_exactly_the_bound() -> None:
    world = FakeWorld()
    world.redis.black_holed = {"a"}
    with failing_within(SHORT_TTL / 4, world):
        await world.driver("a").beat(member("a"), ttl=SHORT_TTL)
    assert world.clock.elapsed() == SHORT_TTL / 4
    assert (await world.driver("b").beat(member("b"), ttl=TTL)).members[0].node == "b"


async def test_in_the_fake_a_slow_redis_may_have_done_what_it_did_not_confirm() -> None:
    world = FakeWorld()
    world.redis.delay = SHORT_TTL / 4
    with pytest.raises(StoreUnavailable):
        await world.driver("a").beat(member("a"), ttl=SHORT_TTL)
    world.redis.delay = timedelta(0)
    assert [each.node for each in (await world.driver("b").beat(member("b"), ttl=TTL)).members] == ["a", "b"]


async def test_in_the_fake_a_snapshot_brings_back_what_was_known() -> None:
    world = FakeWorld()
    await world.driver("a").beat(member("a"), ttl=TTL)
    restore = world.redis.snapshot()
    await world.driver("b").beat(member("b"), ttl=TTL)
    restore()
    assert [each.node for each in (await world.driver("c").beat(member("c"), ttl=TTL)).members] == ["a", "c"]


async def test_records_wait_for_the_store_to_come_back(at: Worlds, own_redis: RedisServer) -> None:
    world = at(own_redis.url)
    store, record_of = world.store("a"), Records(world)
    records = tuple(record_of(NOON + SECOND * n) for n in range(3))
    own_redis.command("CONFIG", "SET", "maxmemory", "1")
    for record in records:
        store.record(record)
        with pytest.raises(StoreUnavailable):
            await store.flush()
    own_redis.command("CONFIG", "SET", "maxmemory", "0")
    await store.flush()
    assert await store.firings("uid-1", after=NOON - SECOND) == records


async def test_a_store_that_was_found_empty_without_an_answer_is_still_told_everything(
    at: Worlds, redis: RedisServer
) -> None:
    proxy = Proxy(redis)
    async with proxy.listening():
        store = at(proxy.url).store("a")
        await store.newest("uid-1")
        proxy.release.clear()
        with pytest.raises(StoreUnavailable):
            await store.flush()
        proxy.release.set()
        assert not await store.flush()
        assert await store.flush()


async def test_records_that_wait_too_long_in_number_lose_the_oldest(redis: RedisServer, at: Worlds) -> None:
    world = at(redis.url)
    store, record_of = world.store("a"), Records(world)
    for n in range(OUTBOX_SIZE + 1):
        store.record(record_of(NOON + SECOND * n, uid=f"uid-{n % 100}"))
    await store.flush()
    assert NOON not in [firing.scheduled_at for firing in await store.firings("uid-0", after=NOON - SECOND)]
    newest = await store.newest(f"uid-{OUTBOX_SIZE % 100}")
    assert newest is not None
    assert newest.scheduled_at == NOON + SECOND * OUTBOX_SIZE


# --- late answers ---------------------------------------------------------------------------------------------------


async def test_an_answer_that_comes_too_late_is_not_read_by_the_next_beat(at: Worlds, redis: RedisServer) -> None:
    proxy, one, two = Proxy(redis), member("a"), member("b")
    async with proxy.listening():
        driver = at(proxy.url).driver("a")
        await driver.beat(one, ttl=TTL)
        proxy.release.clear()
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.2 s"):
            await driver.beat(one, ttl=SHORT_TTL)
        await at(redis.url).driver("b").beat(two, ttl=TTL)
        connections = proxy.connections
        proxy.release.set()
        assert (await driver.beat(one, ttl=TTL)).members == (one, two)
        assert proxy.connections == connections + 1


async def test_an_answer_that_comes_too_late_is_not_read_by_the_next_reader(at: Worlds, redis: RedisServer) -> None:
    proxy = Proxy(redis)
    async with proxy.listening():
        world = at(proxy.url)
        store, record_of = world.store("a"), Records(world)
        one, two = record_of(uid="uid-1"), record_of(uid="uid-2")
        await flushed(store, [one, two])
        proxy.release.clear()
        with pytest.raises(StoreUnavailable):
            await store.newest("uid-1")
        proxy.release.set()
        assert await store.newest("uid-2") == two


async def test_the_answer_to_a_cancelled_call_is_not_read_by_the_next_one(at: Worlds, redis: RedisServer) -> None:
    proxy = Proxy(redis)
    async with proxy.listening():
        world = at(proxy.url)
        store, record_of = world.store("a"), Records(world)
        one, two = record_of(uid="uid-1"), record_of(uid="uid-2")
        await flushed(store, [one, two])
        proxy.release.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.newest("uid-1"), 0.05)
        proxy.release.set()
        assert await store.newest("uid-2") == two


# --- connections that end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["redis", "cluster"])
async def test_a_connection_that_the_server_closed_while_idle_costs_no_beat(
    at: Worlds, request: pytest.FixtureRequest, kind: str
) -> None:
    """The defect of redis-py 8.1.0 (its issue 4252) that `redisconnection` works around: see `_options` there."""
    server: RedisServer = request.getfixturevalue("redis" if kind == "redis" else "redis_cluster")
    world = at(server.url if kind == "redis" else server.url.replace("redis://", "redis+cluster://"))
    driver, store, me = world.driver("a"), world.store("a"), member("a")
    for _ in range(3):
        await driver.beat(me, ttl=TTL)
        await store.flush()
        assert server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") >= 2
        await asyncio.sleep(0.1)  # the end of the connection is on its way
    assert not (await driver.beat(me, ttl=TTL)).joined
    await store.newest("uid-1")


async def test_scripts_that_the_server_has_forgotten_are_sent_again(at: Worlds, redis: RedisServer) -> None:
    driver, me = at(redis.url).driver("a"), member("a")
    await driver.beat(me, ttl=TTL)
    redis.command("SCRIPT", "FLUSH")
    assert not (await driver.beat(me, ttl=TTL)).joined


async def test_a_lost_channel_is_found_again(at: Worlds, redis: RedisServer) -> None:
    world = at(redis.url)
    driver, me, other = world.driver("a"), member("a"), member("b")
    await driver.beat(me, ttl=TTL)
    await world.driver("b").beat(other, ttl=TTL)
    await settle(driver, world)
    waiting = asyncio.create_task(driver.changed())
    assert redis.command("CLIENT", "KILL", "TYPE", "pubsub") == 1
    await world.until_heard(0)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.until_heard(1)
    await world.driver("b").leave(other)
    await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize("kind", ["redis", "cluster"])
async def test_who_listens_before_the_first_beat_hears_a_change(request: pytest.FixtureRequest, kind: str) -> None:
    """On a cluster redis-py raises a KeyError there: it has not asked yet who serves a slot."""
    server: RedisServer = request.getfixturevalue("redis" if kind == "redis" else "redis_cluster")
    world = RealWorld(server, server.url if kind == "redis" else server.url.replace("redis://", "redis+cluster://"))
    async with contextlib.aclosing(world):
        driver = world.driver("a")
        waiting = asyncio.create_task(driver.changed())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await driver.beat(member("a"), ttl=TTL)
        await world.until_heard(1)
        await world.driver("b").beat(member("b"), ttl=TTL)
        await asyncio.wait_for(waiting, 10)


TURNS_OF_THE_LOOP = 40
"""More than it takes to connect to a server on this machine, and to subscribe or to send a command there."""


@pytest.mark.parametrize("turns", range(TURNS_OF_THE_LOOP))
async def test_who_is_cancelled_while_it_connects_or_sends_ends(at: Worlds, redis: RedisServer, turns: int) -> None:
    """Before Python 3.12 `asyncio.wait_for`, by which the library sends, takes a cancel for its own at one moment."""
    world = at(redis.url)
    driver, client = world.driver("a"), world.client(1, TTL)
    working = [asyncio.create_task(driver.changed()), asyncio.create_task(client.call("GET", "x"))]
    for _ in range(turns):
        await asyncio.sleep(0)
    answered = working[1].done()
    for task in working:
        task.cancel()
    async with asyncio.timeout(10):
        await driver.aclose()
        await asyncio.wait(working)
    assert working[1].cancelled() is not answered


async def test_who_listens_ends_though_the_library_swallows_a_cancel() -> None:
    """As it may where it connects anew in the midst of waiting for a message."""
    swallowed: list[str] = []
    listens = asyncio.Event()

    class Listening:
        async def message(self) -> str:
            listens.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            swallowed.append("a cancel")
            return str(await asyncio.Event().wait())

        async def aclose(self) -> None: ...

    class Client:
        def subscription(self, channel: str) -> Listening:
            return Listening()

    driver = RedisDriver(cast("RedisClient", Client()), SystemClock(), key_prefix=PREFIX)
    waiting = asyncio.create_task(driver.changed())
    async with asyncio.timeout(10):
        await listens.wait()
        await driver.aclose()
    await asyncio.gather(waiting, return_exceptions=True)
    assert swallowed == ["a cancel"]


async def test_waiting_for_changes_bears_a_server_that_is_not_there(at: Worlds) -> None:
    driver = at(f"redis://{HOST}:{free_port()}").driver("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(driver.changed(), 0.2)


async def test_a_beat_and_a_leave_go_side_by_side(at: Worlds, redis: RedisServer) -> None:
    driver, me, other = at(redis.url).driver("a"), member("a"), member("b")
    for _ in range(3):
        await asyncio.gather(driver.beat(me, ttl=TTL), driver.leave(other))


async def test_many_readers_share_few_connections(at: Worlds, redis: RedisServer) -> None:
    store = at(redis.url).store("a")
    assert await asyncio.gather(*(store.newest(f"uid-{n}") for n in range(50))) == [None] * 50


# --- a server that refuses ------------------------------------------------------------------------------------------

REFUSALS = {
    "out of memory": (("CONFIG", "SET", "maxmemory", "1"),),
    "read-only replica": (("REPLICAOF", HOST, "1"),),
    "replica without its master": (
        ("CONFIG", "SET", "replica-serve-stale-data", "no"),
        ("REPLICAOF", HOST, "1"),
    ),
    "a password is wanted": (("CONFIG", "SET", "requirepass", "secret"),),
    "no right to scripts": (("ACL", "SETUSER", "default", "-@scripting"),),
}

WORDS = {
    "out of memory": "maxmemory",
    "read-only replica": "read only replica",
    "replica without its master": "MASTER is down",
    "a password is wanted": "[Aa]uthenticat",  # NOAUTH, or before 8.0 a protocol error for a long command
    "no right to scripts": "no permissions",
}


async def test_a_redis_without_memory_refuses_beats_also_when_members_have_run_out(
    at: Worlds, own_redis: RedisServer
) -> None:
    """Else one replica gets through now and then, sees nobody else, and takes itself for the only one."""
    own_redis.command("HSET", f"{{{PREFIX}}}:members", "gone/1", "1 {}")
    own_redis.command("CONFIG", "SET", "maxmemory", "1")
    world = at(own_redis.url)
    with pytest.raises(StoreUnavailable, match="maxmemory"):
        await world.driver("a").beat(member("a"), ttl=TTL)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_says_why(at: Worlds, own_redis: RedisServer, refusal: str) -> None:
    for command in REFUSALS[refusal]:
        assert own_redis.command(*command) == "OK"
    world = at(own_redis.url)
    with pytest.raises(StoreUnavailable, match=WORDS[refusal]):
        await world.driver("a").beat(member("a"), ttl=TTL)
    store = world.store("a")
    store.record(Records(world)())
    with pytest.raises(StoreUnavailable, match=WORDS[refusal]):
        await store.flush()


async def test_a_server_that_loads_its_data_is_unavailable(at: Worlds) -> None:
    async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(b"-LOADING Redis is loading the dataset in memory\r\n" * 3)
        writer.close()

    async with await asyncio.start_server(loading, HOST, free_port()) as listener:
        driver = at(f"redis://{HOST}:{listener.sockets[0].getsockname()[1]}").driver("a")
        with pytest.raises(StoreUnavailable, match="loading the dataset"):
            await driver.beat(member("a"), ttl=TTL)
        await asyncio.sleep(0)


async def test_a_wrong_password_is_said_without_showing_it(at: Worlds, own_redis: RedisServer) -> None:
    own_redis.command("CONFIG", "SET", "requirepass", "secret")
    driver = at(own_redis.url.replace("//", "//default:wr0ng@")).driver("a")
    with pytest.raises(StoreUnavailable, match="username-password pair") as failure:
        await driver.beat(member("a"), ttl=TTL)
    assert "wr0ng" not in str(failure.value)


async def test_the_right_password_is_used(at: Worlds, own_redis: RedisServer) -> None:
    own_redis.command("CONFIG", "SET", "requirepass", "s/cret")
    driver = at(own_redis.url.replace("//", "//default:s%2Fcret@")).driver("a")
    assert (await driver.beat(member("a"), ttl=TTL)).joined


async def test_a_user_who_may_not_publish_keeps_its_heartbeat(at: Worlds, own_redis: RedisServer) -> None:
    own_redis.command("ACL", "SETUSER", "default", "-publish", "-subscribe", "resetchannels")
    driver, me = at(own_redis.url).driver("a"), member("a")
    assert (await driver.beat(me, ttl=TTL)).joined
    await driver.leave(me)


# --- what others leave there ----------------------------------------------------------------------------------------


async def test_a_member_of_another_version_counts(at: Worlds, redis: RedisServer) -> None:
    driver, me = at(redis.url).driver("a"), member("a")
    await driver.beat(me, ttl=TTL)
    for identity, about in {"new/1": '{"started_at":"soon","zone":"b"}', "odd/2": "[1]", "dumb/3": "?"}.items():
        redis.command("HSET", f"{{{PREFIX}}}:members", identity, f"99999999999999 {about}")
    redis.command("HSET", f"{{{PREFIX}}}:members", "broken/4", "what is this")
    membership = await driver.beat(me, ttl=TTL)
    assert [each.identity for each in membership.members] == sorted([me.identity, "new/1", "odd/2", "dumb/3"])
    assert all(each.api_ok for each in membership.members)


async def test_a_record_of_another_version_is_passed_over(at: Worlds, redis: RedisServer) -> None:
    world = at(redis.url)
    store, record = world.store("a"), Records(world)()
    await flushed(store, [record])
    redis.command("ZADD", f"{{{PREFIX}}}:firings:uid-1", 1, '["SomethingNew","uid-1"]')
    assert await store.firings("uid-1", after=NOON.replace(year=1960)) == (record,)


async def test_prefixes_keep_installations_apart(at: Worlds, redis: RedisServer) -> None:
    world, one, two = at(redis.url), member("a"), member("b")
    await world.driver("a", prefix="dcron:one:v1").beat(one, ttl=TTL)
    assert (await world.driver("b", prefix="dcron:two:v1").beat(two, ttl=TTL)).members == (two,)


async def test_everything_in_redis_goes_by_itself(at: Worlds, redis: RedisServer) -> None:
    world = at(redis.url)
    await world.driver("a").beat(member("a"), ttl=TTL)
    await flushed(world.store("a"), [Records(world)(outcome=Reason.MISSED_DEADLINE)])
    keys = redis.command("KEYS", "*")
    assert len(keys) == 4
    assert all(redis.command("PTTL", key) > 0 for key in keys)


# --- the ways to it -------------------------------------------------------------------------------------------------


async def test_the_master_is_found_through_a_sentinel(at: Worlds, redis: RedisServer, tmp_path: Path) -> None:
    config = tmp_path / "sentinel.conf"
    config.write_text(f"sentinel monitor its-name {HOST} {redis.port} 1\n")
    with redis_server.running(tmp_path, str(config), "--sentinel", sentinel=True) as sentinel:
        dead = free_port()
        world = at(f"redis+sentinel://{HOST}:{dead},{HOST}:{sentinel.port}/its-name/0")
        driver, me = world.driver("a"), member("a")
        assert (await driver.beat(me, ttl=TTL)).members == (me,)
        assert redis.command("HEXISTS", f"{{{PREFIX}}}:members", me.identity) == 1
        await settle(driver, world)
    with pytest.raises(StoreUnavailable, match="No master found"):
        await at(f"redis+sentinel://{HOST}:{sentinel.port}/its-name").driver("a").beat(me, ttl=TTL)


@pytest.mark.parametrize(
    ("url", "words"),
    {
        "another scheme": ("http://host", "redis://, rediss://, redis.sentinel://, redis.cluster://"),
        "no name of a master": ("redis+sentinel://host:26379", "name of the master"),
        "a word for a database": ("redis://host/first", "'first' is no number"),
        "an unknown parameter": ("redis://host?colour=red", "colour"),
        "an unknown parameter of a cluster": ("redis+cluster://host?colour=red", "colour"),
        "an unknown parameter for a sentinel": ("redis+sentinel://host/name?colour=red", "colour"),
        "a parameter of the wrong kind": ("redis://host?health_check_interval=often", "health_check_interval"),
    }.values(),
)
def test_a_url_that_cannot_work_is_refused_before_it_is_used(url: str, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        connect(RedisAddress(url=url), timeout=SECOND, connections=1)


@pytest.mark.parametrize(
    "url", ["rediss://user:pass@host/3", "redis+sentinel://host/name?ssl=true", "redis+cluster://host?ssl=true"]
)
async def test_a_url_with_tls_makes_tls_connections(url: str) -> None:
    async with redis_server.first_bytes() as (port, received):
        url = url.replace("host", f"{HOST}:{port}")
        client = connect(RedisAddress(url=url), timeout=3 * SECOND, connections=1)
        with pytest.raises(StoreUnavailable):
            await client.call("PING")
        await client.aclose()
        assert received
        assert all(first.startswith(b"\x16\x03") for first in received)


# --- the client itself ----------------------------------------------------------------------------------------------


class BrokenLibrary:
    """A client that raises what redis-py 8.1.0 lets out of a transport (its issue 4287, and what uvloop says)."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_command(self, *args: Any) -> Any:
        raise self._error

    async def aclose(self) -> None:
        pass

    def pubsub(self, *, ignore_subscribe_messages: bool) -> Any:
        raise AttributeError("'NoneType' object has no attribute '_add_writer'")


@pytest.mark.parametrize(
    "error", [TypeError("'NoneType' object is not callable"), RuntimeError("the handler is closed")], ids=repr
)
async def test_what_the_library_lets_out_of_a_transport_is_unavailability(error: Exception) -> None:
    client = RedisClient(BrokenLibrary(error), timeout=SECOND, connections=1)
    with pytest.raises(StoreUnavailable, match=str(error)):
        await client.call("PING")


class Requests:
    """A recorder of requests alone."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None]] = []

    def request(self, target: str, verb: str, seconds: float, *, error: str | None) -> None:
        assert seconds >= 0
        self.seen.append((target, verb, error))


async def test_each_call_is_told_to_the_recorder(redis: RedisServer) -> None:
    requests = Requests()
    client = connect(RedisAddress(url=redis.url), timeout=SECOND * 5, connections=CONNECTIONS, recorder=requests)  # type: ignore[arg-type]  # it tells nothing else
    await client.call("GET", "x")
    with pytest.raises(StoreUnavailable):
        await client.call("NONSENSE")
    await client.aclose()
    assert requests.seen == [("redis", "get", None), ("redis", "nonsense", "ResponseError")]


async def test_a_closed_driver_leaves_no_task_behind(redis: RedisServer, at: Worlds) -> None:
    driver: RedisDriver = at(redis.url).driver("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(driver.changed(), 0.05)
    before = len(asyncio.all_tasks())
    await driver.aclose()
    await driver.aclose()
    assert len(asyncio.all_tasks()) == before - 1

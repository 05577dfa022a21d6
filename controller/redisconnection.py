"""From the address of Redis to a client: plain, TLS, Sentinel and Cluster.

It exists because each of these is made by another part of the library, and because the library's defaults must be
overruled in one place: repetitions, RESP3, time-outs that are longer than a call may take. It never sends anything;
`redisclient` does, for `driver` and `recentjobs`. `redisaddress` reads the address; when a call has failed it is read
again, and a client is made anew if it differs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from controller import redisurl
from controller.errors import InvalidSettings
from controller.ports import Recorder
from controller.redisaddress import Reading, RedisAddress
from controller.redisclient import Library, RedisClient

logger = logging.getLogger(__name__)

DEFAULT_PORT = 6379
SENTINEL_PORT = 26379


def connect(
    address: RedisAddress, *, timeout: timedelta, connections: int, recorder: Recorder | None = None
) -> RedisClient:
    """A client for an address; it connects when it is first used.

    URLs: `redis://` and `rediss://` as everywhere; `redis+sentinel://host:26379,host:26379/master-name/db`;
    `redis+cluster://host:6379,host:6379`. User and password are those of Redis; sentinels that want some take
    `?sentinel_username=` and `?sentinel_password=`. TLS behind the last two: `?ssl=true`.

    Args:
        timeout: The bound of each call. A heartbeat's is at most a quarter of the membership TTL.
        connections: How many calls may be under way at once; a subscription has its connection beside them.

    Raises:
        InvalidSettings: Not such a URL, a parameter that the library does not know, or a file that cannot be read.
    """
    door = _Door(address, timeout.total_seconds(), connections)
    return RedisClient(door.open(), timeout=timeout, connections=connections, recorder=recorder, reopen=door.reopen)


class _Door:
    """An address, and what it was when the library's client was made from it."""

    def __init__(self, address: RedisAddress, seconds: float, connections: int) -> None:
        self._address = address
        self._seconds = seconds
        self._connections = connections
        self._reading: Reading | None = None
        self._told: str | None = None

    def open(self) -> Library:
        """A client from the address as it is now."""
        reading = self._address.read()
        library = _made(reading.url, self._seconds, self._connections)
        self._reading = reading
        return library

    def reopen(self) -> Library | None:
        """The same if the address has changed. What cannot be read now changes nothing, and is said once."""
        try:
            reading = self._address.read()
            if reading == self._reading:
                return None
            library = self.open()
        except InvalidSettings as error:
            if str(error) != self._told:
                logger.warning("the address of Redis cannot be read again", extra={"reason": str(error)})
                self._told = str(error)
            return None
        self._told = None
        logger.info(
            "the address of Redis, its password or certificates have changed",
            extra={"url": redisurl.without_password(reading.url)},
        )
        return library


def _made(url: str, seconds: float, connections: int) -> Library:
    parts = urlsplit(url)
    make = _MAKERS.get(parts.scheme)
    if make is None:
        raise InvalidSettings(f"DCRON_REDIS_URL: one of {', '.join(f'{scheme}://' for scheme in _MAKERS)} is needed")
    try:
        return make(parts, seconds, connections)
    except (TypeError, ValueError, RedisError, RedisClusterException) as error:
        raise InvalidSettings(f"DCRON_REDIS_URL: {error}") from error


def _plain(parts: SplitResult, seconds: float, connections: int) -> Library:
    given: dict[str, Any] = dict(parse_url(parts.geturl()))
    given["db"] = given.get("db") or _database(parts.path.strip("/"))  # the library takes what is no number for 0
    pool: Any = ConnectionPool(**given | _options(seconds, connections))
    pool.make_connection()  # no network yet: a parameter that it does not know is refused here, and not at each call
    return cast("Library", Redis.from_pool(pool))


def _sentinel(parts: SplitResult, seconds: float, connections: int) -> Library:
    name, _, database = parts.path.strip("/").partition("/")
    if not name:
        raise ValueError("the name of the master is missing: redis+sentinel://host:26379/name")
    hosts = _hosts(parts, SENTINEL_PORT)
    given = _given(parts)
    own = {key: given.pop(f"sentinel_{key}", None) for key in ("username", "password")}
    # They are asked one after the other: a dead one must leave time for the next within the bound of the call.
    own |= {key: value for key, value in given.items() if key.startswith("ssl")}
    own |= _options(seconds / (len(hosts) + 1), 1)
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]  # the library's side has no types
        hosts, sentinel_kwargs=own
    )
    options = given | _options(seconds, connections) | {"db": _database(database)}
    library = sentinel.master_for(unquote(name), **options)
    library.connection_pool.make_connection()
    return _ThroughSentinels(cast("Library", library), sentinel)


class _ThroughSentinels:
    """A client of whatever server the sentinels name, with its own connections to these."""

    def __init__(self, library: Library, sentinel: Any) -> None:
        self._library = library
        self._sentinel = sentinel

    async def execute_command(self, *args: Any) -> Any:
        return await self._library.execute_command(*args)

    def pubsub(self, *, ignore_subscribe_messages: bool) -> PubSub:
        return self._library.pubsub(ignore_subscribe_messages=ignore_subscribe_messages)

    async def aclose(self) -> None:
        try:
            await self._library.aclose()
        finally:
            await self._sentinel.aclose()


def _cluster(parts: SplitResult, seconds: float, connections: int) -> Library:
    hosts = _hosts(parts, DEFAULT_PORT)
    options = _given(parts) | _options(seconds, connections)
    options["socket_connect_timeout"] = seconds / (len(hosts) + 1)  # as with sentinels
    # The library must see by itself that a node is silent: only then does it ask the others who serves the slot now. If
    # the bound of the call came first, each call would go to the same black hole for ever. Half, so that the question
    # and a second try still fit in.
    options["socket_timeout"] = seconds / 2
    # Its own single repetition, within the bound of the call: only with it does the library follow a failover at once,
    # and survive a connection that a node has closed while it was idle. All our scripts may run twice.
    options["retry"] = Retry(NoBackoff(), 1)
    # Another part of the cluster may be down: we need the one slot of our keys.
    library = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in hosts], require_full_coverage=False, **options
    )
    return cast("Library", library)


_MAKERS: Mapping[str, Callable[[SplitResult, float, int], Library]] = {
    "redis": _plain,
    "rediss": _plain,
    "redis+sentinel": _sentinel,
    "redis+cluster": _cluster,
}


def _options(seconds: float, connections: int) -> dict[str, Any]:
    """What is ours to say; a URL's parameters do not change it."""
    return {
        "decode_responses": True,
        "driver_info": None,  # or each connection tells its name, by a command that an ACL would have to allow
        # redis-py 8.1.0 (its issue 4252): with RESP3, its default, a pooled connection that the server has closed while
        # it was idle is handed out all the same, and the call fails. With RESP2 the pool finds it dead before anything
        # is sent, and connects anew. A test in the contract suite kills idle connections to see that.
        "protocol": 2,
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),  # its default is ten repetitions
        "max_connections": connections + 2,  # a subscription, and the one that takes its place
    }


def _given(parts: SplitResult) -> dict[str, Any]:
    """User, password and parameters of a URL with many hosts, read by the library from the same URL with one host."""
    user, at, _ = parts.netloc.rpartition("@")
    given: dict[str, Any] = dict(parse_url(f"redis://{user}{at}host?{parts.query}"))
    del given["host"]
    return given | {"ssl": given.get("ssl", "").lower() in ("1", "true", "yes")}


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    found = (urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(","))
    return [(host.hostname or "localhost", host.port or default_port) for host in found]


def _database(text: str) -> int:
    if text and not text.isdecimal():
        raise ValueError(f"{text!r} is no number of a database")
    return int(text or 0)

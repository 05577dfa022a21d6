"""From the Redis URL to a client: plain, TLS, Sentinel and Cluster.

It exists because each of these is made by another part of the library, and because the library's defaults must be
overruled in one place: repetitions, RESP3, time-outs that are longer than a call may take. It never sends anything;
`redisclient` does, for `driver` and `recentjobs`. `redisurl` has looked at the URL before, when the settings were read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from controller.errors import InvalidSettings
from controller.ports import Recorder
from controller.redisclient import Library, RedisClient

DEFAULT_PORT = 6379
SENTINEL_PORT = 26379


def connect(url: str, *, timeout: timedelta, connections: int, recorder: Recorder | None = None) -> RedisClient:
    """A client for a URL; it connects when it is first used.

    `redis://` and `rediss://` as everywhere; `redis+sentinel://host:26379,host:26379/master-name/db`;
    `redis+cluster://host:6379,host:6379`. User and password are those of Redis; sentinels that want some take
    `?sentinel_username=` and `?sentinel_password=`. TLS behind the last two: `?ssl=true`.

    Args:
        timeout: The bound of each call. A heartbeat's is at most a quarter of the membership TTL.
        connections: How many calls may be under way at once; a subscription has its connection beside them.

    Raises:
        InvalidSettings: Not such a URL, or a parameter that the library does not know.
    """
    parts = urlsplit(url)
    make = _MAKERS.get(parts.scheme)
    if make is None:
        raise InvalidSettings(f"DCRON_REDIS_URL: one of {', '.join(f'{scheme}://' for scheme in _MAKERS)} is needed")
    try:
        library, also_close = make(parts, timeout.total_seconds(), connections)
    except (TypeError, ValueError, RedisError, RedisClusterException) as error:
        raise InvalidSettings(f"DCRON_REDIS_URL: {error}") from error
    return RedisClient(library, timeout=timeout, connections=connections, recorder=recorder, also_close=also_close)


_Made = tuple[Library, Callable[[], Awaitable[None]] | None]


def _plain(parts: SplitResult, seconds: float, connections: int) -> _Made:
    given: dict[str, Any] = dict(parse_url(parts.geturl()))
    given["db"] = given.get("db") or _database(parts.path.strip("/"))  # the library takes what is no number for 0
    pool: Any = ConnectionPool(**given | _options(seconds, connections))
    pool.make_connection()  # no network yet: a parameter that it does not know is refused here, and not at each call
    return cast("Library", Redis.from_pool(pool)), None


def _sentinel(parts: SplitResult, seconds: float, connections: int) -> _Made:
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
    return cast("Library", library), sentinel.aclose


def _cluster(parts: SplitResult, seconds: float, connections: int) -> _Made:
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
    return cast("Library", library), None


_MAKERS: Mapping[str, Callable[[SplitResult, float, int], _Made]] = {
    "redis": _plain,
    "rediss": _plain,
    "redis+sentinel": _sentinel,
    "redis+cluster": _cluster,
}


def _options(seconds: float, connections: int) -> dict[str, Any]:
    """What is ours to say; a URL's parameters do not change it."""
    return {
        "decode_responses": True,
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

"""One plain Redis, that forgets, hangs, refuses or is gone, for all replicas at once.

What a partition does to one of them is in `partitions`. Nothing here may ever be felt but at the edges: Redis is never
on the firing path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import Redis

from deploy.local.ports import LOOPBACK, free_port
from tests.checker.history import Felt
from tests.cluster.fleet import NODES, eventually
from tests.cluster.team import now
from tests.faults import proxies
from tests.faults.bounds import RECOVERY
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind, Strike
from tests.faults.stage import Stage

JUDGE = "judge"
"""A user of our own: he may still do what others may not any more."""
PASSWORD = "changed"
NO_DRIVER = "going on without Redis"
"""What a replica logs when Redis fails it."""
READINESS_SECONDS = 15.0
TOLD_AT_MOST = 3
"""So often a replica may log one outage: once, and again if it had got through in between."""
EMPTY = "Redis restarted empty, FLUSHALL"
AS_DOWN = "Redis slow (5 s), out of memory, read-only, LOADING, failover that loses acknowledged writes"
DOWN = "Redis down or black-holed for all"


def admin(url: str) -> Redis:
    """A client of our own, straight to the server."""
    return Redis.from_url(url, socket_timeout=5, protocol=2)


@contextmanager
def restarted(stage: Stage, _: Chance) -> Iterator[None]:
    """It comes back at once, empty."""
    stage.plain_redis.restart()
    yield


@contextmanager
def flushed(stage: Stage, chance: Chance) -> Iterator[None]:
    """All is deleted, twice within a moment that may fall between two beats."""
    with admin(stage.redis.url) as redis:
        redis.flushall()
        yield
        redis.flushall()


@contextmanager
def frozen(stage: Stage, _: Chance) -> Iterator[None]:
    """It answers no more, and connections stay open."""
    redis = stage.plain_redis
    redis.freeze()
    try:
        _said_once(stage)
        yield
    finally:
        redis.thaw()


@contextmanager
def gone(stage: Stage, _: Chance) -> Iterator[None]:
    """It is gone, and comes back empty."""
    stage.redis.stop()
    try:
        _said_once(stage)
        yield
        _told_often(stage)
    finally:
        stage.redis.resume()


@contextmanager
def gone_and_a_replica_killed(stage: Stage, chance: Chance) -> Iterator[None]:
    """While it is gone, a replica that owns something dies: the others stand in behind it."""
    victim = chance.one_of(stage.owning_nodes())
    since = now()
    stage.redis.stop()
    try:
        eventually(lambda: all(replica.checks().get("ring") != "ok" for replica in stage.fleet.living()), "all know")
        stage.ends(victim)
        killed = now()
        stage.replica(victim).kill()
        yield
    finally:
        stage.redis.resume()
        back = now()
        stage.fleet.start(victim)
    stage.happened("Redis gone", since, back, RECOVERY)
    stage.happened(f"kill -9 of {victim} without Redis", killed, back, RECOVERY, Felt.EACH_TIME)


@contextmanager
def gone_at_the_start(stage: Stage, _: Chance) -> Iterator[None]:
    """All replicas start while there is no Redis: none has ever seen a ring, and each fires what is due."""
    since = now()
    for node in NODES:
        stage.ends(node)
        stage.replica(node).kill()
    stage.redis.stop()
    try:
        for node in NODES:
            stage.fleet.launch(node)
        eventually(lambda: all(stage.replica(node).checks().get("lists") == "ok" for node in NODES), "they start")
        stage.happened("all replicas started without Redis", since, now(), RECOVERY, Felt.THROUGHOUT)
        yield
    finally:
        back = now()
        stage.redis.resume()
        stage.happened("Redis back", back, now(), RECOVERY)


@contextmanager
def password_changed(stage: Stage, _: Chance) -> Iterator[None]:
    """The server wants another password, and drops those who came in with the old one."""
    with admin(stage.redis.url) as redis:
        redis.config_set("requirepass", PASSWORD)
        redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        try:
            _not_ready(stage)
            yield
            _told_often(stage)
        finally:
            redis.config_set("requirepass", "")


@contextmanager
def rights_taken(stage: Stage, _: Chance) -> Iterator[None]:
    """The replicas' user may do nothing any more."""
    with admin(stage.redis.url) as ours:
        ours.execute_command("ACL", "SETUSER", JUDGE, "on", f">{PASSWORD}", "+@all", "~*", "&*")
        ours.execute_command("AUTH", JUDGE, PASSWORD)
        ours.execute_command("ACL", "SETUSER", "default", "-@all")
        try:
            _not_ready(stage)
            yield
        finally:
            ours.execute_command("ACL", "SETUSER", "default", "+@all")


@contextmanager
def read_only(stage: Stage, _: Chance) -> Iterator[None]:
    """It has become the replica of a server that is not there, and takes no writes."""
    with admin(stage.redis.url) as redis:
        redis.execute_command("REPLICAOF", LOOPBACK, str(free_port()))
        try:
            _said_once(stage)
            yield
            _told_often(stage)
        finally:
            redis.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def out_of_memory(stage: Stage, _: Chance) -> Iterator[None]:
    """It has no memory left for writes, and evicts nothing."""
    with admin(stage.redis.url) as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)
        try:
            yield
        finally:
            redis.config_set("maxmemory", 0)


@contextmanager
def connections_killed(stage: Stage, chance: Chance) -> Iterator[None]:
    """Its connections are closed by the server, all of them, again and again."""
    with admin(stage.redis.url) as redis:
        for _ in range(5):
            redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            time.sleep(chance.between(0.5, 1.5))
        yield


@contextmanager
def slow(stage: Stage, _: Chance) -> Iterator[None]:
    """Each answer takes five seconds."""
    for node in NODES:
        stage.roads.to_redis(node, proxies.slow(2.5))
    try:
        _said_once(stage)
        yield
    finally:
        stage.roads.clear()


def _said_once(stage: Stage) -> None:
    """Each replica notices, and says so."""
    stage.expect_soon(
        lambda: all(NO_DRIVER in stage.new_log(node) for node in stage.lasting_nodes),
        f"not every replica logs {NO_DRIVER!r}",
        READINESS_SECONDS,
    )


def _told_often(stage: Stage) -> None:
    for node in stage.lasting_nodes:
        times = stage.new_log(node).count(NO_DRIVER)
        stage.expect(times <= TOLD_AT_MOST, f"{node} logs one outage of Redis {times} times")


def _not_ready(stage: Stage) -> None:
    """Readiness is false, and the log says why."""
    _said_once(stage)
    stage.expect_soon(
        lambda: not any(stage.replica(node).is_ready() for node in stage.lasting_nodes),
        "a replica is ready although Redis does not let it in",
        READINESS_SECONDS,
    )


def _fault(name: str, row: str, strike: Strike, **more: object) -> FaultKind:
    made: Callable[..., FaultKind] = FaultKind
    return made(name=f"redis-{name}", row=row, strike=strike, **more)


FAULTS = (
    _fault("restarted-empty", EMPTY, restarted),
    _fault("flushall", EMPTY, flushed),
    _fault("frozen", DOWN, frozen),
    _fault("gone-for-20-s", DOWN, gone, seconds=20.0),
    _fault("gone-and-a-replica-killed", DOWN, gone_and_a_replica_killed, divides=True),
    _fault("gone-at-the-start", DOWN, gone_at_the_start, divides=True),
    _fault("wrong-password", "wrong password, certificate rotated", password_changed),
    _fault("rights-taken", "wrong password, certificate rotated", rights_taken),
    _fault("read-only", AS_DOWN, read_only),
    _fault("out-of-memory", AS_DOWN, out_of_memory),
    _fault("slow", AS_DOWN, slow),
    _fault("connections-killed", DOWN, connections_killed),
)
"""All of them."""

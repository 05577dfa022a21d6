"""Redis of several servers that fails over, and a guarded one whose password and certificates change.

With several servers nothing may be felt but at the edges, as with one that is gone. A guarded one that refuses leaves
the replicas not ready, with a reason, until they are told what they need; none is started anew for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from deploy.local.redis_cluster import RedisCluster
from deploy.local.redis_sentinel import RedisSentinel
from deploy.local.redis_server import RedisServer
from deploy.local.redis_tls import GuardedRedis
from tests.adapters.documented import documented_acl
from tests.cluster.fleet import NODES
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind
from tests.faults.redis import AS_DOWN, DOWN, EMPTY
from tests.faults.stage import Stage

OUR_KEYS = "{dcron:dcron:2}"
"""The hash tag of all that the replicas keep in Redis."""
NOT_READY_SECONDS = 15.0
REFUSED = "wrong password, certificate rotated"


def guarded(folder: Path) -> AbstractContextManager[GuardedRedis]:
    """A Redis with TLS and the ACL of the docs."""
    return GuardedRedis.start(folder, documented_acl())


def patient_sentinels(folder: Path) -> AbstractContextManager[RedisSentinel]:
    """Sentinels that take longer than the membership TTL to replace the primary: replicas are without for a while."""
    return RedisSentinel.start(folder, down_after_seconds=6.0)


@contextmanager
def sentinels_replace(stage: Stage, _: Chance) -> Iterator[None]:
    """The primary dies, the replica takes its place, and the old primary comes back as the replica."""
    sentinels = _sentinels(stage)
    primary = sentinels.primary
    primary.stop()
    try:
        sentinels.wait_for_another_primary(primary)
        yield
    finally:
        primary.resume()


@contextmanager
def sentinels_replace_silent(stage: Stage, _: Chance) -> Iterator[None]:
    """The primary falls silent and is replaced; when it speaks again, it still takes itself for the primary."""
    sentinels = _sentinels(stage)
    primary = sentinels.primary
    primary.freeze()
    try:
        sentinels.wait_for_another_primary(primary)
        yield
    finally:
        primary.thaw()


@contextmanager
def sentinels_lose_writes(stage: Stage, _: Chance) -> Iterator[None]:
    """The new primary has not seen what the old one has acknowledged for some seconds."""
    sentinels = _sentinels(stage)
    primary, replica = sentinels.primary, sentinels.replica
    replica.freeze()
    primary.command("CLIENT", "KILL", "TYPE", "replica")  # else what it is sent waits for it at its socket
    time.sleep(3.0)
    primary.stop()
    replica.thaw()
    try:
        sentinels.wait_for_another_primary(primary)
        yield
    finally:
        primary.resume()


@contextmanager
def cluster_loses(stage: Stage, _: Chance) -> Iterator[None]:
    """The primary that has our keys dies, and its replica takes its place."""
    cluster = _cluster(stage)
    primary = cluster.serving(OUR_KEYS)
    primary.stop()
    try:
        cluster.wait_for_another_primary(OUR_KEYS, primary)
        yield
    finally:
        primary.resume()


@contextmanager
def cluster_loses_silent(stage: Stage, _: Chance) -> Iterator[None]:
    """The primary that has our keys falls silent and is replaced."""
    cluster = _cluster(stage)
    primary = cluster.serving(OUR_KEYS)
    primary.freeze()
    try:
        cluster.wait_for_another_primary(OUR_KEYS, primary)
        yield
    finally:
        primary.thaw()


@contextmanager
def cluster_loses_for_good(stage: Stage, _: Chance) -> Iterator[None]:
    """The primary that has our keys dies together with its replica: nobody serves them until it comes back, empty."""
    cluster = _cluster(stage)
    primary = cluster.serving(OUR_KEYS)
    lost: list[RedisServer] = [primary, cluster.replica_of(primary)]
    for server in lost:
        server.stop()
    try:
        yield
    finally:
        for server in lost:
            server.resume()


@contextmanager
def password_rotated(stage: Stage, chance: Chance) -> Iterator[None]:
    """Redis wants another password; the replicas read it only when the fault ends."""
    redis = _guarded(stage)
    redis.change_password(f"rotated-{chance.seconds:.6f}-{len(redis.password)}")
    try:
        _refused(stage, "username-password")
        yield
    finally:
        redis.tell_password()


@contextmanager
def certificate_rotated(stage: Stage, _: Chance) -> Iterator[None]:
    """Redis has a certificate of a new authority; the replicas trust it only when the fault ends."""
    redis = _guarded(stage)
    redis.renew_certificates()
    try:
        _refused(stage, "certificate verify failed")
        yield
    finally:
        redis.tell_authority()


@contextmanager
def both_rotated_in_order(stage: Stage, chance: Chance) -> Iterator[None]:
    """The replicas are told at once: a rotation as the docs advise it, which costs a heartbeat."""
    redis = _guarded(stage)
    redis.change_password(f"in-order-{chance.seconds:.6f}-{len(redis.password)}")
    redis.tell_password()
    redis.renew_certificates()
    redis.tell_authority()
    yield


def _refused(stage: Stage, words: str) -> None:
    """No replica is ready, and each says why, in its answer and in its log."""

    def told(node: str) -> bool:
        replica = stage.replica(node)
        return words in replica.checks().get("redis", "") and not replica.is_ready() and words in stage.new_log(node)

    stage.expect_soon(lambda: all(map(told, NODES)), f"not every replica is unready with {words!r}", NOT_READY_SECONDS)


def _sentinels(stage: Stage) -> RedisSentinel:
    assert isinstance(stage.redis, RedisSentinel)
    return stage.redis


def _cluster(stage: Stage) -> RedisCluster:
    assert isinstance(stage.redis, RedisCluster)
    return stage.redis


def _guarded(stage: Stage) -> GuardedRedis:
    assert isinstance(stage.redis, GuardedRedis)
    return stage.redis


def _fault(name: str, row: str, strike: object, **more: object) -> FaultKind:
    made: Callable[..., FaultKind] = FaultKind
    return made(name=name, row=row, strike=strike, **more)


FAULTS = (
    _fault("sentinel-failover", AS_DOWN, sentinels_replace, redis=RedisSentinel.start),
    _fault("sentinel-primary-silent", AS_DOWN, sentinels_replace_silent, redis=RedisSentinel.start),
    _fault("sentinel-failover-loses-writes", AS_DOWN, sentinels_lose_writes, redis=RedisSentinel.start),
    _fault("sentinel-failover-beyond-the-ttl", DOWN, sentinels_replace, redis=patient_sentinels),
    _fault("cluster-loses-a-primary", AS_DOWN, cluster_loses, redis=RedisCluster.start),
    _fault("cluster-primary-silent", AS_DOWN, cluster_loses_silent, redis=RedisCluster.start),
    _fault("cluster-loses-our-slot", EMPTY, cluster_loses_for_good, redis=RedisCluster.start),
    _fault("acl-password-rotated", REFUSED, password_rotated, redis=guarded),
    _fault("tls-certificate-rotated", REFUSED, certificate_rotated, redis=guarded),
    _fault("rotated-in-order", REFUSED, both_rotated_in_order, redis=guarded, seconds=10.0),
)
"""All of them."""

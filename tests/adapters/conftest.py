"""Real Redis servers for the tests of the adapters: one for the session, and one that a test may spoil."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from deploy.local.redis_cluster import RedisCluster
from deploy.local.redis_sentinel import RedisSentinel
from deploy.local.redis_tls import GuardedRedis
from tests.adapters import redis_server
from tests.adapters.documented import documented_acl
from tests.adapters.redis_server import RedisServer

LONGEST_SECONDS = 100.0
"""Longest that a test may take once its loop runs: less than pytest-timeout gives it, which ends the whole process."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that a replica runs on: it treats connections that are gone in its own way."""
    return {"uvloop": _bounded_loop}


def _bounded_loop() -> asyncio.AbstractEventLoop:
    """A loop for one test, whose tasks are cancelled if it waits for what never comes."""
    loop = uvloop.new_event_loop()
    loop.call_later(LONGEST_SECONDS, _give_up, loop)
    return loop


def _give_up(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.print_stack(file=sys.__stderr__)
        task.cancel(f"the test takes longer than {LONGEST_SECONDS:g} s")


@pytest.fixture(scope="session")
def redis_for_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One plain Redis for all tests; take `redis`, which empties it first."""
    with redis_server.running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster_for_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis Cluster of a single node for all tests: enough for it to refuse keys of different slots."""
    with redis_server.running(tmp_path_factory.mktemp("redis-cluster"), "--cluster-enabled", "yes") as server:
        redis_server.take_all_slots(server)
        yield server


@pytest.fixture(scope="session")
def sentinels_for_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisSentinel]:
    """A primary, a replica and three sentinels for all tests that break none of them."""
    with RedisSentinel.start(tmp_path_factory.mktemp("sentinels")) as sentinels:
        yield sentinels


@pytest.fixture(scope="session")
def three_primaries_for_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A Redis Cluster of three primaries and their replicas for all tests that break none of them."""
    with RedisCluster.start(tmp_path_factory.mktemp("three-primaries")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def guarded_for_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedRedis]:
    """A Redis with TLS and the ACL of the docs for all tests that do not open or close it."""
    with GuardedRedis.start(tmp_path_factory.mktemp("guarded"), documented_acl()) as guarded:
        yield guarded


@pytest.fixture
def redis(redis_for_session: RedisServer) -> RedisServer:
    """An empty Redis."""
    redis_for_session.command("FLUSHALL")
    return redis_for_session


@pytest.fixture
def redis_cluster(cluster_for_session: RedisServer) -> RedisServer:
    """An empty Redis Cluster."""
    cluster_for_session.command("FLUSHALL")
    return cluster_for_session


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for this test alone, which may break it."""
    with redis_server.running(tmp_path) as server:
        yield server

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from controller.errors import InvalidSettings
from controller.metrics import Metrics
from controller.outcomes import Reason
from controller.web import Finding, Health, WebServer

LOOPBACK = "127.0.0.1"


@dataclass
class SomeHealth:
    problems: list[str] = field(default_factory=list)
    checks: dict[str, Finding | None] = field(default_factory=dict)

    def alive(self) -> list[str]:
        return self.problems

    def ready(self) -> dict[str, Finding | None]:
        return self.checks


@asynccontextmanager
async def serving(health: Health, metrics: Metrics | None = None) -> AsyncIterator[str]:
    server = WebServer(health, metrics or Metrics(), port=0, host=LOOPBACK)
    await server.start()
    try:
        yield f"http://{LOOPBACK}:{server.port}"
    finally:
        await server.stop()


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def get_json(url: str) -> tuple[int, object]:
    status, content_type, body = await get(url)
    assert content_type.startswith("application/json")
    return status, json.loads(body)


async def test_a_replica_without_problems_is_alive() -> None:
    async with serving(SomeHealth()) as url:
        assert await get_json(f"{url}/healthz") == (200, {"status": "ok"})


async def test_a_replica_with_problems_says_which_they_are() -> None:
    async with serving(SomeHealth(problems=["due work waits since 40 s"])) as url:
        assert await get_json(f"{url}/healthz") == (
            503,
            {"status": "unavailable", "problems": ["due work waits since 40 s"]},
        )


async def test_a_replica_is_ready_when_all_checks_are_well() -> None:
    async with serving(SomeHealth(checks={"api": None, "redis": None})) as url:
        assert await get_json(f"{url}/readyz") == (200, {"status": "ok", "checks": {"api": "ok", "redis": "ok"}})


async def test_one_failed_check_makes_it_unready_and_is_named() -> None:
    async with serving(SomeHealth(checks={"api": None, "redis": Finding("wrong password")})) as url:
        assert await get_json(f"{url}/readyz") == (
            503,
            {"status": "unavailable", "checks": {"api": "ok", "redis": "wrong password"}},
        )


async def test_what_does_not_make_it_unready_is_told_all_the_same() -> None:
    async with serving(SomeHealth(checks={"api": None, "redis": Finding("no answer", unready=False)})) as url:
        assert await get_json(f"{url}/readyz") == (
            200,
            {"status": "degraded", "checks": {"api": "ok", "redis": "no answer"}},
        )


async def test_health_is_looked_at_anew_for_each_probe() -> None:
    health = SomeHealth(checks={"redis": Finding("no answer")})
    async with serving(health) as url:
        assert (await get_json(f"{url}/readyz"))[0] == 503
        health.checks["redis"] = None
        assert (await get_json(f"{url}/readyz"))[0] == 200


async def test_metrics_are_served_with_the_content_type_of_prometheus() -> None:
    metrics = Metrics()
    async with serving(SomeHealth(), metrics) as url:
        status, content_type, body = await get(f"{url}/metrics")
    assert status == 200
    assert content_type == metrics.render()[1]
    assert f'dcron_firings_total{{outcome="{Reason.CREATED}"}} 0.0' in body


async def test_other_paths_are_not_found() -> None:
    async with serving(SomeHealth()) as url:
        assert (await get(f"{url}/"))[0] == 404


async def test_a_port_that_is_taken_is_refused_with_the_name_of_its_setting() -> None:
    async with serving(SomeHealth()) as url:
        taken = int(url.rpartition(":")[2])
        second = WebServer(SomeHealth(), Metrics(), port=taken, host=LOOPBACK)
        with pytest.raises(InvalidSettings, match=rf"^DCRON_HTTP_PORT: cannot listen on port {taken}: Address already"):
            await second.start()


async def test_a_server_may_be_stopped_before_it_was_started_and_twice() -> None:
    server = WebServer(SomeHealth(), Metrics(), port=0, host=LOOPBACK)
    await server.stop()
    await server.stop()


async def test_a_stopped_server_gives_its_port_back() -> None:
    async with serving(SomeHealth()) as url:
        port = int(url.rpartition(":")[2])
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(f"http://{LOOPBACK}:{port}/healthz")

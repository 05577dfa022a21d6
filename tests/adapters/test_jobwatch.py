"""The Job watch against an API server that ends, stalls, forgets and breaks off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient

from controller.api import ApiServer
from controller.clock import SystemClock
from controller.jobs import UID_LABEL
from controller.jobwatch import PAGE, JobWatch
from controller.stream import GULP
from deploy.local.redis_tls import Certificates
from tests.adapters.cluster_worlds import Requests, View, running
from tests.adapters.scripted_server import always, scripted, stream

PATIENT = timedelta(seconds=20)


def job(name: str, version: int = 1, **annotations: str) -> dict[str, Any]:
    """The JSON of a Job."""
    return {
        "metadata": {
            "namespace": "default",
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {UID_LABEL: "owner"},
            "annotations": annotations,
            "creationTimestamp": "2030-01-01T00:00:00Z",
            "resourceVersion": str(version),
        },
    }


def event(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": body}


def page(*jobs: dict[str, Any], version: int = 1, continue_: str | None = None) -> web.Response:
    meta = {"resourceVersion": str(version), "continue": continue_ or ""}
    return web.json_response({"items": jobs, "metadata": meta})


class Server:
    """Answers lists and watches by two functions, and remembers what was asked."""

    def __init__(
        self,
        lists: Callable[[int, web.Request], web.StreamResponse],
        watches: Callable[[int, web.Request], Awaitable[web.StreamResponse]],
    ) -> None:
        self.lists: list[web.Request] = []
        self.watches: list[web.Request] = []
        self._list, self._watch = lists, watches

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            self.watches.append(request)
            return await self._watch(len(self.watches), request)
        self.lists.append(request)
        return self._list(len(self.lists), request)

    def versions(self) -> list[str]:
        """Where the watches began."""
        return [request.query["resourceVersion"] for request in self.watches]


def watch_of(
    client: ApiClient,
    silence: timedelta = PATIENT,
    namespaces: tuple[str, ...] = (),
    busy: Callable[[], bool] = lambda: False,
) -> JobWatch:
    clock = SystemClock()
    return JobWatch(ApiServer(client, clock, Requests()), clock, namespaces=namespaces, silence=silence, busy=busy)


async def quiet(_: int, request: web.Request) -> web.StreamResponse:
    """A watch on which nothing happens."""
    return await stream(request, pause=60)


async def test_a_list_in_pages_is_handed_over_whole() -> None:
    pages = {"": page(job("a"), continue_="two"), "two": page(job("b"), continue_="three"), "three": page(job("c"))}
    server, view = Server(lambda _, request: pages[request.query.get("continue", "")], quiet), View()
    async with scripted(server.handle) as client:
        watch = watch_of(client)
        assert not watch.synced.is_set()
        async with running(watch.run(view.listed, view.seen)):
            await view.until(lambda: view.lists == 1)
            assert watch.synced.is_set()

    assert view.names == {"a", "b", "c"}
    assert {request.query["limit"] for request in server.lists} == {str(PAGE)}
    assert {request.query["labelSelector"] for request in server.lists} == {UID_LABEL}


async def test_pages_that_took_too_long_are_listed_from_the_start() -> None:
    def lists(number: int, request: web.Request) -> web.StreamResponse:
        match number:
            case 1:
                return page(job("gone-meanwhile"), continue_="two")
            case 2:
                return web.json_response({"message": "expired", "reason": "Expired"}, status=410)
            case _:
                return page(job("a"))

    server, view = Server(lists, quiet), View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: view.lists == 1)

    assert view.names == {"a"}


async def test_a_list_that_fails_is_tried_again() -> None:
    server = Server(lambda number, _: page(job("a")) if number > 2 else web.Response(status=503), quiet)
    view = View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: view.names == {"a"})


async def test_a_watch_that_ends_goes_on_where_it_stood() -> None:
    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        match number:
            case 1:
                return await stream(request, event("ADDED", job("a", 5)))
            case 2:
                return await stream(request, event("BOOKMARK", {"metadata": {"resourceVersion": "9"}}))
            case 3:
                return await stream(request, event("DELETED", job("a", 12)))
            case _:
                return await quiet(number, request)

    server, view = Server(lambda *_: page(version=3), watches), View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: "a" in view.names and view.jobs["a"].gone)

    assert server.versions()[:3] == ["3", "5", "9"]
    assert view.lists == 1


async def test_a_watch_that_has_lost_its_place_lists_again() -> None:
    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        match number:
            case 1:
                return await stream(request, event("ERROR", {"code": 410, "message": "too old resource version"}))
            case 2:
                return await always(410, {"message": "too old"})(request)
            case 3:
                return await stream(request, "nonsense")
            case _:
                return await quiet(number, request)

    lists = [page(job("a"), job("b"), version=1), page(job("b"), version=20), page(version=30), page(version=40)]
    server, view = Server(lambda number, _: lists[number - 1], watches), View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: view.lists == 4)

    assert view.names == set()


async def test_a_watch_that_is_refused_or_breaks_off_goes_on_where_it_stood() -> None:
    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        match number:
            case 1:
                return web.Response(status=500)
            case 2:
                return await always(429, {}, **{"Retry-After": "0"})(request)
            case 3:
                response = await stream(request, event("ADDED", job("a", 5)))
                await response.write(b'{"type": "ADDED", "obj')
                assert request.transport is not None
                request.transport.abort()
                return response
            case _:
                return await stream(request, event("ADDED", job("b", 6)), pause=60)

    server, view = Server(lambda *_: page(version=3), watches), View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: view.names == {"a", "b"})

    assert server.versions() == ["3", "3", "3", "5"]
    assert view.lists == 1


async def test_a_watch_that_falls_silent_is_left() -> None:
    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        if number == 1:
            return await stream(request, event("ADDED", job("a", 5)), pause=60)
        return await stream(request, event("ADDED", job("b", 6)), pause=60)

    server, view = Server(lambda *_: page(version=3), watches), View()
    silence = timedelta(seconds=0.1)
    async with scripted(server.handle) as client, running(watch_of(client, silence).run(view.listed, view.seen)):
        await view.until(lambda: view.names == {"a", "b"})

    assert server.versions()[:2] == ["3", "5"]


async def test_an_object_longer_than_any_buffer_arrives() -> None:
    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        big = job("big", 5, note="x" * (5 * 2**20))
        return await stream(request, event("ADDED", big), event("ADDED", job("next", 6)), pause=60)

    server, view = Server(lambda *_: page(version=3), watches), View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: view.names == {"big", "next"})

    assert len(server.watches) == 1


async def test_a_job_that_cannot_be_read_does_not_stop_the_others() -> None:
    nonsense = job("nonsense")
    del nonsense["metadata"]["uid"]

    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        return await stream(request, event("ADDED", nonsense), event("ADDED", job("b", 6)), pause=60)

    server, view = Server(lambda *_: page(nonsense, job("a"), version=3), watches), View()
    async with scripted(server.handle) as client, running(watch_of(client).run(view.listed, view.seen)):
        await view.until(lambda: view.names == {"a", "b"})


async def test_each_namespace_has_its_watch_and_a_list_covers_them_all() -> None:
    def lists(_: int, request: web.Request) -> web.StreamResponse:
        return page(job(f"listed-in-{request.path.split('/')[5]}"))

    async def watches(_: int, request: web.Request) -> web.StreamResponse:
        return await stream(request, event("ADDED", job(f"seen-in-{request.path.split('/')[5]}")), pause=60)

    server, view = Server(lists, watches), View()
    async with (
        scripted(server.handle) as client,
        running(watch_of(client, namespaces=("one", "two")).run(view.listed, view.seen)),
    ):
        await view.until(lambda: len(view.names) == 4)

    assert view.names == {"listed-in-one", "listed-in-two", "seen-in-one", "seen-in-two"}
    assert view.lists == 1


async def test_a_burst_lets_other_tasks_run_in_between() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def watches(_: int, request: web.Request) -> web.StreamResponse:
        response = await stream(request)
        burst = b"".join(
            json.dumps(event("ADDED", job(f"job-{number}", number))).encode() + b"\n" for number in range(1000)
        )
        await response.write(burst)
        await asyncio.sleep(60)
        return response

    server, view = Server(lambda *_: page(version=3), watches), View()
    during: list[int] = []
    async with scripted(server.handle) as client, running(count_turns()):

        def seen(job: Any) -> None:
            view.seen(job)
            during.append(turns)

        async with running(watch_of(client).run(view.listed, seen)):
            await view.until(lambda: len(view.names) == 1000)

    assert during[-1] - during[0] >= 1000 / 50 / 2


async def test_while_much_is_to_be_done_changes_are_read_some_at_a_time() -> None:
    changes, asked = 100, 0

    async def watches(_: int, request: web.Request) -> web.StreamResponse:
        response = await stream(request)
        for number in range(changes):
            await response.write(json.dumps(event("ADDED", job(f"job-{number}", number + 5))).encode() + b"\n")
            await asyncio.sleep(0.01)
        await asyncio.sleep(60)
        return response

    def busy() -> bool:
        nonlocal asked
        asked += 1
        return True

    server, view = Server(lambda *_: page(version=3), watches), View()
    seen: list[str] = []

    def take(job: Any) -> None:
        seen.append(job.name)
        view.seen(job)

    loop = asyncio.get_running_loop()
    async with scripted(server.handle) as client, running(watch_of(client, busy=busy).run(view.listed, take)):
        began = loop.time()
        await view.until(lambda: len(view.names) == changes)
        took = loop.time() - began

    assert seen == [f"job-{number}" for number in range(changes)]
    assert len(server.watches) == 1
    assert asked <= took / GULP.total_seconds() + 2


@pytest.mark.parametrize("tls", [False, True])
async def test_a_watch_that_ends_or_breaks_off_meanwhile_goes_on_where_it_stood(tls: bool, tmp_path: Path) -> None:
    async def watches(number: int, request: web.Request) -> web.StreamResponse:
        match number:
            case 1:
                return await stream(request, event("ADDED", job("a", 5)))
            case 2:
                response = await stream(request, event("ADDED", job("b", 6)))
                assert request.transport is not None
                request.transport.abort()
                return response
            case 3:
                response = await stream(request, event("ADDED", job("c", 7)), pause=0.02)
                await response.write(json.dumps(event("ADDED", job("d", 8))).encode() + b"\n")
                response.force_close()  # uvloop closes with this what it has not decrypted yet
                return response
            case _:
                last = [event("ADDED", job("d", 8))] if request.query["resourceVersion"] == "7" else []
                return await stream(request, *last, event("ADDED", job("e", 9)), pause=60)

    server, view = Server(lambda *_: page(version=3), watches), View()
    certificates = Certificates(tmp_path) if tls else None
    async with (
        scripted(server.handle, certificates) as client,
        running(watch_of(client, busy=lambda: True).run(view.listed, view.seen)),
    ):
        await view.until(lambda: view.names == {"a", "b", "c", "d", "e"})

    assert server.versions()[:3] == ["3", "5", "6"]
    assert view.lists == 1

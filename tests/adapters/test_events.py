"""Events: when they leave, in which order, and which are dropped."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.aio.client import ApiClient

from controller.api import ApiServer
from controller.clock import SystemClock
from controller.events import LONGEST_WAIT, WARNING_WAITS, EventPoster, Subject
from controller.messages import Event, EventType
from controller.spec import Key
from deploy.local.ports import free_port
from tests.adapters.cluster_worlds import NODE, Hours, Requests, running
from tests.adapters.scripted_server import Handler, always, client_of, in_turn, scripted, silent

PATIENT = timedelta(seconds=5)


def event(message: str) -> Event:
    return Event(
        key=Key("default", "hourly"), uid="1", type=EventType.NORMAL, reason="SawCompletedJob", message=message
    )


def api_of(client: ApiClient, requests: Requests | None = None, timeout: timedelta = PATIENT) -> ApiServer:
    return ApiServer(client, SystemClock(), requests or Requests(), timeout=timeout)


def noting(messages: list[str]) -> Handler:
    """A server that takes each Event, and keeps its message."""

    async def note(request: Any) -> Any:
        messages.append((await request.json())["message"])
        return await always(201, {})(request)

    return note


async def test_what_waits_for_the_end_of_a_herd_is_told_when_the_replica_ends() -> None:
    posted: list[str] = []
    async with scripted(noting(posted)) as client:
        events = EventPoster(api_of(client), SystemClock(), Requests(), node=NODE)
        async with running(events.run(lambda: True)):
            await asyncio.sleep(0)
            events.post(event("made"))
            events.post(replace(event("quota"), type=EventType.WARNING))
            assert posted == []

    assert posted == ["quota", "made"]


async def ends_with(events: EventPoster, *messages: str) -> float:
    """Post Events in a herd that does not end, and end; gives the seconds that the end took."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(events.run(lambda: True))
    await asyncio.sleep(0)
    for message in messages:
        events.post(event(message))
    task.cancel()
    began = loop.time()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    return loop.time() - began


async def test_an_api_server_that_says_nothing_holds_the_end_up_for_a_moment_only() -> None:
    requests = Requests()
    async with silent() as client:
        events = EventPoster(api_of(client, timeout=timedelta(minutes=1)), SystemClock(), requests, node=NODE)
        assert await ends_with(events, "made", "made") < 5  # a bound: the request itself might take a minute
    assert requests.errors.count("EventDropped") == 2


async def test_last_words_that_are_not_taken_are_not_tried_again_and_again() -> None:
    requests = Requests()
    async with scripted(always(403)) as client:
        events = EventPoster(api_of(client, requests), SystemClock(), requests, node=NODE)
        await ends_with(events, *(str(number) for number in range(20)))
    assert len([error for _, _, error in requests.seen if error != "EventDropped"]) == 1


async def test_the_event_that_is_under_way_when_the_replica_ends_is_no_second_one_if_it_had_arrived() -> None:
    posted: list[str] = []
    arrived, answers = asyncio.Event(), asyncio.Event()

    async def slow_at_first(request: Any) -> Any:
        posted.append((await request.json())["metadata"]["name"])
        if len(posted) == 1:
            arrived.set()
            await answers.wait()
        return await always(409 if len(posted) == 2 else 201, {})(request)

    async with scripted(slow_at_first) as client:
        events = EventPoster(api_of(client), SystemClock(), Requests(), node=NODE)
        async with running(events.run()):
            events.post(event("first"))
            events.post(event("second"))
            await arrived.wait()
        answers.set()

    assert posted[0] == posted[1]
    assert len(posted) == 3


async def test_events_beyond_the_queue_drop_the_oldest_and_are_counted() -> None:
    requests = Requests()
    async with client_of(free_port()) as client:
        events = EventPoster(api_of(client), SystemClock(), requests, node=NODE, queue_length=3)
        for number in range(5):
            events.post(event(str(number)))

    assert requests.errors == ["EventDropped"] * 2


async def test_a_warning_is_not_dropped_for_good_news_that_come_in_behind_it() -> None:
    """In a herd nothing leaves the queue for seconds, and each Job that is made is an Event."""
    posted: list[str] = []
    async with scripted(noting(posted)) as client:
        events = EventPoster(api_of(client), SystemClock(), Requests(), node=NODE, queue_length=3)
        events.post(replace(event("quota"), type=EventType.WARNING))
        for number in range(5):
            events.post(event(str(number)))
        async with running(events.run()):
            while len(posted) < 3:
                await SystemClock().sleep(timedelta(milliseconds=5))

    assert posted == ["quota", "3", "4"]


async def test_events_that_fail_are_dropped_and_the_next_ones_go_on() -> None:
    requests, done = Requests(), 0
    answers = [
        always(500),
        always(422, {"kind": "Status", "status": "Failure", "reason": "Invalid"}),
        always(429, **{"Retry-After": "0"}),
        always(201, {}),
    ]
    async with scripted(in_turn(*answers)) as client:
        events = EventPoster(api_of(client, requests), SystemClock(), requests, node=NODE)
        for number in range(len(answers)):
            events.post(event(str(number)))
        async with running(events.run()):
            while done < len(answers):
                await SystemClock().sleep(timedelta(milliseconds=5))
                done = sum(error != "EventDropped" for _, _, error in requests.seen)

    assert requests.errors == ["ClusterUnavailable", "EventDropped", "Throttled"]


@pytest.mark.parametrize("herd_ends", [True, False])
async def test_events_wait_for_the_end_of_a_herd_and_no_longer_than_some_seconds(herd_ends: bool) -> None:
    clock, asked, posted, lasts = Hours(), 0, 0, True

    def herd() -> bool:
        nonlocal asked
        asked += 1
        return lasts

    async def note(request: Any) -> Any:
        nonlocal posted
        posted += 1
        return await always(201, {})(request)

    async with scripted(note) as client:
        events = EventPoster(api_of(client), clock, Requests(), node=NODE)
        async with running(events.run(herd)):
            events.post(event("one"))
            while asked < 3:
                await clock.sleep(timedelta(milliseconds=5))
            assert posted == 0
            if herd_ends:
                lasts = False
            else:
                clock.hours += 1
            while not posted:
                await clock.sleep(timedelta(milliseconds=5))


async def test_in_a_herd_a_warning_goes_before_good_news_that_came_earlier() -> None:
    clock, posted = Hours(), list[str]()
    async with scripted(noting(posted)) as client:
        events = EventPoster(api_of(client), clock, Requests(), node=NODE)
        events.post(event("made"))
        events.post(replace(event("quota"), type=EventType.WARNING))
        clock.hours += (WARNING_WAITS / timedelta(hours=1)) * 1.1
        async with running(events.run(lambda: True)):
            while not posted:
                await clock.sleep(timedelta(milliseconds=5))
            assert posted == ["quota"]
            clock.hours += LONGEST_WAIT / timedelta(hours=1)
            while len(posted) < 2:
                await clock.sleep(timedelta(milliseconds=5))

    assert posted == ["quota", "made"]


@pytest.mark.parametrize("uid", ["0123", ""])
async def test_an_event_may_be_about_a_pod(uid: str) -> None:
    posted: list[Any] = []

    async def note(request: Any) -> Any:
        posted.append((request.path, await request.json()))
        return await always(201, {})(request)

    pod = Subject(api_version="v1", kind="Pod", namespace="dcron-system", name="dcron-7d9", uid=uid)
    async with scripted(note) as client:
        events = EventPoster(api_of(client), SystemClock(), Requests(), node=NODE)
        events.post_about(pod, EventType.WARNING, "RedisUnavailable", "no answer")
        async with running(events.run()):
            while not posted:
                await SystemClock().sleep(timedelta(milliseconds=5))

    ((path, body),) = posted
    assert path == "/api/v1/namespaces/dcron-system/events"
    involved = {"apiVersion": "v1", "kind": "Pod", "namespace": "dcron-system", "name": "dcron-7d9"}
    assert body["involvedObject"] == involved | ({"uid": uid} if uid else {})
    assert (body["type"], body["reason"], body["message"]) == ("Warning", "RedisUnavailable", "no answer")

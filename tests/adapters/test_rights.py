"""What a replica makes of the API server's answers about its rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from controller import rights
from controller.api import ApiServer
from controller.clock import SystemClock
from controller.messages import EventType
from controller.metrics import Metrics
from controller.rights import EVENTS, Right, Rights
from controller.web import Finding
from tests.adapters.scripted_server import scripted

WATCH = Right("batch", "jobs", "watch")
STATUS = Right("dcron.io", "distributedcronjobs/status", "update", "team-a")


class Authorizer:
    """An API server that knows who may what."""

    def __init__(self, *denied: Right) -> None:
        self.denied = denied
        self.fails = False
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.fails:
            return web.json_response({"kind": "Status", "message": "down"}, status=500)
        assert request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        about: dict[str, Any] = (await request.json())["spec"]["resourceAttributes"]
        self.asked.append(about)
        resource = "/".join(filter(None, (about["resource"], about["subresource"])))
        right = Right(about["group"], resource, about["verb"], about["namespace"] or None)
        return web.json_response({"status": {"allowed": right not in self.denied}}, status=201)


class Asked:
    """A replica's rights, and what it has told."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.counts: list[int] = []
        self.events: list[tuple[EventType, str, str]] = []
        self.rights = Rights(
            api,
            SystemClock(),
            (WATCH, STATUS, EVENTS),
            count=self.counts.append,
            tell=lambda *event: self.events.append(event),
        )


@asynccontextmanager
async def asking(authorizer: Authorizer) -> AsyncIterator[Asked]:
    async with scripted(authorizer.answer) as client:
        yield Asked(ApiServer(client, SystemClock(), Metrics()))


async def test_each_right_is_asked_for_by_name() -> None:
    authorizer = Authorizer()
    async with asking(authorizer) as asked:
        await asked.rights.ask()
    status = {"resource": "distributedcronjobs", "subresource": "status", "verb": "update", "namespace": "team-a"}
    assert authorizer.asked == [
        {"group": "batch", "resource": "jobs", "subresource": "", "verb": "watch", "namespace": ""},
        {"group": "dcron.io", **status},
        {"group": "", "resource": "events", "subresource": "", "verb": "create", "namespace": ""},
    ]
    assert (asked.counts, asked.events, asked.rights.finding()) == ([0], [], None)


async def test_what_is_missing_is_told_once_until_it_is_there_again() -> None:
    authorizer = Authorizer()
    async with asking(authorizer) as asked:
        for denied in ((WATCH,), (WATCH,), (WATCH, STATUS), ()):
            authorizer.denied = denied
            await asked.rights.ask()
    both = "watch jobs, update distributedcronjobs/status in team-a"
    assert asked.counts == [1, 1, 2, 0]
    assert asked.events == [
        (EventType.WARNING, "RightsMissing", "The account of this replica may not watch jobs."),
        (EventType.WARNING, "RightsMissing", f"The account of this replica may not {both}."),
        (EventType.NORMAL, "RightsComplete", "The account of this replica has all its rights again."),
    ]


@pytest.mark.parametrize(("denied", "unready"), [((EVENTS,), False), ((WATCH,), True), ((EVENTS, WATCH), True)])
async def test_without_events_a_replica_is_ready_all_the_same(denied: tuple[Right, ...], unready: bool) -> None:
    async with asking(Authorizer(*denied)) as asked:
        await asked.rights.ask()
    finding = asked.rights.finding()
    assert isinstance(finding, Finding)
    assert finding.unready is unready
    assert finding.sentence.startswith("the account may not ")


async def test_an_api_server_that_does_not_answer_changes_nothing() -> None:
    authorizer = Authorizer(WATCH)
    async with asking(authorizer) as asked:
        await asked.rights.ask()
        authorizer.fails = True
        await asked.rights.ask()
        assert asked.rights.missing == (WATCH,)
    assert (asked.counts, len(asked.events)) == ([1], 1)


@pytest.mark.parametrize(("namespaces", "well", "missing"), [(1, 30, 2), (100, 100, 100)])
async def test_a_replica_of_many_namespaces_asks_less_often(namespaces: int, well: float, missing: float) -> None:
    wanted = rights.needed([f"team-{number}" for number in range(namespaces)])
    async with asking(Authorizer()) as asked:
        many = Rights(asked.api, SystemClock(), wanted, count=asked.counts.append, tell=lambda *event: None)
        assert well <= many.pause.total_seconds() <= 1.1 * well
        many.missing = (WATCH,)
        assert missing <= many.pause.total_seconds() <= 1.1 * missing


def test_a_replica_of_some_namespaces_needs_its_rights_in_each_of_them() -> None:
    found = rights.needed(["a", "b"])
    assert [right.namespace for right in found if right[1:3] == ("jobs", "create")] == ["a", "b"]
    assert Right("", "namespaces", "list") in found
    assert not [right for right in rights.needed([]) if right.namespace or right.resource == "namespaces"]

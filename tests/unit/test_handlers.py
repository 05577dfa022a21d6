"""Tests of the intake's settings; what it hands on is tested with a real kopf, in tests/cluster."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any, cast

import kopf
import pytest
from kopf._cogs.structs.ephemera import Memo
from kopf._cogs.structs.references import Resource
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.reactor.inventory import ResourceMemories
from kopf._core.reactor.processing import process_resource_event
from kubernetes.aio.client import ApiClient

from controller import handlers
from controller.replica import Replica
from controller.spec import GROUP, KIND, PLURAL, VERSION


def test_kopf_never_runs_out_of_tries() -> None:
    backoffs = handlers.settings().networking.error_backoffs
    assert isinstance(backoffs, Iterable)
    for _ in range(2):  # each request begins anew
        pauses = list(islice(backoffs, 1000))
        assert len(pauses) == 1000
        assert max(pauses) <= 2, "kopf must be back within seconds of the API server"


def test_kopf_writes_no_events_and_knows_no_peers() -> None:
    settings = handlers.settings()
    assert not settings.posting.enabled
    assert settings.peering.standalone


def test_kopf_takes_many_objects_a_page_at_a_time_and_keeps_no_worker_for_what_is_at_peace() -> None:
    """Whole, the list of 10,000 objects took 90 MB more, and held the loop while it was read."""
    settings = handlers.settings()
    assert settings.watching.chunk_size is not None
    assert settings.watching.chunk_size <= 1000
    assert settings.queueing.idle_timeout < 1


class Intake:
    """A replica that notes what it is given, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.gone: list[str] = []
        self._error = error

    def cron_job_gone(self, key: object, uid: str) -> None:
        self.gone.append(uid)
        if self._error is not None:
            raise self._error


async def kopf_handles(intake: Intake, event: dict[str, Any]) -> None:
    """What kopf's worker does with an event, by the parts of kopf that are pinned."""
    await process_resource_event(
        lifecycle=kopf.lifecycles.all_at_once,
        indexers=OperatorIndexers(),
        registry=handlers.register(cast(Replica, intake), cast(ApiClient, None)),
        settings=handlers.settings(),
        memories=ResourceMemories(),
        memobase=cast(Any, Memo()),
        resource=Resource(group=GROUP, version=VERSION, plural=PLURAL, kind=KIND, namespaced=True),
        raw_event=cast(Any, event),
        event_queue=asyncio.Queue(),
    )


DELETED = {"type": "DELETED", "object": {"metadata": {"namespace": "ns", "name": "one", "uid": "u-1"}}}


def test_kopf_hands_each_event_over_once_and_has_nothing_to_write() -> None:
    intake = Intake()
    asyncio.run(kopf_handles(intake, DELETED))
    assert intake.gone == ["u-1"]


def test_a_bug_in_taking_an_event_is_told_and_kopf_takes_the_next_one_at_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        asyncio.run(kopf_handles(Intake(ZeroDivisionError("a bug")), DELETED))
    assert [record.message for record in caplog.records] == ["an object was not taken over, by a bug"]


def test_kopf_finds_no_handler_to_call() -> None:
    """To call one costs as much again as all else that it does for an event."""
    with pytest.MonkeyPatch.context() as patch:
        called: list[object] = []

        async def invoke(fn: object, **_: Any) -> None:
            called.append(fn)

        patch.setattr("kopf._core.actions.invocation.invoke", invoke)
        asyncio.run(kopf_handles(intake := Intake(), DELETED))
    assert (intake.gone, called) == (["u-1"], [])

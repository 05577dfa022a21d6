"""Tests of the intake's settings; what it hands on is tested with a real kopf, in tests/cluster."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from controller import handlers


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

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

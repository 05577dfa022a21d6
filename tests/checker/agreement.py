"""Whether the replicas agree on the ring: L5 of INVARIANTS, from what each of them told of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tests.checker.broken import Broken
from tests.checker.history import History
from tests.checker.words import clock

Span = tuple[datetime, datetime]


def ring_agreed(history: History) -> Iterator[Broken]:
    """L5: replicas that live have the same ring again soon after any change, and soon after what divided them."""
    for since, until, views in _disagreements(history):
        left = _without((max(since + history.agreement, history.began), until), _excused(history))
        if left is not None:
            rings = "; ".join(f"{node} has {', '.join(members)}" for node, members in sorted(views.items()))
            told = f"no agreement on the ring since {clock(since)}: {rings}"
            yield Broken(rule="L5", where="", at=left, what=told)


def _disagreements(history: History) -> Iterator[tuple[datetime, datetime, dict[str, tuple[str, ...]]]]:
    """The times in which living replicas had different rings, and the last ones that they had."""
    views: dict[str, tuple[str, ...]] = {}
    since: datetime | None = None
    last: dict[str, tuple[str, ...]] = {}
    for view in history.rings:
        views[view.node] = view.members
        present = {node: members for node, members in views.items() if members}
        if len(set(present.values())) > 1:
            since, last = since or view.at, present
        elif since is not None:
            yield since, view.at, last
            since = None
    if since is not None:
        yield since, history.ended, last


def _excused(history: History) -> list[Span]:
    """When they may disagree: for a while after each edge of a fault, and as long as one divides them."""
    within = history.agreement
    found: list[Span] = []
    for fault in history.faults:
        edges = [(fault.since, fault.since + within), (fault.until, fault.until + within)]
        found += [(fault.since, fault.until + within)] if fault.divides else edges
    return sorted(found)


def _without(span: Span, others: list[Span]) -> datetime | None:
    """The first moment of a span that none of the others has; None if they cover it."""
    at, until = span
    for since, end in others:
        if since <= at:
            at = max(at, end)
    return at if at < until else None

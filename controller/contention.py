"""Whose a slot is, and who else may be about to create its Job: what one node can know of the others' requests.

A slot is its claimer's for a second, and for one create. Whoever creates after that tells so in the status first, or
reads the object for that very create. For a request may be seconds on its way, and nothing but the Job's name stops it:
under Replace the Job of a slot that was contested is deleted only when no other create can arrive any more.

Moments are those of this process's own clock, never of the wall: a clock that is set makes no second shorter. The
executor's `attempts` say what this node has claimed and tried; `reconciler` asks, `decision` reads the answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from controller.attempts import Attempts
from controller.jobs import Firing
from controller.ports import Clock
from controller.status import Status

PATIENCE = timedelta(seconds=1)
"""So long a slot is left to the node that has claimed it. Two nodes that fill one slot meet at the Job's name; but
under Replace the first Job may be deleted before the second create arrives, if they are at it at the same time."""
ON_ITS_WAY = timedelta(seconds=5.5)
"""Longest that a create may take to arrive: its sender gives it up after 5 s (`api`)."""


class Contention:
    """What is known of other nodes' requests, by the UID of the object.

    Args:
        attempts: What this node has claimed and tried.
        clock: The time.
    """

    def __init__(self, attempts: Attempts, clock: Clock) -> None:
        self._attempts = attempts
        self._clock = clock
        self._waiting: dict[str, Mapping[str, timedelta]] = {}
        self._filled: dict[str, Mapping[str, timedelta]] = {}

    def fill_at(self, uid: str, status: Status) -> Mapping[str, datetime]:
        """By name, when slots that other nodes claimed may be filled here: so long after they were first seen."""
        foreign = status.unfilled - self._attempts.claims(uid).keys()
        return self._after(PATIENCE, self._first_seen(self._waiting, uid, foreign))

    def kept_until(self, uid: str, status: Status) -> Mapping[str, datetime]:
        """By name, until when Jobs of contested slots must keep their names.

        No create begins once the status tells of the Job, so it counts from when that was first seen.
        """
        filled = {slot.name for slot in status.active if slot.uid is not None and slot.contested}
        return self._after(ON_ITS_WAY, self._first_seen(self._filled, uid, filled))

    def alone_for(self, uid: str, status: Status, firings: Iterable[Firing]) -> timedelta | None:
        """How long yet nobody else can be about to create these Jobs; None: they wait in no slot.

        Zero or less: somebody may be, or a create of this node's own may be on its way.
        """
        slots = {firing.name for firing in firings} & status.unfilled
        contested = {slot.name for slot in status.active if slot.contested}.union(self._attempts.unanswered(uid))
        claims, elapsed = self._attempts.claims(uid), self._clock.elapsed()
        left = [
            claims[name] + PATIENCE - elapsed if name in claims and name not in contested else timedelta(0)
            for name in slots
        ]
        return min(left, default=None)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._waiting.pop(uid, None)
        self._filled.pop(uid, None)

    def _first_seen(
        self, seen: dict[str, Mapping[str, timedelta]], uid: str, names: Collection[str]
    ) -> Mapping[str, timedelta]:
        """By name, when it was first seen so, which is noted; what is so no longer is forgotten."""
        before = seen.pop(uid, {})
        if not names:
            return {}
        elapsed = self._clock.elapsed()
        seen[uid] = since = {name: before.get(name, elapsed) for name in names}
        return since

    def _after(self, pause: timedelta, since: Mapping[str, timedelta]) -> Mapping[str, datetime]:
        if not since:
            return {}
        now, elapsed = self._clock.now(), self._clock.elapsed()
        return {name: now + (at + pause - elapsed) for name, at in since.items()}

"""What one node has tried for an object and what is not over yet: claims, creates turned down, creates unanswered.

It is memory and nothing more: the status and the Jobs hold all that matters, and a node that starts anew without it
only tries again. `executor` tells it what the API server answered, `decision` reads of it what was turned down.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from controller.jobs import Firing
from controller.observation import Attempt
from controller.status import Status

RETRY_FIRST, RETRY_LONGEST = timedelta(seconds=1), timedelta(seconds=30)
"""Pauses between creates of one firing that the API server refuses (403): doubled each time."""


@dataclass(slots=True)
class _Tried:
    """Of one object, by the name of the Job.

    Attributes:
        turned_down: Creates that the API server did not take.
        unanswered: Creates of which nobody knows what became of them.
        claims: When slots that wait for their Jobs were claimed, loop time.
    """

    turned_down: dict[str, Attempt] = field(default_factory=dict)
    unanswered: dict[str, Firing] = field(default_factory=dict)
    claims: Mapping[str, timedelta] = field(default_factory=dict)


_Trial = TypeVar("_Trial", Attempt, Firing)


class Attempts:
    """The attempts of one node, by the UID of the object."""

    def __init__(self) -> None:
        self._tried: dict[str, _Tried] = {}

    def turned_down(self, uid: str) -> tuple[Attempt, ...]:
        """The creates that were turned down and have no outcome yet."""
        return tuple(self._of(uid).turned_down.values())

    def claims(self, uid: str) -> Mapping[str, timedelta]:
        """By name, the slots that this node has claimed and that still wait for their Jobs: when it did, loop time."""
        return self._of(uid).claims

    def unanswered(self, uid: str) -> Collection[str]:
        """The names of Jobs of which a create went out, and nobody knows what became of it."""
        return self._of(uid).unanswered.keys()

    def note_unanswered(self, uid: str, firing: Firing) -> None:
        """A create got no answer."""
        self._tried.setdefault(uid, _Tried()).unanswered[firing.name] = firing

    def note_created(self, uid: str, firing: Firing) -> None:
        """A create went through."""
        self._of(uid).unanswered.pop(firing.name, None)

    def note_turned_down(self, uid: str, firing: Firing, message: str, *, final: bool, now: datetime) -> None:
        """A create was turned down, for now or for good."""
        turned_down = self._tried.setdefault(uid, _Tried()).turned_down
        before = turned_down.get(firing.name)
        pause = RETRY_FIRST if before is None else min(RETRY_LONGEST, before.pause * 2)
        turned_down[firing.name] = Attempt(
            name=firing.name,
            scheduled_at=firing.scheduled_at,
            trigger=firing.trigger,
            message=message,
            final=final,
            first_at=now if before is None else before.first_at,
            pause=pause,
            retry_at=now + pause,
        )

    def note_written(self, uid: str, before: Status, written: Status, *, sent_at: timedelta) -> None:
        """A status of ours was written, by a request that was sent at that loop time.

        A slot that waits since this very write is ours; one that waits no longer is nobody's. What was tried matters
        only as long as its firing waits for its Job, whoever has settled it.
        """
        waiting, tried = written.unfilled, self._of(uid)
        claims = {**tried.claims, **dict.fromkeys(waiting - before.unfilled, sent_at)}
        kept = _Tried(
            turned_down=_open(tried.turned_down, waiting, written.settled_through),
            unanswered=_open(tried.unanswered, waiting, written.settled_through),
            claims={name: at for name, at in claims.items() if name in waiting},
        )
        self.forget(uid)
        if kept != _Tried():
            self._tried[uid] = kept

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._tried.pop(uid, None)

    def _of(self, uid: str) -> _Tried:
        return self._tried.get(uid, _Tried())


def _open(tried: Mapping[str, _Trial], waiting: frozenset[str], through: datetime | None) -> dict[str, _Trial]:
    """Those whose firings have no outcome yet: their slots wait, or their instants are not passed."""
    return {
        name: one
        for name, one in tried.items()
        if name in waiting or (one.trigger.of_schedule and (through is None or one.scheduled_at > through))
    }

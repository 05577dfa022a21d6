"""What must happen in a run, from what the authors did and from nothing else: the expected instants of each object.

An independent second opinion. It reads the specs as JSON and asks `tests.unit.wallclock`, brute force over wall-clock
time; it shares no code with the project, and knows nothing of what the replicas did.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from controller.spec import Key
from tests.fakes.happenings import Edit
from tests.unit import wallclock

MAKERS = ("schedule", "schedules", "timeZone", "startTime", "endTime")
"""The fields that make instants, besides the suspension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the author wants from a moment on.

    Attributes:
        since: True time of the edit.
        until: True time of the next edit, or of the end; None: it still holds.
        spec: As written.
    """

    since: datetime
    until: datetime | None
    generation: int
    spec: Mapping[str, Any]

    @property
    def counts_after(self) -> datetime:
        """Instants after it are of this wish: the API server stamps an edit to the second, cut off."""
        return self.since.replace(microsecond=0)

    @property
    def suspended(self) -> bool:
        """Whether nothing may fire."""
        return bool(self.spec.get("suspend", False))

    @property
    def policy(self) -> str:
        """The concurrency policy."""
        return str(self.spec.get("concurrencyPolicy", "Allow"))

    @property
    def deadline(self) -> timedelta | None:
        """How late a firing may begin."""
        seconds = self.spec.get("startingDeadlineSeconds")
        return None if seconds is None else timedelta(seconds=seconds)

    def same_instants(self, other: Wish) -> bool:
        """Whether the other wish makes the same instants, under the same suspension."""
        alike = all(self.spec.get(maker) == other.spec.get(maker) for maker in MAKERS)
        return alike and self.suspended == other.suspended


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One instant that is due, and the wish that it is due by."""

    at: datetime
    wish: Wish


@dataclass(kw_only=True)
class Life:
    """One object from its creation to its end: one UID."""

    key: Key
    uid: str
    wishes: list[Wish] = field(default_factory=list)
    ended: datetime | None = None

    @property
    def created_at(self) -> datetime:
        """As the API server stamps it."""
        return self.wishes[0].counts_after

    def wish_of(self, generation: int) -> Wish | None:
        """The wish with that generation."""
        return next((wish for wish in self.wishes if wish.generation == generation), None)

    def wish_at(self, at: datetime) -> Wish | None:
        """The wish that holds at a moment; None outside its life."""
        return next(
            (wish for wish in self.wishes if wish.since <= at and (wish.until is None or at < wish.until)), None
        )

    def expected(self, until: datetime) -> list[Expected]:
        """The instants that are due up to a moment, oldest first."""
        found = []
        for wish in self.wishes:
            last = until if wish.until is None else min(until, wish.until.replace(microsecond=0))
            found += [Expected(at=at, wish=wish) for at in instants(wish.spec, wish.counts_after, last)]
        return found


def lives(edits: Iterable[Edit]) -> list[Life]:
    """The objects of a run, in the order of their creation."""
    found: dict[str, Life] = {}
    for edit in edits:
        life = found.setdefault(edit.uid, Life(key=edit.key, uid=edit.uid))
        if life.wishes:
            last = life.wishes[-1]
            life.wishes[-1] = Wish(since=last.since, until=edit.at, generation=last.generation, spec=last.spec)
        if edit.spec is None:
            life.ended = edit.at
        else:
            life.wishes.append(Wish(since=edit.at, until=None, generation=edit.generation, spec=edit.spec))
    return list(found.values())


def instants(spec: Mapping[str, Any], after: datetime, until: datetime) -> list[datetime]:
    """The instants of a spec in (after, until], oldest first, suspended or not."""
    if until <= after:
        return []
    expressions = tuple([spec["schedule"]] if "schedule" in spec else spec["schedules"])
    days = {after.astimezone(UTC).date(), until.astimezone(UTC).date()}
    day, last = min(days), max(days)
    found: list[datetime] = []
    while day <= last:
        for hour in range(24):
            begin = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            if begin <= until and after < begin + timedelta(hours=1):
                found += _hour(expressions, spec.get("timeZone") or "UTC", begin)
        day += timedelta(days=1)
    first_at, end_at = _bounds(spec)
    found = [at for at in found if (first_at is None or first_at <= at) and (end_at is None or at < end_at)]
    return found[bisect_right(found, after) : bisect_right(found, until)]


def is_instant(spec: Mapping[str, Any], at: datetime) -> bool:
    """Whether the spec has this very instant."""
    return bool(instants(spec, at - timedelta(microseconds=1), at))


def _bounds(spec: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    begin, end = spec.get("startTime"), spec.get("endTime")
    return (
        None if begin is None else datetime.fromisoformat(begin),
        None if end is None else datetime.fromisoformat(end),
    )


@lru_cache(maxsize=4096)
def _hour(expressions: tuple[str, ...], zone: str, begin: datetime) -> tuple[datetime, ...]:
    """The instants of one hour: computed once, and asked for by every seed."""
    found: set[datetime] = set()
    before = begin - timedelta(microseconds=1)
    for expression in expressions:
        found.update(wallclock.instants(expression, zone, before, begin + timedelta(hours=1) - timedelta(seconds=1)))
    return tuple(sorted(found))

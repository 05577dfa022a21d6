"""What must happen in a run, from what the authors did and from nothing else: the expected instants of each object.

An independent second opinion. It reads the specs as JSON and asks `tests.unit.wallclock`, brute force over wall-clock
time; it shares no code with the project, and knows nothing of what the replicas did.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
        born: When the object was made, as the API server stamps it: what `@every` is counted from.
        hashed: An instant of each expression that has an H, by expression: what it stands for is seen, not computed.
    """

    since: datetime
    until: datetime | None
    generation: int
    spec: Mapping[str, Any]
    born: datetime
    hashed: Mapping[str, datetime] = field(default_factory=dict)

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

    @property
    def slots(self) -> int:
        """How many Jobs may be active, where that is limited."""
        return int(self.spec.get("maxActiveJobs") or 1)

    def instants(self, after: datetime, until: datetime) -> list[datetime]:
        """Its instants in (after, until], oldest first, suspended or not."""
        return instants(self.spec, after, until, born=self.born, hashed=self.hashed)

    def has_instant(self, at: datetime) -> bool:
        """Whether it has this very instant."""
        return bool(self.instants(at - timedelta(microseconds=1), at))

    def same_instants(self, other: Wish) -> bool:
        """Whether the other wish makes the same instants, under the same suspension."""
        return self.same_schedule(other) and self.suspended == other.suspended

    def same_schedule(self, other: Wish) -> bool:
        """Whether the other wish makes the same instants, suspended or not."""
        return all(self.spec.get(maker) == other.spec.get(maker) for maker in MAKERS)


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

    def expected(self, until: datetime, shift: timedelta = timedelta(0)) -> list[Expected]:
        """The instants that are due up to a moment, oldest first.

        Args:
            shift: By how much the object's jitter puts them off; they are due, and edited, by the shifted moment.
        """
        found = []
        for wish in self.wishes:
            last = until if wish.until is None else min(until, wish.until.replace(microsecond=0))
            due = wish.instants(wish.counts_after - shift, last - shift)
            found += [Expected(at=at, wish=wish) for at in due]
        return found


def lives(edits: Iterable[Edit], hashed: Mapping[tuple[Key, str], datetime] | None = None) -> list[Life]:
    """The objects of a run, in the order of their creation.

    Args:
        hashed: By object and expression with an H: an instant that it was seen to have.
    """
    found: dict[str, Life] = {}
    for edit in edits:
        life = found.setdefault(edit.uid, Life(key=edit.key, uid=edit.uid))
        if life.wishes:
            life.wishes[-1] = replace(life.wishes[-1], until=edit.at)
        if edit.spec is None:
            life.ended = edit.at
        else:
            seen = {text: at for (key, text), at in (hashed or {}).items() if key == edit.key}
            born = life.wishes[0].born if life.wishes else edit.at.replace(microsecond=0)
            wish = Wish(since=edit.at, until=None, generation=edit.generation, spec=edit.spec, born=born, hashed=seen)
            life.wishes.append(wish)
    return list(found.values())


def expressions_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts that a spec fires at the union of."""
    return tuple([spec["schedule"]] if "schedule" in spec else spec["schedules"])


def instants(
    spec: Mapping[str, Any],
    after: datetime,
    until: datetime,
    *,
    born: datetime | None = None,
    hashed: Mapping[str, datetime] | None = None,
) -> list[datetime]:
    """The instants of a spec in (after, until], oldest first, suspended or not.

    Args:
        born: What `@every` is counted from.
        hashed: An instant of each expression with an H.
    """
    if until <= after:
        return []
    texts = expressions_of(spec)
    expressions = tuple(_unhashed(text, (hashed or {}).get(text)) for text in texts if not text.startswith("@"))
    found = _of_cron(expressions, spec.get("timeZone") or "UTC", after, until) if expressions else []
    special = {at for text in texts if text.startswith("@") for at in _of_word(text, after, until, born)}
    found = sorted({*found, *special}) if special else found
    first_at, end_at = _bounds(spec)
    found = [at for at in found if (first_at is None or first_at <= at) and (end_at is None or at < end_at)]
    return found[bisect_right(found, after) : bisect_right(found, until)]


def _of_word(text: str, after: datetime, until: datetime, born: datetime | None) -> list[datetime]:
    """The instants of `@at <RFC 3339>` and of `@every <n>s`."""
    word, argument = text.split()
    if word == "@at":
        return [datetime.fromisoformat(argument)]
    assert born is not None
    step = timedelta(seconds=int(argument.removesuffix("s")))
    number = max(1, (after - born) // step)
    found = []
    while (at := born + number * step) <= until:
        found.append(at)
        number += 1
    return found


def _unhashed(text: str, seen: datetime | None) -> str:
    """An expression `H/n * * * * *` with the value that its H stands for, by an instant that was seen."""
    first, _, rest = text.partition(" ")
    if not first.startswith("H/"):
        return text
    step = int(first.removeprefix("H/"))
    return f"{0 if seen is None else seen.second % step}-59/{step} {rest}"


def _of_cron(expressions: tuple[str, ...], zone: str, after: datetime, until: datetime) -> list[datetime]:
    days = {after.astimezone(UTC).date(), until.astimezone(UTC).date()}
    day, last = min(days), max(days)
    found: list[datetime] = []
    while day <= last:
        for hour in range(24):
            begin = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            if begin <= until and after < begin + timedelta(hours=1):
                found += _hour(expressions, zone, begin)
        day += timedelta(days=1)
    return found


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

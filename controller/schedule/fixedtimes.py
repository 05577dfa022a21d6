"""Instants that need no calendar: `@every <duration>` and `@at <instant>`.

It exists because both are points on the line of UTC, whatever the clocks on the wall do: no time zone, no gap and no
overlap has a say. Both are counted from something that every replica reads alike, the object's creation or the text
itself, and never from the moment at which a replica happens to start (as robfig/cron does it for `@every`).

It reads no clock. `schedule` mixes these instants with those of `zoned` expressions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from controller.schedule.text import AT, EVERY, Refused

LONGEST_YEARS: Final = 100
"""No interval is longer: it is a mistake in the unit."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_LONGEST_SECONDS: Final = LONGEST_YEARS * 366 * 86_400
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
}
_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([a-zA-Z]*)")
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?P<fraction>\.[0-9]+)?"
    r"(?P<offset>[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Instants at one distance from each other, the first of them that far from the start. UTC seconds since 1970."""

    start: int
    """It is not itself an instant."""
    seconds: int

    def next_after(self, instant: int) -> int | None:
        """The first instant strictly after."""
        passed = max((instant - self.start) // self.seconds, 0)
        return self.start + (passed + 1) * self.seconds

    def latest_at(self, instant: int, after: int) -> int | None:
        """The newest instant in (after, instant]."""
        passed = (instant - self.start) // self.seconds
        latest = self.start + passed * self.seconds
        return latest if passed >= 1 and latest > after else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A single instant, in UTC seconds since 1970."""

    at: int

    def next_after(self, instant: int) -> int | None:
        """The first instant strictly after."""
        return self.at if self.at > instant else None

    def latest_at(self, instant: int, after: int) -> int | None:
        """The newest instant in (after, instant]."""
        return self.at if after < self.at <= instant else None


def read_every(words: Sequence[str], created_at: int) -> Every:
    """What `@every` and its duration mean, counted from this instant.

    Raises:
        Refused: It is no duration of Go, or none between a second and a hundred years.
    """
    if len(words) != 2:
        raise Refused(f"{EVERY} takes one duration, as {EVERY} 1h30m")
    return Every(start=created_at, seconds=_seconds(words[1]))


def read_at(words: Sequence[str]) -> Once:
    """What `@at` and its instant mean.

    Raises:
        Refused: It is no instant of RFC 3339 in whole seconds.
    """
    if len(words) != 2:
        raise Refused(f"{AT} takes one instant, as {AT} 2030-01-31T06:00:00Z")
    return Once(at=_instant(words[1]))


def _seconds(text: str) -> int:
    """The whole seconds of a duration as Go writes it; a remainder below a second is cut off, as robfig/cron does it.

    https://pkg.go.dev/time#ParseDuration
    """
    if text.startswith("-"):
        raise Refused(f"the duration {text!r} is negative")
    unsigned = text.removeprefix("+") or "+"
    nanoseconds, position = 0, 0
    while position < len(unsigned):
        part = _PART.match(unsigned, position)
        assert part is not None, "the pattern matches everywhere"
        nanoseconds += _nanoseconds(text, part)
        position = part.end()
    if nanoseconds < 10**9:
        raise Refused(f"the duration {text!r} is below a second")
    if nanoseconds > _LONGEST_SECONDS * 10**9:
        raise Refused(f"the duration {text!r} is longer than {LONGEST_YEARS} years")
    return nanoseconds // 10**9


def _nanoseconds(text: str, part: re.Match[str]) -> int:
    whole, fraction, unit = part[1], part[2] or "", part[3]
    if not whole and not fraction:
        raise Refused(f"{text!r} is not a duration such as 90s, 1.5h or 1h30m")
    if unit not in _NANOSECONDS:
        units = ", ".join(_NANOSECONDS)
        said = f"the unit {unit!r} is not known" if unit else f"a unit is missing after {part[0]}"
        raise Refused(f"{text!r} is not a duration: {said}; the units are {units}")
    parts: int = 10 ** len(fraction)
    return int(whole or 0) * _NANOSECONDS[unit] + int(fraction or 0) * _NANOSECONDS[unit] // parts


def _instant(text: str) -> int:
    shape = _RFC_3339.fullmatch(text)
    if shape is None:
        raise Refused(f"{text!r} is not an instant of RFC 3339 such as 2030-01-31T06:00:00Z or ...T06:00:00+01:00")
    if shape["fraction"]:
        raise Refused(f"{text!r} has a fraction of a second; instants are whole seconds")
    if shape["offset"] is None:
        raise Refused(f"{text!r} has no offset; end it with Z for UTC, or with one such as +01:00")
    try:
        at = datetime.fromisoformat(text.upper())
        return (at - _EPOCH) // _SECOND
    except (ValueError, OverflowError):
        raise Refused(f"{text!r} is no time that exists") from None

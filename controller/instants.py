"""Instants as text: RFC 3339 in and out, aware UTC inside; and durations as people read them.

Every room that reads or writes JSON needs the first two, and none should have its own idea of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

INSTANT: Final = timedelta(microseconds=1)
"""The smallest step between two instants: makes a bound inclusive or exclusive."""

_BY_HAND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 9969
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_COARSE: Final = 10
"""From so many of a unit on, the next smaller unit is not told, as kubectl tells ages."""


def parse_time(text: str) -> datetime:
    """An RFC 3339 instant, as the API server writes it, as aware UTC.

    Raises:
        ValueError: It is none.
    """
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_written_time(text: str) -> datetime | None:
    """An instant that a person wrote where no schema looks; None if it is not RFC 3339 with an offset.

    Years from 1970 to 9969, as the schema of the other instants asks for.
    """
    if not _BY_HAND.fullmatch(text):
        return None
    try:
        instant = parse_time(text)
    except (ValueError, OverflowError):
        return None
    return instant if _FIRST_YEAR <= instant.year <= _LAST_YEAR else None


def format_time(instant: datetime) -> str:
    """An instant as RFC 3339 in UTC, whole seconds unless it has a fraction."""
    text = instant.astimezone(UTC).isoformat(timespec="microseconds" if instant.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def span(duration: timedelta) -> str:
    """A duration in at most two units: 42s, 3m10s, 12m, 2h5m, 14h, 3d4h."""
    seconds = max(0, int(duration.total_seconds()))
    for index, (unit, size) in enumerate(_UNITS):
        whole, rest = divmod(seconds, size)
        if whole and index + 1 < len(_UNITS):
            smaller, smaller_size = _UNITS[index + 1]
            more = rest // smaller_size if whole < _COARSE else 0
            return f"{whole}{unit}" + (f"{more}{smaller}" if more else "")
    return f"{seconds}s"

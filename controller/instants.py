"""Instants as text: RFC 3339 in and out, aware UTC inside.

Every room that reads or writes JSON needs the two, and none should have its own idea of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

INSTANT: Final = timedelta(microseconds=1)
"""The smallest step between two instants: makes a bound inclusive or exclusive."""

_BY_HAND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 9969


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

"""What people ask of an object by annotation: a run now, a pause, a backfill.

No schema looks at an annotation, so everything here may be wrong, and what is wrong is a value with a sentence and not
an error: the schedule goes on. What a request has come to is kept in the status, never here.

`spec` carries the requests of an object; `settlement` and `backfills` answer them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from controller.instants import parse_time, parse_written_time

TRIGGER: Final = "dcron.io/trigger"
SUSPEND_UNTIL: Final = "dcron.io/suspend-until"
SUSPEND_REASON: Final = "dcron.io/suspend-reason"
BACKFILL: Final = "dcron.io/backfill"
ALL: Final = (TRIGGER, SUSPEND_UNTIL, SUSPEND_REASON, BACKFILL)

MAX_VALUE_CHARACTERS: Final = 128
"""Longest value that is kept as it is; of a longer one, its head and a digest stand for it."""
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing fires for instants before `until`."""

    until: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Instants to fire once more: from `since`, inclusive, to `until`, exclusive.

    Attributes:
        text: As it was written: it names the request.
    """

    text: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A request that nobody can follow.

    Attributes:
        text: As it was written; it names the request.
        sentence: What is wrong with it.
    """

    text: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What is asked of one object.

    Attributes:
        trigger: A value that stands for one run; another value is another run.
        made_at: When one of them was last written, to the second; None if the managed fields do not say.
    """

    trigger: str | None = None
    pause: Pause | Unreadable | None = None
    backfill: Interval | Unreadable | None = None
    made_at: datetime | None = None


def read(annotations: Mapping[str, str], managed_fields: Iterable[Mapping[str, Any]] = ()) -> Requests:
    """The requests in an object's annotations; an empty value asks for nothing."""
    trigger, backfill = annotations.get(TRIGGER), annotations.get(BACKFILL)
    return Requests(
        trigger=_bounded(trigger) if trigger else None,
        pause=_pause(annotations.get(SUSPEND_UNTIL) or "", annotations.get(SUSPEND_REASON) or ""),
        backfill=_interval(backfill) if backfill else None,
        made_at=_made_at(managed_fields),
    )


def _pause(text: str, reason: str) -> Pause | Unreadable | None:
    if not text:
        return None
    until = parse_written_time(text)
    if until is None:
        sentence = f"{SUSPEND_UNTIL} is {_shown(text)}; write an RFC 3339 instant such as 2026-01-31T08:00:00Z"
        return Unreadable(text=_bounded(text), sentence=sentence)
    return Pause(until=until, reason=_bounded(reason))


def _interval(text: str) -> Interval | Unreadable:
    since, until = (parse_written_time(part) for part in (*text.split("/", 1), "")[:2])
    if since is None or until is None:
        sentence = (
            f"{BACKFILL} is {_shown(text)}; write two RFC 3339 instants with a slash between them, "
            "such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"
        )
        return Unreadable(text=_bounded(text), sentence=sentence)
    if since >= until:
        return Unreadable(text=_bounded(text), sentence=f"{BACKFILL} is {_shown(text)}; it ends before it begins")
    return Interval(text=text, since=since, until=until)


def _bounded(text: str) -> str:
    if len(text) <= MAX_VALUE_CHARACTERS:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{text[: MAX_VALUE_CHARACTERS - 17]}-{digest[:16]}"


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "...")


def _made_at(managed_fields: Iterable[Mapping[str, Any]]) -> datetime | None:
    """The newest write among the managers of our annotations."""
    ours = {f"f:{name}" for name in ALL}
    times = [
        parse_time(entry["time"])
        for entry in managed_fields
        if "time" in entry and ours & _annotations(entry.get("fieldsV1") or {}).keys()
    ]
    return max(times, default=None)


def _annotations(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (fields.get("f:metadata") or {}).get("f:annotations") or {}
    return found

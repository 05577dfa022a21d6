"""What is new in a status, in words: one line that says what a write has changed, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a write has changed.

    Attributes:
        text: Empty if it is nothing that people ask for.
        instants: Those that it speaks of, as times of day.
    """

    text: str
    instants: frozenset[str]


def news(before: Status, after: Status) -> News:
    """What the second status says and the first one does not."""
    slots = {name: _slots(after, name) - _slots(before, name) for name in ("active", "queued")}
    told = [raw for raw in after.get("recent", ()) if raw not in before.get("recent", ())]
    parts = [
        *_moved(before, after),
        *(f"{name} {' '.join(sorted(new))}" for name, new in slots.items() if new),
        *(f"{_time(raw['scheduledAt'])} {raw['reason']}" for raw in told),
        *_requested(before, after),
        *sorted(_conditions(after) - _conditions(before)),
    ]
    texts = [raw["scheduledAt"] for raw in (*told, *after.get("active", ()), *after.get("queued", ()))]
    texts.append(after.get("settledThrough", ""))
    by = f" (by {after.get('owner')})" if parts else ""
    return News(text="; ".join(parts) + by, instants=frozenset(_time(text) for text in texts))


def wish(spec: Status | None) -> str:
    """What an author wants, without the template."""
    if spec is None:
        return "deleted"
    return "applied " + ", ".join(f"{name}={value}" for name, value in spec.items() if name != "jobTemplate")


def _moved(before: Status, after: Status) -> Iterator[str]:
    for name, words in (("settledThrough", "settled through"), ("suspendedUntil", "suspended until")):
        if after.get(name) != before.get(name):
            yield f"{words} {_time(after.get(name, ''))}"


def _slots(status: Status, name: str) -> set[str]:
    """A question mark stands for a slot whose Job nobody has seen."""
    return {
        f"{_time(raw['scheduledAt'])}{raw.get('trigger', '')[:1]}{'' if 'uid' in raw or name == 'queued' else '?'}"
        for raw in status.get(name, ())
    }


def _requested(before: Status, after: Status) -> Iterator[str]:
    """What it says of what people asked for."""
    last, backfill = after.get("lastTrigger"), after.get("backfill")
    if last is not None and last != before.get("lastTrigger"):
        yield f"trigger {last['value']} {last['outcome']}"
    if backfill is not None and backfill != before.get("backfill"):
        numbers = "/".join(str(backfill.get(name, 0)) for name in ("created", "leftOut", "createFailed", "total"))
        yield f"backfill {backfill['interval']} {backfill['state']} {numbers}"


def _conditions(status: Status) -> set[str]:
    return {f"{one['type']}={one['status']} {one['reason']}".strip() for one in status.get("conditions", ())}


def _time(text: str) -> str:
    return text[11:19]

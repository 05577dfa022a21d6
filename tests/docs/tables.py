"""Tables in Markdown, filled by the engine, between marks in a page that is otherwise written by hand.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; what is between them is never edited by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from controller.errors import InvalidSchedule
from controller.schedule import parse
from tests.docs import examples
from tests.docs.examples import Example
from tests.robfig.differences import CHANGES, DIFFERENCES, TEXTS, WE_ACCEPT, WE_REFUSE

PAGE: Final = Path(__file__).parents[2] / "docs" / "schedules.md"

SHOWN: Final = 3
"""How many instants an example shows."""

_TABLE: Final = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with each of its tables made anew.

    Raises:
        KeyError: It asks for a table that nobody makes.
    """
    return _TABLE.sub(lambda found: found[1] + TABLES[found[2]]() + found[4], page)


def _next_instants(rows: Sequence[Example]) -> str:
    return _table(
        ("schedule", "fires", "next"),
        ((_code(*row.texts), row.meaning, _instants(row)) for row in rows),
    )


def _clocks() -> str:
    return _table(
        ("schedule", "in", "with", "next"),
        ((_code(*row.texts), row.zone or "", row.meaning, _instants(row)) for row in examples.CLOCKS),
    )


def _refused() -> str:
    return _table(("text", "sentence"), ((_code(text), _code(_sentence(text))) for text in examples.REFUSED))


def _texts(we: str) -> str:
    return _table(("text", "why"), ((_code(text), why) for text, who, why in TEXTS if who == we and len(text) < 60))


def _changes() -> str:
    rows = []
    for change in DIFFERENCES:
        zone = ZoneInfo(change.zone)
        after, library, ours = (
            _shown(datetime.fromisoformat(text).replace(tzinfo=UTC), zone)
            for text in (change.after, change.library, change.ours)
        )
        rows.append((_code(change.expression), change.zone, after, library, ours, change.cause))
    return _table(("schedule", "in", "after", "batch/v1 fires next", "we fire next", "because of"), rows)


def _causes() -> str:
    return "".join(f"- **{cause}**: {why}\n" for cause, why in CHANGES.items())


TABLES: Final[dict[str, Callable[[], str]]] = {
    "fields": lambda: _next_instants(examples.FIELDS),
    "hashed": lambda: _next_instants(examples.HASHED),
    "days": lambda: _next_instants(examples.DAYS),
    "macros": lambda: _next_instants(examples.MACROS),
    "unions": lambda: _next_instants(examples.UNIONS),
    "clocks": _clocks,
    "refused": _refused,
    "only-here": lambda: _texts(WE_ACCEPT),
    "only-batch": lambda: _texts(WE_REFUSE),
    "changes": _changes,
    "causes": _causes,
}
"""Every table, by its name in the page."""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _code(*texts: str) -> str:
    """Texts as Markdown shows them as they are; what would not be seen is escaped."""
    return "<br>".join(f"`{_visible(text)}`" for text in texts)


def _visible(text: str) -> str:
    seen = text if text.isprintable() and "\u00a0" not in text else ascii(text)[1:-1]
    return seen.replace("|", "\\|")


def _instants(example: Example) -> str:
    schedule, zone = example.schedule(), ZoneInfo(example.zone or "UTC")
    found: list[datetime] = []
    following = schedule.next_after(example.after)
    while following is not None and len(found) < SHOWN:
        found.append(following)
        following = schedule.next_after(following)
    if len(found) < SHOWN:
        return "<br>".join([*(_shown(instant, zone) for instant in found), "and never again"])
    return "<br>".join(_shown(instant, zone) for instant in found)


def _shown(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    time = local.strftime("%a %Y-%m-%d %H:%M" + (":%S" if local.second else ""))
    return time if zone.key == "UTC" else f"{time} {local.isoformat()[-6:]}"


def _sentence(text: str) -> str:
    try:
        parse([text])
    except InvalidSchedule as refusal:
        return str(refusal)
    raise AssertionError(f"{text!r} is not refused")

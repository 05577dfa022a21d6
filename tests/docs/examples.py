"""What the page about schedules shows. Only the texts and their meaning are written here; the engine says the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from controller.schedule import Schedule, parse
from controller.spec import DstGap, DstOverlap

NOW: Final = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
"""A Wednesday. The next instants are those after it."""

CREATED_AT: Final = datetime(2026, 7, 1, 8, 7, 13, tzinfo=UTC)
HASHED_AS: Final = "default/nightly-backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row: what is written in a spec, and what it means in words."""

    texts: tuple[str, ...]
    meaning: str
    zone: str | None = None
    hashed_as: str = HASHED_AS
    after: datetime = NOW
    start_at: datetime | None = None
    end_at: datetime | None = None
    dst_gap: DstGap = DstGap.SKIP
    dst_overlap: DstOverlap = DstOverlap.BOTH

    def schedule(self) -> Schedule:
        """The engine's reading of it."""
        return parse(
            self.texts,
            self.zone,
            start_at=self.start_at,
            end_at=self.end_at,
            hashed_as=self.hashed_as,
            created_at=CREATED_AT,
            dst_gap=self.dst_gap,
            dst_overlap=self.dst_overlap,
        )


def _one(text: str, meaning: str) -> Example:
    return Example(texts=(text,), meaning=meaning)


FIELDS: Final = (
    _one("* * * * *", "every minute"),
    _one("30 4 * * *", "at 04:30 every day"),
    _one("*/15 * * * *", "every quarter of an hour"),
    _one("5/20 * * * *", "from minute 5 on, every 20 minutes of the hour"),
    _one("0 9-17/4 * * *", "at 9, 13 and 17"),
    _one("0 6,12,18 * * *", "at 6, 12 and 18"),
    _one("0 9 * * MON-FRI", "at 9 on workdays"),
    _one("0 0 1 JAN,jul *", "on the first day of January and July; names in any case"),
    _one("0 0 ? * 7", "on Sundays; `?` is `*`, and Sunday is 0 or 7"),
    _one("0 0 13 * FRI", "on the 13th **or** on a Friday: two restricted day fields, either matches"),
    _one("0 0 29 2 *", "on the leap day"),
    _one("*/20 * * * * *", "every 20 seconds: six fields have seconds first"),
    _one("30 59 23 31 12 *", "half a minute before the year ends"),
)

HASHED: Final = (
    _one("H * * * *", "once an hour, at a minute of its own"),
    _one("H H * * *", "once a day"),
    _one("H H(1-5) * * *", "once a night, from 01:00 to 05:59"),
    _one("H/15 * * * *", "every quarter of an hour, from a minute of its own on"),
    _one("H H H * *", "once a month; the day is one of 1 to 28"),
    Example(texts=("H H * * *",), meaning="the same for an object `default/reports`", hashed_as="default/reports"),
)

DAYS: Final = (
    _one("0 0 L * *", "on the last day of the month"),
    _one("0 8 15W * *", "on the workday nearest to the 15th, in the same month"),
    _one("0 8 1W * *", "on the first workday of the month"),
    _one("0 8 * * TUE#2", "on the second Tuesday"),
    _one("0 8 * * 1#5", "on the fifth Monday, in months that have one"),
    _one("0 20 * * FRIL", "on the last Friday"),
    _one("0 8 1,15,L * *", "marks and numbers in one list"),
)

MACROS: Final = (
    _one("@hourly", "as `0 * * * *`"),
    _one("@daily", "as `0 0 * * *`; `@midnight` is the same"),
    _one("@weekly", "as `0 0 * * 0`, on Sundays"),
    _one("@monthly", "as `0 0 1 * *`"),
    _one("@yearly", "as `0 0 1 1 *`; `@annually` is the same"),
    _one("@every 90m", "every 90 minutes, counted from the object's creation"),
    _one("@every 36h", "every 36 hours, whatever day it is"),
    _one("@at 2026-12-24T18:00:00+01:00", "once"),
)

UNIONS: Final = (
    Example(texts=("0 9 * * MON-FRI", "0 11 * * SAT,SUN"), meaning="`schedules`: the union of both"),
    Example(texts=("0 * * * *", "*/30 * * * *"), meaning="`schedules`: an instant that both name comes once"),
    Example(
        texts=("0 0 * * *",),
        meaning="with `startTime: 2026-09-01T00:00:00Z` and `endTime: 2026-09-03T00:00:00Z`, which is itself excluded",
        start_at=datetime(2026, 9, 1, tzinfo=UTC),
        end_at=datetime(2026, 9, 3, tzinfo=UTC),
    ),
    Example(texts=("0 9 * * *",), meaning="with `timeZone: America/New_York`", zone="America/New_York"),
    Example(texts=("0 9 * * *",), meaning="with `timeZone: Asia/Kolkata`", zone="Asia/Kolkata"),
)

# In the past, so that no government changes them.
_GAP: Final = datetime(2025, 3, 28, 12, tzinfo=UTC)
_OVERLAP: Final = datetime(2025, 10, 25, 12, tzinfo=UTC)
_BERLIN: Final = "Europe/Berlin"

CLOCKS: Final = (
    Example(texts=("30 2 * * *",), meaning="`dstGap: Skip` (the default)", zone=_BERLIN, after=_GAP),
    Example(texts=("30 2 * * *",), meaning="`dstGap: After`", zone=_BERLIN, after=_GAP, dst_gap=DstGap.AFTER),
    Example(texts=("30 2 * * *",), meaning="`dstOverlap: Both` (the default)", zone=_BERLIN, after=_OVERLAP),
    Example(
        texts=("30 2 * * *",),
        meaning="`dstOverlap: First`",
        zone=_BERLIN,
        after=_OVERLAP,
        dst_overlap=DstOverlap.FIRST,
    ),
    Example(
        texts=("30 2 * * *",), meaning="`dstOverlap: Last`", zone=_BERLIN, after=_OVERLAP, dst_overlap=DstOverlap.LAST
    ),
    Example(
        texts=("15 2 * * *",),
        meaning="`dstGap: After`; this island's gap is half an hour",
        zone="Australia/Lord_Howe",
        after=datetime(2025, 10, 4, 0, tzinfo=UTC),
        dst_gap=DstGap.AFTER,
    ),
)

REFUSED: Final = (
    "60 * * * *",
    "0 24 * * *",
    "*/0 * * * *",
    "30-10 * * * *",
    "0 0 * * FRI-SUN",
    "0 0 30 2 *",
    "* * * *",
    "* * * * * * *",
    "x * * * *",
    "R * * * *",
    "H(0-99) * * * *",
    "0 0 L-3 * *",
    "0 0 * * MON#6",
    "TZ=Europe/Berlin 0 4 * * *",
    "@reboot",
    "@every 500ms",
    "@every 5 minutes",
    "@at 2030-01-31T06:00:00",
    "@at 2030-02-30T06:00:00Z",
    "\u0663 * * * *",
)

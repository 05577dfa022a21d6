"""The measurements: each is taken a few times, the best counts, and a reference is taken the same way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter

from croniter import croniter

from controller.errors import InvalidSchedule
from controller.schedule import Schedule, parse
from tests.unit.hostile import HOSTILE

OBJECTS = 10_000
SHARED = 50
INSTANTS = 10_000
SAMPLE = 500
"""Croniter is slow enough that a part of its work must do; the rest is reckoned."""

ONE_EACH = f"croniter, one for each object ({SAMPLE} taken)"

NOW = datetime(2026, 5, 1, 10, 0, 0, 123_456, tzinfo=UTC)
ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of the table. Times are in seconds."""

    name: str
    goal: float
    figure: float
    reference_name: str
    reference: float

    @property
    def is_met(self) -> bool:
        return self.figure <= self.goal

    @property
    def ratio(self) -> float:
        """How many times the reference the figure is."""
        return self.figure / self.reference


def measures() -> Iterator[Measure]:
    """Every measure, as it is taken."""
    yield from _shared()
    yield _hashed()
    yield _between()
    yield _hostile()


def _best(work: Callable[[], object], times: int = 3) -> float:
    return min(_seconds(work) for _ in range(times))


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def _shared() -> Iterator[Measure]:
    texts = [f"{number} */{1 + number % 7} * * 1-5" for number in range(SHARED)]
    moments = [NOW + timedelta(microseconds=number) for number in range(OBJECTS)]
    rounds = iter(range(1_000))

    def schedules() -> list[Schedule]:
        """The schedule of each object; those of one round remember nothing of the round before."""
        end_at = NOW + timedelta(days=1_000 + next(rounds))  # never met
        return [parse([texts[number % SHARED]], ZONE, end_at=end_at) for number in range(OBJECTS)]

    def ask(asked: list[Schedule]) -> None:
        for schedule, moment in zip(asked, moments, strict=True):
            schedule.next_after(moment)

    def library() -> None:
        for number in range(SAMPLE):
            croniter(texts[number % SHARED], NOW).get_next(datetime)

    prepared = iter([schedules() for _ in range(3)])
    reference = _best(library) * OBJECTS / SAMPLE
    for name, figure in (
        (f"next instant of {OBJECTS:,} objects that share {SHARED} expressions", _best(lambda: ask(next(prepared)))),
        ("the same, and each object's schedule is parsed", _best(lambda: ask(schedules()))),
    ):
        yield Measure(name=name, goal=0.05, figure=figure, reference_name=ONE_EACH, reference=reference)


def _hashed() -> Measure:
    rounds = iter(range(1_000))

    def ours() -> None:
        prefix = f"round-{next(rounds)}"
        for number in range(OBJECTS):
            parse(["H H * * *"], ZONE, hashed_as=f"{prefix}/cron-{number}").next_after(NOW)

    def library() -> None:
        for number in range(SAMPLE):
            croniter("H H * * *", NOW, hash_id=f"team/cron-{number}").get_next(datetime)

    return Measure(
        name=f"next instant of {OBJECTS:,} objects with an H of their own",
        goal=4.0,
        figure=_best(ours, times=2),
        reference_name=ONE_EACH,
        reference=_best(library) * OBJECTS / SAMPLE,
    )


def _between() -> Measure:
    schedule = parse(["*/5 9-17 * * MON-FRI"], ZONE)

    def library() -> None:
        cursor = croniter("*/5 9-17 * * MON-FRI", NOW)
        for _ in range(SAMPLE):
            cursor.get_next(datetime)

    found = schedule.between(NOW, NOW + timedelta(days=3_650), limit=INSTANTS)
    assert len(found) == INSTANTS
    return Measure(
        name=f"{INSTANTS:,} instants with `between`",
        goal=1.0,
        figure=_best(lambda: schedule.between(NOW, found[-1], limit=INSTANTS)),
        reference_name=f"croniter, stepping ({SAMPLE} taken)",
        reference=_best(library) * INSTANTS / SAMPLE,
    )


def _hostile() -> Measure:
    slowest, name = max((_best(partial(_refuse, text)), name) for name, text in HOSTILE.items())
    return Measure(
        name=f"the slowest refusal of {len(HOSTILE)} hostile texts: {name}",
        goal=0.005,
        figure=slowest,
        reference_name="croniter reads `*/5 9-17 * * MON-FRI`",
        reference=_best(lambda: croniter("*/5 9-17 * * MON-FRI", NOW), times=50),
    )


def _refuse(text: str) -> None:
    with contextlib.suppress(InvalidSchedule):
        parse([text], ZONE)

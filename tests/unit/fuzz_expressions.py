"""Throws texts at the schedule engine: `python -m tests.unit.fuzz_expressions [--inputs 100000] [--seed 1]`.

A third of the texts follow the grammar, a third are such texts with a few characters changed, a third are anything.
Each is refused with one short sentence, or gives a schedule whose answers agree with each other and come in time.
Whatever else happens is a bug. `test_fuzz_expressions` runs some inputs, the command as many as one likes.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from time import perf_counter, thread_time

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from controller.errors import InvalidSchedule
from controller.schedule import Schedule, parse
from controller.spec import DstGap, DstOverlap
from tests.unit.hostile import HOSTILE

LONGEST_SENTENCE = 300
LONGEST_SECONDS = 0.2
"""Of this thread, for one input and its dozen questions: a hundred times what is usual."""

STEPS = 4
ROUND = 10_000
"""Inputs of one run of hypothesis, which remembers each of them."""

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Asia/Kolkata",
)

HASHED_AS = ("default/backup", "", "team-a/" + "x" * 253)

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What is thrown: texts, and everything else that `parse` takes, and a moment to ask about."""

    texts: tuple[str, ...]
    moment: datetime
    created_at: datetime | None
    settings: tuple[str, str, DstGap, DstOverlap]
    """The zone, what an H is hashed from, and both policies: one choice, since each costs time."""

    def parse(self) -> Schedule:
        zone, hashed_as, dst_gap, dst_overlap = self.settings
        return parse(
            self.texts,
            zone,
            created_at=self.created_at,
            hashed_as=hashed_as,
            dst_gap=dst_gap,
            dst_overlap=dst_overlap,
        )


# --- What is thrown --------------------------------------------------------------------------------------------------


def _moments(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    return st.integers(0, (last - first) // MICROSECOND).map(lambda passed: first + passed * MICROSECOND)


def _texts_of(low: int, high: int, *more: str) -> list[str]:
    """Texts of one field. They are made here and only chosen by hypothesis, for which each choice costs time."""
    rng = random.Random(f"{low}-{high}")

    def number() -> str:
        return str(rng.randint(low, high) if rng.random() < 0.95 else rng.randint(0, high + 2))

    def item() -> str:
        one, other = sorted((number(), number()), key=int) if rng.random() < 0.95 else (number(), number())
        base = rng.choice((number(), number(), f"{one}-{other}", f"H({one}-{other})", "*", "?", "H", *more))
        return base if rng.random() < 0.7 else f"{base}/{rng.randint(0 if rng.random() < 0.1 else 1, high + 2)}"

    lists = [",".join(item() for _ in range(rng.choice((1, 1, 1, 2, 4)))) for _ in range(1_600)]
    return ["*"] * 400 + lists


_DAY_MARKS = ("L", "LW", "1W", "15W", "31W", "L-3", "l")
_WEEKDAY_MARKS = ("MON-FRI", "sun", "FRIL", "5L", "7L", "1#1", "MON#5", "0#3", "7", "5-7", "L", "sat#2")
_FIELDS = (
    _texts_of(0, 59),
    _texts_of(0, 59),
    _texts_of(0, 23),
    _texts_of(1, 31, *_DAY_MARKS),
    _texts_of(1, 12, "JAN", "feb-MAY", "Dec"),
    _texts_of(0, 7, *_WEEKDAY_MARKS),
)


def _cron(chosen: bytes) -> str:
    """Two bytes choose a field; without those of the first there are five fields."""
    numbers = [int.from_bytes(chosen[at : at + 2]) for at in range(0, len(chosen), 2)]
    fields = zip(_FIELDS[-len(numbers) :], numbers, strict=True)
    return " ".join(texts[number % len(texts)] for texts, number in fields)


_CRON = st.one_of(st.binary(min_size=10, max_size=10), st.binary(min_size=12, max_size=12)).map(_cron)
_MACRO = st.sampled_from(("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@Daily "))
_PART = st.sampled_from(("0s", "1s", "90s", "5m", "1h", "1.5h", ".5m", "1.s", "9h", "1500ms", "3us", "7ns", "1d", "1"))
_DURATION = st.one_of(
    st.lists(_PART, max_size=4).map("".join),
    st.integers(0, 10**20).map("{}s".format),
    st.integers(1, 10**6).map("{}h".format),
)
_INSTANT = st.one_of(
    _moments(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0, tzinfo=None).isoformat()),
    st.sampled_from(("9999-12-31T23:59:59", "0001-01-01T00:00:00", "2024-02-30T00:00:00", "2024-02-29T24:00:00")),
)
_OFFSET = st.sampled_from(("Z", "z", "+00:00", "-23:59", "+23:59", "+05:45", ""))
_AT = st.tuples(st.just("@at "), _INSTANT, _OFFSET).map("".join)
VALID = st.one_of(_CRON, _CRON, _CRON, _MACRO, _DURATION.map("@every {}".format), _AT)
"""Texts of the grammar; not all of them are accepted."""

_SIGNS = "0123456789*/,-?HLWR#@() \tMONFRIJAN:TZ.+evryat"
_CHARACTER = st.one_of(st.sampled_from(_SIGNS), st.sampled_from(_SIGNS), st.characters())


def _mutated(text: str, edits: list[tuple[int, int, str]]) -> str:
    """The text with a few edits: at a place, some characters are replaced, or what is there is doubled."""
    for place, length, middle in edits:
        begin = place % (len(text) + 1)
        end = begin + length
        text = text[:begin] + (middle or text[begin:end] * 2) + text[end:]
    return text


_EDIT = st.tuples(st.integers(0, 40), st.integers(0, 3), st.one_of(_CHARACTER, st.just("")))
_MUTATED = st.builds(_mutated, VALID, st.lists(_EDIT, min_size=1, max_size=3))
_ANYTHING = st.one_of(
    st.text(alphabet=_SIGNS, max_size=40),
    st.text(max_size=40),
    st.text(alphabet=_SIGNS, min_size=240, max_size=258),
    st.sampled_from(list(HOSTILE.values())),
)
TEXTS = st.one_of(VALID, _MUTATED, _ANYTHING)

_MOMENTS = st.one_of(
    _moments(datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)),
    _moments(datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)),
    _moments(FIRST, LAST),
    st.sampled_from((FIRST, LAST, datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2096, 3, 1, tzinfo=UTC))),
)

INPUTS = st.builds(
    Input,
    texts=st.one_of(TEXTS.map(lambda text: (text,)), st.lists(TEXTS, min_size=2, max_size=3).map(tuple)),
    moment=_MOMENTS,
    created_at=st.none() | _MOMENTS,
    settings=st.sampled_from(list(product(ZONES, HASHED_AS, DstGap, DstOverlap))),
)


# --- What is expected ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Score:
    """What came of the inputs so far."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_input: Input | None = None


def check(thrown: Input, score: Score) -> None:
    """Put one input to the engine.

    Raises:
        AssertionError: It breaks a promise. Any other error is a bug as well.
    """
    gc.disable()  # what hypothesis keeps in memory takes longer to look through than an input takes
    try:
        begun = thread_time()
        outcome = _outcome(thrown)
        took = thread_time() - begun
    finally:
        gc.enable()
    score.inputs += 1
    score.outcomes[outcome] += 1
    if took > score.slowest:
        score.slowest, score.slowest_input = took, thrown
    assert took < LONGEST_SECONDS, f"{took:.3f} s"


def _outcome(thrown: Input) -> str:
    try:
        schedule = thrown.parse()
    except InvalidSchedule as refusal:
        sentence = str(refusal)
        assert len(sentence) < LONGEST_SENTENCE, sentence
        assert sentence.isascii(), sentence
        assert sentence.isprintable(), sentence
        return "refused"
    return "fires" if _answers_agree(schedule, thrown.moment) else "nothing follows"


def _answers_agree(schedule: Schedule, moment: datetime) -> bool:
    """Whether anything follows the moment."""
    steps: list[datetime] = []
    instant: datetime | None = moment
    while instant is not None and len(steps) < STEPS:
        following = schedule.next_after(instant)
        assert following is None or following > instant
        steps += [following] if following is not None else []
        instant = following
    if not steps:
        assert schedule.between(moment, LAST, limit=STEPS) == ()
        return False
    first, last = steps[0], steps[-1]
    assert all(step.microsecond == 0 and step.tzinfo is UTC for step in steps)
    assert schedule.between(moment, last, limit=STEPS + 1) == tuple(steps)
    assert schedule.newest(moment, last, limit=STEPS + 1) == tuple(steps)
    assert schedule.latest_at(last, after=moment) == last
    assert schedule.latest_at(first, after=moment) == first
    assert schedule.latest_at(first, after=first) is None
    if first > FIRST + SECOND:
        before = first - SECOND
        assert schedule.latest_at(first, after=before) == first
        assert schedule.next_after(before) == first
        assert before < moment or schedule.latest_at(before, after=moment) is None
    return True


# --- Throwing --------------------------------------------------------------------------------------------------------


def throw(inputs: int, score: Score, *, seeded: int, judge: Callable[[Input, Score], None] = check) -> None:
    """Put so many inputs to the engine; a failure names the smallest input that fails.

    Raises:
        AssertionError: Or whatever else the engine raised.
    """

    @seed(seeded)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(thrown=INPUTS)
    def run(thrown: Input) -> None:
        judge(thrown, score)

    run()


def main(arguments: Sequence[str], say: Callable[[str], None] = print) -> int:
    """Run from the command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.unit.fuzz_expressions", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    score = Score()
    begun = perf_counter()
    round_number = 0
    while score.inputs < options.inputs:
        throw(min(ROUND, options.inputs - score.inputs), score, seeded=options.seed * 1_000 + round_number)
        round_number += 1
    say(f"{score.inputs} inputs in {perf_counter() - begun:.0f} s, none with an uncaught exception")
    say(", ".join(f"{outcome}: {count}" for outcome, count in score.outcomes.most_common()))
    say(f"the slowest took {score.slowest * 1_000:.1f} ms: {score.slowest_input!a:.300}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

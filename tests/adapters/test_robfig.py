"""Our schedules against robfig/cron v3, the library that batch/v1 computes with: they agree, or it is meant.

Every known difference is in `differences`, with its reason. `TEXTS`: what one accepts and the other refuses. `CHANGES`
and `DIFFERENCES`: what the library does where clocks change, when it is not what the clock on the wall says. The few
others have a test each here. A difference that is in none of them fails.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from controller.errors import InvalidSchedule
from controller.schedule import parse
from tests.robfig import program
from tests.robfig.differences import CHANGES, DIFFERENCES, TEXTS, WE_ACCEPT, WE_REFUSE, Change
from tests.robfig.program import NO_END, Answer, Question
from tests.unit import wallclock

ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "America/Asuncion",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Chatham",
    "UTC",
)

SEED = 20_240_331
QUESTIONS = 5_000
STEPS = 12
"""Instants asked for in each question."""

FIRST_YEAR, LAST_YEAR = 2012, 2040  # from 2012 on: the library finds no end before Apia's lost day of 2011


@dataclass(frozen=True, slots=True, kw_only=True)
class Robfig:
    """The library, ready to answer."""

    built: Path
    zones: Path

    def ask(self, *questions: Question) -> list[Answer]:
        return program.ask(self.built, questions, self.zones)


@pytest.fixture(scope="module")
def robfig(tmp_path_factory: pytest.TempPathFactory) -> Robfig:
    if shutil.which("go") is None:
        pytest.skip("needs Go, to build the library that batch/v1 computes with")
    zones = tmp_path_factory.mktemp("zones")
    program.copy_zones(zones, ZONES)
    try:
        return Robfig(built=program.build(), zones=zones)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"{error}\n{error.stderr}")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def aware(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


# --- What is accepted ------------------------------------------------------------------------------------------------

ACCEPTED_BY_BOTH = (
    "* * * * *",
    "0 0 ? * ?",
    "? ? ? ? ?",
    "*/15 0-23/2 1,15 JAN-dec Mon-FRI",
    "5/7 3/5 28/1 2/3 4/2",
    "05 007 * * *",
    "1,,2, * * * *",
    "*/90 * * * *",
    "*/9223372036854775807 * * * *",
    "0-0 0 * * *",
    "0 0 31 2 1",
    " \t 0 0 * * *\n",
    "0 0 * * SUN-SAT",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    "@every 5m",
    "@every 1h30m",
    "@every 1.5h",
    "@every +90s",
    "@every 1s999ms",
    "@every 2000000us",
    "@every 720h",
)

REFUSED_BY_BOTH = (
    "",
    " ",
    "* * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 0 *",
    "* * * 13 *",
    "* * * * 8",
    "30-10 * * * *",
    "* * * * FRI-SUN",
    "*/0 * * * *",
    "*/-1 * * * *",
    "*/ * * * *",
    "/5 * * * *",
    "*/2/3 * * * *",
    "1-2-3 * * * *",
    "-5 * * * *",
    "5- * * * *",
    "1.5 * * * *",
    "0x10 * * * *",
    "1_0 * * * *",
    "** * * * *",
    "5* * * * *",
    "* * * JANUARY *",
    "* * * MON *",
    "JAN * * * *",
    "99999999999999999999999999 * * * *",
    "*/9223372036854775808 * * * *",
    "*\x00 * * * *",
    "² * * * *",
    "٣ * * * *",
    "R * * * *",
    "@reboot",
    "@daily 5",
    "@every",
    "@every 5",
    "@every 5 minutes",
    "@every 1d",
    "0\x1f0\x1f*\x1f*\x1f*",
    "@every 5m,10m",
    "H(0-5 * * * *",
    "* * L-3 * *",
    "* * LW * *",
    "* * * * MON#6",
    "5L * * * *",
)


@pytest.mark.parametrize("text", ACCEPTED_BY_BOTH, ids=ascii)
def test_both_accept(robfig: Robfig, text: str) -> None:
    parse([text])
    assert robfig.ask(Question(expression=text))[0].error == ""


@pytest.mark.parametrize("text", REFUSED_BY_BOTH, ids=ascii)
def test_both_refuse(robfig: Robfig, text: str) -> None:
    assert robfig.ask(Question(expression=text))[0].error
    with pytest.raises(InvalidSchedule):
        parse([text])


@pytest.mark.parametrize(("text", "we", "why"), TEXTS, ids=[ascii(text[:30]) for text, _, _ in TEXTS])
def test_one_accepts_and_the_other_refuses(robfig: Robfig, text: str, we: str, why: str) -> None:
    library_accepts = robfig.ask(Question(expression=text))[0].error == ""
    assert library_accepts == (we == WE_REFUSE), why
    if we == WE_ACCEPT:
        parse([text])
    else:
        with pytest.raises(InvalidSchedule):
            parse([text])


def test_the_library_panics_where_we_refuse(robfig: Robfig) -> None:
    assert robfig.ask(Question(expression="TZ=UTC"))[0].error.startswith("panic: ")
    with pytest.raises(InvalidSchedule, match=r"set spec\.timeZone"):
        parse(["TZ=UTC"])


# --- When it fires ---------------------------------------------------------------------------------------------------

NO_DAY = "The library never comes over a day that a zone leaves out: it searches without an end. We go on."


def test_every_known_cause_is_shown_to_be_true() -> None:
    assert {change.cause for change in DIFFERENCES} == set(CHANGES)


@pytest.mark.parametrize("change", DIFFERENCES, ids=lambda change: f"{change.cause}, {change.zone}")
def test_a_difference_where_clocks_change(robfig: Robfig, change: Change) -> None:
    question = Question(expression=change.expression, zone=change.zone, after=utc(change.after), count=1)
    assert robfig.ask(question)[0].instants == (utc(change.library),), CHANGES[change.cause]
    schedule = parse([change.expression], change.zone)
    assert schedule.next_after(aware(utc(change.after))) == aware(utc(change.ours)), CHANGES[change.cause]


def test_the_library_finds_no_end_where_a_day_is_left_out(robfig: Robfig) -> None:
    lost, other = (
        Question(expression="0 0 31 12 *", zone="Pacific/Apia", after=utc(after), count=1)
        for after in ("2011-12-15", "2012-01-15")
    )
    answers = robfig.ask(lost, other)
    assert [answer.error for answer in answers] == [NO_END, ""], NO_DAY
    assert parse(["0 0 31 12 *"], "Pacific/Apia").next_after(aware(lost.after)) == aware(utc("2011-12-30T10:00"))


def test_the_library_gives_up_after_five_years_and_we_do_not(robfig: Robfig) -> None:
    question = Question(expression="0 0 29 2 *", zone="UTC", after=utc("2096-03-01"), count=1)
    assert robfig.ask(question) == [Answer(instants=(), error="")]
    assert parse(["0 0 29 2 *"]).next_after(aware(question.after)) == aware(utc("2104-02-29"))


@pytest.mark.parametrize("text", ["@every 90m", "@every 2s999ms", "@every 36h", "@every 1h0m0.5s"])
def test_the_library_counts_every_from_now_and_we_from_the_creation(robfig: Robfig, text: str) -> None:
    created = utc("2027-03-28T00:07:13")
    first, later = robfig.ask(
        Question(expression=text, zone="Europe/Berlin", after=created, count=20),
        Question(expression=text, zone="Europe/Berlin", after=created + 1, count=1),  # as after a restart
    )
    schedule = parse([text], "Europe/Berlin", created_at=aware(created))
    assert schedule.between(aware(created), aware(first.instants[-1]), limit=50) == tuple(map(aware, first.instants))
    assert later.instants == (first.instants[0] + 1,)
    assert schedule.next_after(aware(created + 1)) != aware(later.instants[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One step at which the two disagree, from an instant of the library's own."""

    question: Question
    previous: int
    library: int
    ours: int

    def __str__(self) -> str:
        zone = ZoneInfo(self.question.zone)
        previous, library, ours = (
            datetime.fromtimestamp(instant, zone).isoformat() for instant in (self.previous, self.library, self.ours)
        )
        return f"{self.question.expression!r} {zone.key}: after {previous} robfig {library}, ours {ours}"

    def cause(self) -> str | None:
        """A known cause: such a change lies in the way of the library's search, which may go back to the 1st."""
        zone = ZoneInfo(self.question.zone)
        first = datetime.fromtimestamp(self.previous, zone).replace(day=1, hour=0, minute=0, second=0) - timedelta(
            days=1
        )
        changes = known_changes(zone.key)
        index = bisect_left(changes, (int(first.timestamp()), ""))
        if index < len(changes) and changes[index][0] <= max(self.library, self.ours):
            return changes[index][1]
        return None

    def is_ours(self) -> bool:
        """Whether a third opinion agrees with us: the wall clock says that the library leaves out, or makes up, one."""
        earlier = min(self.library, self.ours)
        matches = list(
            wallclock.instants(
                self.question.expression, self.question.zone, aware(earlier) - timedelta(seconds=1), aware(earlier)
            )
        )
        return bool(matches) == (earlier == self.ours)


@lru_cache
def changes_of(zone: str) -> tuple[tuple[int, datetime, datetime], ...]:
    """(instant, the wall clock that would have been, the wall clock that is) of each change of clocks."""
    tz, found = ZoneInfo(zone), []
    begin, end = utc(f"{FIRST_YEAR}-01-01"), utc(f"{LAST_YEAR}-01-01")
    for low in range(begin, end, 86_400):
        before, after = (datetime.fromtimestamp(instant, tz).utcoffset() for instant in (low, low + 86_400))
        if before != after:
            inside = range(low, low + 86_400, 900)  # every change since 2012 is at a quarter of an hour
            change = next(s for s in inside if datetime.fromtimestamp(s + 900, tz).utcoffset() != before) + 900
            assert before is not None
            would_be = (aware(change) + before).replace(tzinfo=None)
            found.append((change, would_be, datetime.fromtimestamp(change, tz).replace(tzinfo=None)))
    return tuple(found)


@lru_cache
def known_changes(zone: str) -> tuple[tuple[int, str], ...]:
    """Those changes near which the library may differ, with the cause."""
    found = []
    for change, would_be, is_now in changes_of(zone):
        earlier, later = sorted((would_be, is_now))
        midnight = datetime.combine((earlier - timedelta(microseconds=1)).date() + timedelta(days=1), time())
        if earlier <= midnight < later:
            found.append((change, "no midnight" if is_now == later else "midnight twice"))
        elif would_be.minute or is_now.minute:
            found.append((change, "off the hour"))
    return tuple(found)


def random_field(rng: random.Random, low: int, high: int) -> str:
    if rng.random() < 0.35:
        return "*"
    items = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        one, other = sorted((rng.randint(low, high), rng.randint(low, high)))
        step = rng.randint(1, high)
        forms = (str(one), f"{one}-{other}", f"{one}-{other}/{step}", f"{one}/{step}", f"*/{step}", "*")
        items.append(rng.choice(forms))
    return ",".join(items)


def random_questions(seed: int, count: int) -> Iterator[Question]:
    """Expressions of five and of six fields, three quarters of them near a change of clocks."""
    rng = random.Random(seed)
    for number in range(count):
        zone = ZONES[number % len(ZONES)]
        changes = changes_of(zone)
        after = rng.randrange(utc(f"{FIRST_YEAR}-01-01"), utc(f"{LAST_YEAR - 6}-01-01"))
        if changes and rng.random() < 0.75:
            near = rng.choice(changes)[0] + rng.randint(-40 * 3600, 24 * 3600)
            after = min(max(near, utc(f"{FIRST_YEAR}-01-01")), utc(f"{LAST_YEAR - 6}-01-01"))
        bounds = [(0, 59), (0, 23), (1, 31), (1, 12) if rng.random() < 0.5 else None, (0, 6)]
        seconds = rng.random() < 0.3
        if seconds:
            bounds.insert(0, (0, 59))
        text = " ".join("*" if bound is None else random_field(rng, *bound) for bound in bounds)
        yield Question(expression=text, seconds=seconds, zone=zone, after=after, count=STEPS)


def differences(question: Question, answer: Answer) -> Iterator[Difference]:
    assert not answer.error, f"the library refuses {question}: {answer.error}"
    try:
        schedule = parse([question.expression], question.zone)
    except InvalidSchedule as refusal:
        assert "never comes" in str(refusal)  # noqa: PT017 - nearly all are valid
        assert not answer.instants, question
        return
    assert len(answer.instants) == question.count, question
    previous = question.after
    for library in answer.instants:
        ours = schedule.next_after(aware(previous))
        assert ours is not None, question
        if int(ours.timestamp()) != library:
            yield Difference(question=question, previous=previous, library=library, ours=int(ours.timestamp()))
        previous = library


def test_random_expressions_fire_alike_and_every_difference_is_known(robfig: Robfig) -> None:
    questions = list(random_questions(SEED, QUESTIONS))
    answers = robfig.ask(*questions)
    compared = sum(len(answer.instants) for answer in answers)
    found = [each for pair in zip(questions, answers, strict=True) for each in differences(*pair)]

    unknown = [str(each) for each in found if each.cause() is None]
    assert not unknown, "\n".join(unknown[:20])
    wrong = [str(each) for each in found if not each.is_ours()]
    assert not wrong, "\n".join(wrong[:20])
    assert compared >= 50_000
    assert len(found) < compared / 100, "they agree nearly everywhere"

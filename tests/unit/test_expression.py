"""The grammar of an expression: what is refused, how it says so, and how fast."""

from __future__ import annotations

from array import array
from time import perf_counter

import pytest

from controller.errors import InvalidSchedule
from controller.schedule.days import Days
from controller.schedule.expression import Expression, _read, read
from controller.schedule.text import MAX_CHARACTERS

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("60 * * * *", "minute: 60 is not between 0 and 59", id="minute too large"),
        pytest.param("* 24 * * *", "hour: 24 is not between 0 and 23", id="hour too large"),
        pytest.param("* * 0 * *", "day of month: 0 is not between 1 and 31", id="day zero"),
        pytest.param("* * 32 * *", "day of month: 32 is not between 1 and 31", id="day too large"),
        pytest.param("* * * 13 *", "month: 13 is not between 1 and 12", id="month too large"),
        pytest.param("* * * 0 *", "month: 0 is not between 1 and 12", id="month zero"),
        pytest.param("* * * * 8", "day of week: 8 is not between 0 and 7", id="weekday too large"),
        pytest.param("60 * * * * *", "second: 60 is not between 0 and 59", id="second too large"),
        pytest.param("* 60 * * * *", "minute: 60", id="with six fields the second field is the minute"),
        pytest.param("0-60 * * * *", "minute: 60 is not between", id="end of a range too large"),
        pytest.param("0,61 * * * *", "minute: 61 is not between", id="in a list"),
        pytest.param("99999999999999999999999999 * * * *", "minute: 9", id="a huge number"),
        pytest.param("*/0 * * * *", "minute: the step is zero", id="step zero"),
        pytest.param("* 1-5/0 * * *", "hour: the step is zero", id="step zero of a range"),
        pytest.param("*/ * * * *", "minute: the step '' is not a number", id="empty step"),
        pytest.param("*/-1 * * * *", "minute: the step '-1' is not a number", id="negative step"),
        pytest.param("*/2/3 * * * *", "minute: the step '2/3' is not a number", id="two steps"),
        pytest.param("30-10 * * * *", "minute: the range 30-10 runs backwards", id="reversed range"),
        pytest.param("* 22-6 * * *", "hour: the range 22-6 runs backwards", id="reversed range over midnight"),
        pytest.param("* * * * FRI-SUN", "day of week: the range FRI-SUN runs backwards", id="Sunday by name is 0"),
        pytest.param("* * * NOV-FEB *", "month: the range NOV-FEB runs backwards", id="reversed months"),
        pytest.param("1-2-3 * * * *", "minute: '2-3' is not a value", id="two hyphens"),
        pytest.param("-5 * * * *", "minute: '' is not a value", id="negative number"),
        pytest.param("5- * * * *", "minute: '' is not a value", id="open range"),
        pytest.param("*-5 * * * *", "minute: '*' is not a value", id="star in a range"),
        pytest.param("+5 * * * *", "minute: '+5' is not a value", id="sign"),
        pytest.param("1.5 * * * *", "minute: '1.5' is not a value", id="fraction"),
        pytest.param(", * * * *", "minute: ',' names no value", id="an empty list"),
        pytest.param("JAN * * * *", "minute: 'JAN' is not a value", id="a name where there is none"),
        pytest.param("* * * MON *", "month: 'MON' is not a value", id="a weekday as month"),
        pytest.param("* * * * JAN", "day of week: 'JAN' is not a value", id="a month as weekday"),
        pytest.param("* * * JANUARY *", "month: 'JANUARY' is not a value", id="a long name"),
        pytest.param("", "it has 0 fields", id="empty"),
        pytest.param("  \t ", "it has 0 fields", id="blank"),
        pytest.param("* * * *", "it has 4 fields; 5 are needed, or 6 with seconds first", id="four fields"),
        pytest.param("* * * * * * *", "it has 7 fields", id="seven fields"),
        pytest.param("TZ=Europe/Berlin 0 4 * * *", "set spec.timeZone", id="TZ"),
        pytest.param("CRON_TZ=UTC 0 4 * * *", "set spec.timeZone", id="CRON_TZ"),
        pytest.param("cron_tz=UTC @daily", "set spec.timeZone", id="CRON_TZ in small letters"),
        pytest.param("R * * * *", "minute: R (a random value) is refused", id="random"),
        pytest.param("R(0-5) * * * *", "minute: R (a random value) is refused", id="random in bounds"),
        pytest.param("r * * * *", "minute: R (a random value) is refused", id="random in small letters"),
        pytest.param("H(0-99) * * * *", "minute: 99 is not between 0 and 59", id="hashed out of bounds"),
        pytest.param("H(30-10) * * * *", "minute: the range 30-10 runs backwards", id="hashed backwards"),
        pytest.param("H(5) * * * *", "minute: 'H(5)' is not a value; bounds are written H(0-59)", id="one bound"),
        pytest.param("H() * * * *", "minute: 'H()' is not a value", id="no bounds"),
        pytest.param("* H(1-3 * * *", "hour: 'H(1-3' is not a value; bounds are written H(0-23)", id="open brackets"),
        pytest.param("H/0 * * * *", "minute: the step is zero", id="hashed step zero"),
        pytest.param("H/x * * * *", "minute: the step 'x' is not a number", id="hashed step that is no number"),
        pytest.param("H-30 * * * *", "minute: H (a hashed value) is no end of a range", id="a range from H"),
        pytest.param("0-H * * * *", "minute: H (a hashed value) is no end of a range", id="a range to H"),
        pytest.param("HH * * * *", "minute: 'HH' is not a value", id="H twice"),
        pytest.param("0 0 31 H(4-4) *", "day of month: 31 never comes in month 4", id="a hashed month too short"),
        pytest.param("0 0 H(30-31) 2 *", "never comes in month 2", id="a hashed day that never comes"),
        pytest.param("L * * * *", "minute: 'L' is known only in a field for days", id="L elsewhere"),
        pytest.param("0 0 * FRIL *", "month: 'FRIL' is known only in a field for days", id="last Friday elsewhere"),
        pytest.param("0 0 * * L", "day of week: L needs a weekday before it, as in FRIL", id="L without a weekday"),
        pytest.param("0 0 L-3 * *", "day of month: L-3 (days before the last) is not supported", id="before the last"),
        pytest.param("0 0 LW * *", "day of month: LW (the last weekday of the month) is not supported", id="LW"),
        pytest.param("0 0 L/2 * *", "day of month: L (the last) stands alone", id="L with a step"),
        pytest.param("0 0 1-L * *", "day of month: L (the last) stands alone", id="L in a range"),
        pytest.param("0 0 * * FRIL/2", "day of week: FRIL (the last) stands alone", id="last Friday with a step"),
        pytest.param("0 0 * * 8L", "day of week: 8 is not between 0 and 7", id="the last 8"),
        pytest.param("0 0 FRIL * *", "day of month: FRIL (the last) stands alone", id="last Friday as day of month"),
        pytest.param("0 0 32W * *", "day of month: 32 is not between 1 and 31", id="nearest to the 32nd"),
        pytest.param("0 0 W * *", "day of month: 'W' is not a value", id="W without a day"),
        pytest.param("0 0 15W/2 * *", "day of month: 15W stands alone, without a range or a step", id="W with a step"),
        pytest.param("0 0 1-15W * *", "day of month: 15W stands alone, without a range or a step", id="W in a range"),
        pytest.param("15W * * * *", "minute: '15W' is known only in a field for days", id="W elsewhere"),
        pytest.param("0 0 * * FRI#0", "day of week: 'FRI#0' is not a value; a number between 1 and 5", id="0th Friday"),
        pytest.param("0 0 * * FRI#6", "day of week: 'FRI#6' is not a value; a number between 1 and 5", id="6th Friday"),
        pytest.param("0 0 * * FRI#", "day of week: 'FRI#' is not a value; a number between 1 and 5", id="# alone"),
        pytest.param("0 0 * * 8#1", "day of week: 8 is not between 0 and 7", id="the first 8"),
        pytest.param("0 0 * * FRI#1/2", "day of week: FRI#1 stands alone", id="# with a step"),
        pytest.param("0 0 * * MON-FRI#2", "day of week: FRI#2 stands alone", id="# in a range"),
        pytest.param("0 0 * * F\x00#-2", "day of week: F\\x00# stands alone", id="# and a zero byte"),
        pytest.param("0 0 1#2 * *", "day of month: 1#2 stands alone", id="# as day of month"),
        pytest.param("@daily 5", "@daily stands alone", id="a macro with more"),
        pytest.param("@every5m", "this macro is not known", id="@every without a blank"),
        pytest.param("@reboot", "this macro is not known; @yearly, @annually", id="@reboot"),
        pytest.param("30 2 31 2 *", "day of month: 31 never comes in month 2", id="31 February"),
        pytest.param("0 0 30,31 feb ?", "day of month: 30,31 never comes in month 2", id="30 and 31 February"),
        pytest.param("0 0 0 30 2 *", "day of month: 30 never comes in month 2", id="30 February, with seconds"),
        pytest.param("0 0 31W 2 *", "day of month: 31W never comes in month 2", id="nearest to 31 February"),
        pytest.param("0 0 31,30W FEB ?", "day of month: 31,30W never comes in month 2", id="both of them"),
        pytest.param("0 0 31W 4,6 *", "day of month: 31W never comes in month 4,6", id="nearest to 31 April"),
        pytest.param("0 0 31 4,6,9,11 *", "day of month: 31 never comes in month 4,6,9,11", id="31st of short months"),
        pytest.param("² * * * *", "not ASCII", id="a digit that is not ASCII"),
        pytest.param("٣ * * * *", "not ASCII", id="an Arabic digit"),
        pytest.param("*\u00a0* * * *", "not ASCII", id="a blank that is not ASCII"),
        pytest.param("*\x00 * * * *", "minute: '*\\x00' is not a value", id="a zero byte"),
        pytest.param("0" * 257 + " * * * *", f"more than {MAX_CHARACTERS} characters", id="too long"),
        pytest.param("0\x1c0 * * *", "it has 4 fields", id="a separator that only Python knows as a blank"),
        pytest.param("\ud800 * * * *", "not ASCII", id="half of a surrogate pair"),
        pytest.param("\uff15 * * * *", "not ASCII", id="a wide digit"),
        pytest.param("* * * * * # comment", "it has 7 fields", id="a comment"),
        pytest.param("%s * * * *", "minute: '%s' is not a value", id="a format"),
    ],
)
def test_a_refusal_names_the_field_and_the_reason(text: str, said: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        read(text)
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("schedule ")
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        pytest.param("@hourly", "0 * * * *", id="@hourly"),
        pytest.param("@daily", "0 0 * * *", id="@daily"),
        pytest.param("@midnight", "0 0 * * *", id="@midnight"),
        pytest.param("@weekly", "0 0 * * 0", id="@weekly"),
        pytest.param("@monthly", "0 0 1 * *", id="@monthly"),
        pytest.param("@yearly", "0 0 1 1 *", id="@yearly"),
        pytest.param("@annually", "0 0 1 1 *", id="@annually"),
        pytest.param(" @Daily\n", "0 0 * * *", id="a macro in any case, with blanks around"),
        pytest.param("\t5  4 *\n* * ", "5 4 * * *", id="any blanks"),
        pytest.param("05 007 * * *", "5 7 * * *", id="leading zeros"),
        pytest.param("1,,2, * * * *", "1,2 * * * *", id="empty items of a list, as robfig reads them"),
        pytest.param("5,1,5,1-2 * * * *", "1,2,5 * * * *", id="unsorted, doubled"),
        pytest.param("50/4 * * * *", "50,54,58 * * * *", id="a step from a value runs to the end"),
        pytest.param("10-20/4 * * * *", "10,14,18 * * * *", id="a step in a range"),
        pytest.param("*/90 * * * *", "0 * * * *", id="a step beyond the field leaves its first value"),
        pytest.param("? ? ? ? ?", "* * * * *", id="question marks"),
        pytest.param("0 0 ? * MON", "0 0 * * 1", id="a question mark for the day"),
        pytest.param("0 0 * jan,Feb,MAR mon-Fri", "0 0 * 1-3 1-5", id="names in any case"),
        pytest.param("0 0 * * 7", "0 0 * * SUN", id="Sunday is 7"),
        pytest.param("0 0 * * 5-7", "0 0 * * 0,5,6", id="a range up to Sunday"),
        pytest.param("0 0 * * 0-7", "0 0 * * *", id="the whole week twice"),
        pytest.param("0 0 * * 5/1", "0 0 * * 5,6", id="a step over weekdays stops at Saturday"),
        pytest.param("0 0 * * 7/2", "0 0 * * 0", id="a step from Sunday as 7"),
        pytest.param("0 4 * * * ", "0 0 4 * * *", id="without seconds, second 0"),
        pytest.param("0 0 1-31 * 1", "0 0 * * *", id="a full list of days or a weekday is every day"),
        pytest.param("0 0 1 * 0-6", "0 0 * * *", id="a day or a full list of weekdays is every day"),
        pytest.param("0 0 1-31 2 1", "0 0 * 2 *", id="every day of a month"),
        pytest.param("0 0 */10 * 0-6", "0 0 * * *", id="a step above 1 restricts, so any weekday is every day"),
        pytest.param("0 0 1,* * 1", "0 0 * * 1", id="a star in a list leaves the days unrestricted"),
        pytest.param("0 0 */1 * 1", "0 0 * * 1", id="a step of 1 leaves the days unrestricted"),
        pytest.param("0 0 31 2 1", "0 0 * 2 1", id="a day that never comes or a weekday"),
        pytest.param("0 0 30,31 2,4 *", "0 0 30 4 *", id="days that never come beside one that does"),
    ],
)
def test_two_spellings_mean_the_same(text: str, same_as: str) -> None:
    one, other = read(text), read(same_as)
    begin, count = 20_000 * DAY + 12_345, 100

    def some(expression: Expression) -> list[int]:
        found: list[int] = []
        while len(found) < count:
            match = expression.first_from(found[-1] + 1 if found else begin)
            assert match is not None
            found.append(match)
        return found

    assert some(one) == some(other)


def test_equal_texts_share_one_expression_unless_they_are_hashed() -> None:
    assert read("1 2 3 4 *", "default/a") is read("1 2 3 4 *", "default/b")
    assert read("0 0 * * THU", "default/a") is read("0 0 * * THU", "default/b")
    assert read("H 2 3 4 *", "default/a") is not read("H 2 3 4 *", "default/b")


HOSTILE = (
    "*" * 256,
    "*," * 128,
    "0-59," * 40 + "0 * * * *",
    "1," * 120 + "1 * * * *",
    "*/1,*/2,*/3,*/4,*/5,*/6,*/7 " * 5,
    "9" * 200 + "-" + "9" * 40 + " * * * *",
    "0-59/" + "9" * 240 + " * * * *",
    "* * 31 2 *",
    "* * 30,31 2 1",
    "H(" * 60 + " * * * *",
    "H," * 120 + "H * * * *",
    "H(0-59)/1," * 25 + "H * * * *",
    "0 0 " + "31W," * 60 + "1W * *",
    "0 0 " + "31W," * 60 + "31W 2 *",
    "0 0 * 2 " + "MON#5," * 40 + "TUE#5",
    "0 0 * 2 MON#5",
    "MON#" * 60 + " * * * *",
    "0 0 1,,,,,,,L" + "," * 200 + " * *",
    "\x00" * 256,
    "\ud800" * 256,
    "٣" * 10_000,
    "H " * 500_000,
    "L" * 1_000_000,
    "L" * 240 + " * * * *",
    "#" * 240 + " * * * *",
    "(" * 10_000,
    "0 " * 100_000,
    "-" * 200 + " * * * *",
    "/" * 200 + " * * * *",
    "@" * 256,
    "\\" * 256,
    "0 0 29 2 *",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_takes_the_loop_for_long(text: str) -> None:
    begun = perf_counter()
    try:
        _read(text, "hostile/text").first_from(4_000_000_000)
    except InvalidSchedule as refusal:
        assert len(str(refusal)) < 700  # noqa: PT017 - either outcome is right
    assert perf_counter() - begun < 0.05  # 5 ms is the rule; a shared machine needs room


def test_a_day_that_never_comes_beside_a_weekday_sends_no_search_through_years() -> None:
    # Left to croniter, each of these steps looks for 31 February first, for as many years as its horizon.
    expression = read("0 0 31 2 1")
    begun = perf_counter()
    local: int | None = 20_000 * DAY
    for _ in range(100):
        assert local is not None
        local = expression.first_from(local + 1)
    assert perf_counter() - begun < 0.5


def test_a_search_for_a_day_that_never_comes_ends_with_none() -> None:
    # croniter raises CroniterBadDateError then. The grammar lets no such days through, so they are made by hand.
    never = Expression(days=Days(months=(2,), lists=("0 0 31 * *",)), minutes=array("H", [0]), seconds=(0,))
    assert never.first_from(20_000 * DAY) is None
    assert never.last_until(20_000 * DAY) is None

"""The grammar of a cron expression: six fields as sorted numbers and marks, or a refusal that names the field.

It exists so that a text is understood once, by our own rules, before any library sees it: no library's `R` that differs
in each process, no range that runs backwards, no list that blocks for seconds. The meaning is that of robfig/cron v3,
which batch/v1 computes with, plus seconds first, Sunday as 7, hashed values and the marks of `days`. As in robfig/cron
`?` is the same as `*` in every field, not only in those of the day, so that no batch/v1 manifest is refused for it.

It knows no calendar and no time zone; `expression` makes local times out of the fields.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from controller.schedule.days import LastDay, LastWeekday, Mark, Nearest, Nth
from controller.schedule.text import AT, EVERY, Refused

_MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Values(NamedTuple):
    """What a field allows."""

    numbers: tuple[int, ...]
    """Sorted; Sunday is 0."""
    unrestricted: bool
    """robfig/cron's star bit; every value is allowed then."""
    marks: tuple[Mark, ...] = ()


class Fields(NamedTuple):
    """An expression, field by field."""

    seconds: Values
    minutes: Values
    hours: Values
    days: Values
    months: Values
    weekdays: Values


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    highest_written: int = 0
    highest_hashed: int = 0


_DAY: Final = _Field("day of month", 1, 31, highest_hashed=28)  # so that a hashed day comes in each month
_MONTH: Final = _Field(
    "month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
)
_WEEKDAY: Final = _Field("day of week", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), highest_written=7)
_FIELDS: Final = (_Field("second", 0, 59), _Field("minute", 0, 59), _Field("hour", 0, 23), _DAY, _MONTH, _WEEKDAY)

_LARGEST_STEP: Final = 2**63 - 1
"""As robfig/cron reads it. One beyond the field leaves its first value, as there."""

_RANDOM: Final = re.compile(r"R|R\(.*")
_NEAREST: Final = re.compile(r"\d+W")


def fields(words: Sequence[str], hashed_as: str) -> Fields:
    """The fields of an expression.

    `H` stands for a fixed value within its bounds: the first 8 bytes (big-endian) of SHA-256 over `hashed_as`, a line
    feed and the name of the field ("second", "minute", "hour", "day of month", "month", "day of week"), modulo the
    number of values. This is a promise: the value never changes with a release. The field counts, so that objects with
    `H H * * *` do not lie on a diagonal of the day. A bare `H` of the day of month is one of 1 to 28. `H/n` begins at
    one of the first n values and goes on in steps of n.

    Args:
        words: The text, split at blanks.
        hashed_as: "namespace/name".

    Raises:
        Refused: It is no expression, or one that is not meant to be one.
    """
    parts = _six(words)
    return Fields(*(_values(of, part, hashed_as) for of, part in zip(_FIELDS, parts, strict=True)))


def _six(words: Sequence[str]) -> Sequence[str]:
    """The six fields as written, seconds first."""
    macro = words[0].lower() if words else ""
    if macro in _MACROS and len(words) > 1:
        raise Refused(f"{macro} stands alone")
    if macro.startswith("@") and macro not in _MACROS:
        raise Refused(f"this macro is not known; {', '.join((*_MACROS, EVERY))} and {AT} are")
    parts = _MACROS[macro].split() if macro in _MACROS else words
    if len(parts) not in (5, 6):
        raise Refused(f"it has {len(parts)} fields; 5 are needed, or 6 with seconds first")
    return parts if len(parts) == 6 else ["0", *parts]


def _values(of: _Field, text: str, hashed_as: str) -> Values:
    numbers: set[int] = set()
    marks: dict[Mark, None] = {}
    unrestricted = False
    for item in filter(None, dict.fromkeys(text.split(","))):  # an empty item is read over, as robfig/cron does it
        mark = _mark(of, item)
        if mark is not None:
            marks[mark] = None
            continue
        some, star = _item(of, item, hashed_as)
        numbers.update(some)
        unrestricted = unrestricted or star
    if not numbers and not marks:
        raise Refused(f"{of.name}: {text!r} names no value")
    if of is _WEEKDAY:
        numbers = {number % 7 for number in numbers}
    return Values(tuple(sorted(numbers)), unrestricted, tuple(marks))


def _item(of: _Field, text: str, hashed_as: str) -> tuple[Iterable[int], bool]:
    """The values of one item of a list, and whether it leaves the field unrestricted."""
    body, slash, step_text = text.partition("/")
    step = _step(of, step_text) if slash else 1
    if body in ("*", "?"):
        # As robfig/cron v3: a step above 1 restricts. Vixie cron asks only for the star.
        return range(of.low, of.high + 1, step), step == 1
    if body.upper() == "H" or body[:2].upper() == "H(":
        return _hashed(of, body, step if slash else None, hashed_as), False
    low, high = _range(of, body)
    if slash and "-" not in body:
        high = max(low, of.high)  # `5/15` means `5-59/15`
    return range(low, high + 1, step), False


def _range(of: _Field, text: str) -> tuple[int, int]:
    low_text, dash, high_text = text.partition("-")
    low = _number(of, low_text)
    high = _number(of, high_text) if dash else low
    if low > high:
        raise Refused(f"{of.name}: the range {text} runs backwards")
    return low, high


def _step(of: _Field, text: str) -> int:
    if not text.isdigit():
        raise Refused(f"{of.name}: the step {text!r} is not a number")
    if int(text) == 0:
        raise Refused(f"{of.name}: the step is zero")
    if int(text) > _LARGEST_STEP:
        raise Refused(f"{of.name}: the step {text} is larger than {_LARGEST_STEP}")
    return int(text)


def _number(of: _Field, text: str) -> int:
    if text.upper() in of.names:
        return of.names.index(text.upper()) + of.low
    if not text.isdigit():
        raise Refused(f"{of.name}: {_why_no_value(of, text)}")
    highest = of.highest_written or of.high
    if not of.low <= int(text) <= highest:
        raise Refused(f"{of.name}: {text} is not between {of.low} and {highest}")
    return int(text)


# --- Hashed values ---------------------------------------------------------------------------------------------------


def _hashed(of: _Field, body: str, step: int | None, hashed_as: str) -> range:
    low, high = of.low, of.highest_hashed or of.high
    if len(body) > 1:
        bounds = body[2:-1]
        if not body.endswith(")") or "-" not in bounds:
            raise Refused(f"{of.name}: {body!r} is not a value; bounds are written H({low}-{high})")
        low, high = _range(of, bounds)
    size = high - low + 1
    digest = hashlib.sha256(f"{hashed_as}\n{of.name}".encode()).digest()
    value = int.from_bytes(digest[:8], "big")
    if step is None:
        only = low + value % size
        return range(only, only + 1)
    return range(low + value % min(step, size), high + 1, step)


# --- Marks -----------------------------------------------------------------------------------------------------------


def _mark(of: _Field, text: str) -> Mark | None:
    """What an item that depends on the month means; None if it is none."""
    word = text.upper()
    if of is _DAY:
        if word == "L":
            return LastDay()
        if word.startswith("L-") and word[2:].isdigit():
            raise Refused(f"{of.name}: {text} (days before the last) is not supported")
        return Nearest(_number(of, word[:-1])) if _NEAREST.fullmatch(word) else None
    if of is _WEEKDAY:
        weekday, number_sign, nth = word.partition("#")
        if number_sign and "-" not in word and "/" not in word:
            return Nth(_number(of, weekday) % 7, _nth(of, text, nth))
        if word.endswith("L") and len(word) > 1 and "-" not in word and "/" not in word:
            return LastWeekday(_number(of, word[:-1]) % 7)
    return None


def _nth(of: _Field, text: str, nth: str) -> int:
    if not nth.isdigit() or not 1 <= int(nth) <= 5:
        raise Refused(f"{of.name}: {text!r} is not a value; a number between 1 and 5 comes after the #")
    return int(nth)


def _why_no_value(of: _Field, text: str) -> str:
    """What to say of a text that is no number and no name of this field."""
    word = text.upper()
    if _RANDOM.fullmatch(word):
        return "R (a random value) is refused: replicas could not agree on it"
    if word == "H":
        return f"H (a hashed value) is no end of a range; its bounds are written H({of.low}-{of.high})"
    if word == "LW":
        return "LW (the last weekday of the month) is not supported"
    if word == "L" and of is _WEEKDAY:
        return "L needs a weekday before it, as in FRIL"
    if word == "L" or (word.endswith("L") and word[:-1] in (*map(str, range(8)), *_WEEKDAY.names)):
        return f"{text} (the last) stands alone, in a field for days" if of in (_DAY, _WEEKDAY) else _only_days(text)
    if _NEAREST.fullmatch(word) or "#" in word:
        return f"{text} stands alone, without a range or a step" if of in (_DAY, _WEEKDAY) else _only_days(text)
    return f"{text!r} is not a value"


def _only_days(text: str) -> str:
    return f"{text!r} is known only in a field for days"

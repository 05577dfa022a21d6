"""Any text at all: it is read or refused, with a sentence for a terminal, and never anything else.

10,000 texts by default, 100,000 with DCRON_DEEP=1 (`make test-deep`).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.errors import InvalidSchedule
from controller.schedule import parse

DEEP = 10 if os.environ.get("DCRON_DEEP") else 1
NOW = datetime(2024, 5, 1, 10, 0, 30, tzinfo=UTC)
PIECES = (
    *"0123456789*?,,-//#HLWR() \t@+.:TZ=\x00\x1c%\\²٣µ\ud800",
    *("H(", ")", "MON", "fri", "JAN", "dec", "15W", "LW", "5L", "#5", "*/", "0-59", "31", "99", "00000"),
    *("@every", "@at", "@daily", "@hourly", "1h", "ms", "2030-01-31", "T06:00:00Z", "+01:00", "CRON_TZ="),
)
FIELDS = (
    ("*", "0", "5", "H", "*/7", "H/9", "1-30/2", "1,2,59"),
    ("*", "0", "H", "H(1-5)", "1-5", "?", "23"),
    ("*", "?", "1", "31", "L", "15W", "1,L,31W", "H"),
    ("*", "2", "JAN", "H", "4-6"),
    ("*", "?", "0", "7", "MON", "FRI#2", "5L", "1-5", "H"),
)


def _text(random: Random) -> str:
    if random.random() < 0.6:
        fields = [random.choice(of) for of in FIELDS]
        if random.random() < 0.2:
            fields.insert(0, random.choice(FIELDS[0]))
        text = " ".join(fields)
        for _ in range(random.choice((0, 0, 1, 2))):
            position = random.randrange(len(text))
            text = text[:position] + random.choice(PIECES) + text[position + random.randrange(2) :]
        return text
    return "".join(random.choice(PIECES) for _ in range(random.choice((1, 3, 9, 30, 90, 300))))


@pytest.mark.parametrize("seed", range(10))
def test_a_text_is_read_or_refused_with_a_sentence_for_a_terminal(seed: int) -> None:
    random = Random(seed)
    read = 0
    for _ in range(1_000 * DEEP):
        text = _text(random)
        try:
            schedule = parse([text], "Europe/Berlin", hashed_as="a/b", created_at=NOW)
        except InvalidSchedule as refusal:
            said = str(refusal)
            assert said.startswith("schedule ") and said.isascii() and said.isprintable() and len(said) < 300, text  # noqa: PT018
        else:
            read += 1
            following = schedule.next_after(NOW)
            assert following is None or following > NOW, text
            assert (
                schedule.between(NOW, NOW + timedelta(hours=1), limit=3)
                == schedule.newest(NOW, NOW + timedelta(hours=1), limit=10_000)[:3]
            ), text
    assert read > 50 * DEEP


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_so_is_a_text_of_any_characters(text: str) -> None:
    try:
        parse([text])
    except InvalidSchedule as refusal:
        assert str(refusal).isascii()  # noqa: PT017 - nearly all are refused


HOSTILE = {
    "a megabyte": "* " * 500_000,
    "a hundred thousand digits": "1" * 100_000 + " * * * *",
    "nested slashes": "*" + "/1" * 120 + " * * * *",
    "thousands of commas": "," * 5_000 + " * * * *",
    "commas up to the limit": "," * 240 + "1 * * * *",
    "a list of ranges": "0-59," * 48 + "0 * * * *",
    "a list of steps": ",".join(f"*/{step}" for step in range(1, 50)) + " * * * *",
    "hashed items": ",".join(f"H(0-{high})" for high in range(1, 28)) + " * * * *",
    "every second of every day": "* * * * * *",
    "dense days": "0 0 " + ",".join(map(str, range(1, 31))) + " * 1-6",
    "nearest weekdays": "0 0 " + ",".join(f"{day}W" for day in range(1, 32)) + " 2 *",
    "the rarest day": "0 0 * 2 " + ",".join(f"{day}#5" for day in range(7)),
    "a leap day": "0 0 29 2 *",
    "a duration of digits": "@every " + "9" * 248,
    "a duration of parts": "@every " + "1s" * 124,
    "a duration of nines behind the point": "@every 1." + "9" * 240 + "h",
    "an instant of digits": "@at " + "9" * 250,
    "brackets": "H(" * 120,
    "zero bytes": "\x00" * 256,
    "surrogates": "\ud800" * 256,
    "unicode digits": "٣" * 256,
    "unicode blanks": "\u2003" * 256,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_takes_five_milliseconds_at_most(text: str) -> None:
    def once(number: int) -> float:
        begun = process_time()
        try:
            # Another zone is another schedule, so nothing is remembered of the whole.
            schedule = parse([text], f"Etc/GMT+{number}", hashed_as=f"hostile/{number}", created_at=NOW)
            schedule.next_after(NOW)
        except InvalidSchedule as refusal:
            assert len(str(refusal)) < 700  # noqa: PT017 - either answer is right
        return process_time() - begun

    once(1)  # the first one pays for imports
    assert min(once(number) for number in range(2, 8)) < 0.005

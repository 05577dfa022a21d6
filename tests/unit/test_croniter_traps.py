"""What croniter 7 does that must never reach an author: each trap is shown on croniter itself, then on the engine.

A trap that a newer croniter has mended makes its test fail here; then the sentence about it in the code can go as well.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from controller.errors import InvalidSchedule
from controller.schedule import parse

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_seconds_are_the_last_field_by_default() -> None:
    last = croniter("30 4 3 * * *", NOON).get_next(datetime)
    assert (last.day, last.hour, last.minute) == (3, 4, 30)
    assert parse(["30 4 3 * * *"]).next_after(NOON) == datetime(2024, 5, 2, 3, 4, 30, tzinfo=UTC)


def test_a_macro_is_hashed_as_soon_as_there_is_a_hash_id() -> None:
    hashed = croniter("@hourly", NOON, hash_id="default/report").get_next(datetime)
    assert hashed.minute != 0
    assert parse(["@hourly"], hashed_as="default/report").next_after(NOON) == NOON + timedelta(hours=1)


def test_a_random_value_differs_in_each_process() -> None:
    program = (
        "from datetime import datetime; from croniter import croniter;"
        "print(croniter('R R R * *', datetime(2024, 1, 1)).get_next(float))"
    )
    runs = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 2
    with pytest.raises(InvalidSchedule, match="replicas could not agree"):
        parse(["R R R * *"])


@pytest.mark.parametrize("text", ["30-10 * * * *", "0 22-6 * * *", "0 0 * * FRI-SUN"])
def test_ranges_that_run_backwards_are_accepted(text: str) -> None:
    croniter(text, NOON)
    with pytest.raises(InvalidSchedule, match="runs backwards"):
        parse([text])


def test_an_absurd_number_is_a_plain_value_error() -> None:
    absurd = "9" * 5_000 + " * * * *"
    with pytest.raises(ValueError, match="integer string conversion") as error:
        croniter(absurd, NOON)
    assert not isinstance(error.value, CroniterBadCronError)
    with pytest.raises(InvalidSchedule, match="more than 256 characters"):
        parse([absurd])
    with pytest.raises(InvalidSchedule, match="is not between 0 and 59"):
        parse(["9" * 240 + " * * * *"])


def test_a_long_list_takes_long() -> None:
    long = ",".join(["0-59"] * 4_000) + " * * * *"
    begun = process_time()
    croniter(long, NOON)
    by_croniter = process_time() - begun
    begun = process_time()
    with pytest.raises(InvalidSchedule):
        parse([long])
    assert (process_time() - begun) * 50 < by_croniter


def test_an_instant_in_a_gap_is_moved() -> None:
    before = datetime(2024, 3, 30, 12, tzinfo=BERLIN)
    moved = croniter("30 2 * * *", before).get_next(datetime)
    assert moved.astimezone(UTC) == datetime(2024, 3, 31, 1, tzinfo=UTC)  # 03:00, a time that nobody asked for
    assert parse(["30 2 * * *"], "Europe/Berlin").next_after(before) == datetime(2024, 4, 1, 0, 30, tzinfo=UTC)


def test_the_second_half_hour_of_lord_howe_is_missed() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    begin, until = datetime(2024, 4, 6, 14, 30, tzinfo=UTC), datetime(2024, 4, 6, 15, 40, tzinfo=UTC)
    times = croniter("*/20 * * * *", begin.astimezone(zone))
    by_croniter = [times.get_next(datetime).astimezone(UTC).strftime("%H:%M") for _ in range(2)]
    assert by_croniter == ["14:40", "15:30"]
    found = parse(["*/20 * * * *"], "Australia/Lord_Howe").between(begin, until, limit=5)
    assert [instant.strftime("%H:%M") for instant in found] == ["14:40", "15:10", "15:30"]


def test_an_expression_that_has_come_to_its_end_raises() -> None:
    with pytest.raises(CroniterBadDateError):
        croniter("0 0 31 2 *", NOON).get_next(datetime)
    once = parse(["@at 2024-05-01T12:00:00Z"])
    assert once.next_after(NOON) is None
    assert parse(["* * * * *"], end_at=NOON).next_after(NOON) is None


def test_the_nearest_weekday_stands_alone_drops_other_days_and_comes_in_months_without_the_day() -> None:
    with pytest.raises(CroniterBadCronError, match="not in a list"):
        croniter("0 0 15W,20 * *", NOON)
    assert croniter("0 0 15W * 1", NOON).get_next(datetime) == datetime(2024, 5, 15, tzinfo=UTC)  # not Monday the 6th
    assert croniter("0 0 31W 6 *", NOON).get_next(datetime) == datetime(2024, 6, 28, tzinfo=UTC)
    assert parse(["0 0 15W,20 * *"]).next_after(NOON) == datetime(2024, 5, 15, tzinfo=UTC)
    assert parse(["0 0 15W * 1"]).next_after(NOON) == datetime(2024, 5, 6, tzinfo=UTC)
    with pytest.raises(InvalidSchedule, match="31W never comes in month 6"):
        parse(["0 0 31W 6 *"])


def test_the_last_weekday_is_spelled_the_other_way_round() -> None:
    with pytest.raises(CroniterBadCronError):
        croniter("0 0 * * 5L", NOON)
    assert parse(["0 0 * * 5L"]).next_after(NOON) == datetime(2024, 5, 31, tzinfo=UTC)


def test_a_numbered_weekday_does_not_mix_with_a_plain_one() -> None:
    with pytest.raises(CroniterBadCronError):
        croniter("0 0 * * 1,5#2", NOON)
    found = parse(["0 0 * * 1,5#2"]).between(NOON, NOON + timedelta(days=14), limit=5)
    assert [instant.day for instant in found] == [6, 10, 13]

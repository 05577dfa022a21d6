"""When other nodes make so many Jobs that books had better wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.herds import LONGEST
from controller.rush import BEHIND, COURTESY, HESITATION, MANY, PAUSE, QUIET, WITHIN, Rush

MOMENT = timedelta(hours=1)
STEP = WITHIN / MANY


def seen(count: int, *, every: timedelta = STEP) -> tuple[Rush, timedelta]:
    """So many Jobs of others, one after the other, and when the last was seen."""
    rush = Rush()
    for number in range(count):
        rush.note(MOMENT + number * every)
    return rush, MOMENT + (count - 1) * every


def test_many_jobs_in_a_short_time_are_a_rush() -> None:
    rush, last = seen(MANY)
    assert rush.lasts(last)


def test_a_few_jobs_are_none() -> None:
    rush, last = seen(MANY - 1)
    assert not rush.lasts(last)


def test_many_jobs_over_a_longer_time_are_none() -> None:
    rush, last = seen(3 * MANY, every=2 * STEP)
    assert not rush.lasts(last)


@pytest.mark.parametrize(("together", "pause"), [(11, 0.105), (13, 0.13), (40, 0.13)])
def test_a_rush_has_no_gaps_where_jobs_are_shown_some_at_a_time(together: int, pause: float) -> None:
    """The Job watch is read so in a herd (`stream`): a hundred Jobs a second, or more, each time a little late."""
    rush, at = Rush(), MOMENT
    for _ in range(MANY // together + 1):
        at += timedelta(seconds=pause)
        for _ in range(together):
            rush.note(at)
    for _ in range(20):
        at += timedelta(seconds=pause)
        assert rush.lasts(at)
        for _ in range(together):
            rush.note(at)


def test_it_ends_soon_after_the_last_job() -> None:
    rush, last = seen(100, every=timedelta(0))
    assert rush.lasts(last + QUIET)
    assert not rush.lasts(last + QUIET + timedelta(milliseconds=1))


def test_it_begins_again_with_the_next_herd() -> None:
    rush, last = seen(100, every=timedelta(0))
    again = last + timedelta(minutes=1)
    rush.note(again)
    assert not rush.lasts(again)
    for _ in range(MANY - 1):
        rush.note(again)
    assert rush.lasts(again)


def goes_on(rush: Rush, since: timedelta, until: timedelta, *, pause: timedelta = STEP) -> timedelta:
    """Others make many Jobs at once, again and again; gives when the last were seen."""
    at = since
    while at + pause < until:
        at += pause
        for _ in range(MANY):
            rush.note(at)
    return at


def test_books_wait_for_the_end_of_a_herd_and_not_for_what_goes_on_for_ever() -> None:
    rush, last = seen(MANY)
    assert rush.courtesy(last) == LONGEST
    last = goes_on(rush, last, MOMENT + LONGEST)
    assert rush.courtesy(last) == LONGEST
    last = goes_on(rush, last, MOMENT + LONGEST + timedelta(seconds=1))
    assert rush.courtesy(last) == COURTESY
    assert rush.courtesy(last + timedelta(seconds=1)) == timedelta(0)


def test_what_fires_in_each_second_is_no_herd_after_a_while() -> None:
    rush = Rush()
    last = goes_on(rush, MOMENT, MOMENT + LONGEST + timedelta(seconds=3), pause=timedelta(seconds=1))
    assert rush.courtesy(last) == COURTESY


def test_books_wait_for_all_that_fires_while_firings_come_late() -> None:
    rush = Rush()
    last = goes_on(rush, MOMENT, MOMENT + LONGEST + timedelta(seconds=3))
    rush.note_waiting(True, last - BEHIND)
    rush.note_waiting(True, last)
    assert (rush.courtesy(last), rush.hesitation(last)) == (COURTESY, HESITATION)
    rush.note_waiting(True, last + timedelta(milliseconds=1))
    rush.note_waiting(False, last + timedelta(milliseconds=2))
    assert (rush.courtesy(last), rush.hesitation(last)) == (LONGEST, LONGEST)
    assert rush.courtesy(last + timedelta(seconds=1)) == timedelta(0), "others make none"
    last = goes_on(rush, last, last + PAUSE + timedelta(seconds=1))
    assert (rush.courtesy(last), rush.hesitation(last)) == (COURTESY, HESITATION)


def test_firings_that_wait_now_and_then_are_not_late() -> None:
    rush = Rush()
    for number in range(20):
        rush.note_waiting(number % 2 == 0, MOMENT + number * BEHIND)
    assert rush.hesitation(MOMENT + 20 * BEHIND) == HESITATION


def test_the_herd_of_the_next_minute_is_another_one() -> None:
    rush = Rush()
    last = goes_on(rush, MOMENT, MOMENT + timedelta(seconds=20))
    again = last + PAUSE + timedelta(seconds=20)
    for _ in range(MANY):
        rush.note(again)
    assert rush.courtesy(again) == LONGEST

"""When other nodes make so many Jobs that books had better wait."""

from __future__ import annotations

from datetime import timedelta

from controller.rush import MANY, WITHIN, Rush

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


def test_it_ends_soon_after_the_last_job() -> None:
    rush, last = seen(100, every=timedelta(0))
    assert rush.lasts(last + WITHIN)
    assert not rush.lasts(last + WITHIN + timedelta(milliseconds=1))


def test_it_begins_again_with_the_next_herd() -> None:
    rush, last = seen(100, every=timedelta(0))
    again = last + timedelta(minutes=1)
    rush.note(again)
    assert not rush.lasts(again)
    for _ in range(MANY - 1):
        rush.note(again)
    assert rush.lasts(again)

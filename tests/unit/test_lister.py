"""What is known of objects and Jobs without asking: newer beats older, whichever way it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.jobs import Job
from controller.lister import LIST_TAKES, REMEMBER_ENDED, CronJobLister, JobLister
from controller.spec import CronJob
from tests.unit.builders import UID, at, cron_job, job, key


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


START = seconds(0)


def version(number: int, *, uid: str = UID, name: str = "report") -> CronJob:
    return replace(cron_job(), resource_version=str(number), uid=uid, key=key(name))


# --- objects --------------------------------------------------------------------------------------------------------


def test_a_newer_state_replaces_an_older_one_and_never_the_other_way_round() -> None:
    lister = CronJobLister()
    assert lister.see(version(9))
    assert lister.see(version(10))
    assert not lister.see(version(10))
    assert not lister.see(version(9))
    assert lister.get(key()) == version(10)


def test_objects_are_found_by_key_and_by_uid() -> None:
    lister = CronJobLister()
    lister.see(version(1))
    lister.see(version(2, uid="other", name="other"))
    assert lister.key_of("other") == key("other")
    assert lister.key_of("nobody") is None
    assert lister.get(key("nobody")) is None
    assert {one.key for one in lister} == {key(), key("other")}
    assert len(lister) == 2


def test_an_object_made_again_under_the_same_name_takes_the_place_of_the_earlier_one() -> None:
    lister = CronJobLister()
    lister.see(version(1))
    lister.see(version(5, uid="again"))
    assert lister.key_of("again") == key()
    assert lister.key_of(UID) is None


def test_the_deletion_of_an_object_does_not_touch_the_one_made_again_under_its_name() -> None:
    lister = CronJobLister()
    lister.see(version(5, uid="again"))
    lister.forget(key(), UID)
    assert lister.get(key()) is not None
    lister.forget(key(), "again")
    assert lister.get(key()) is None
    assert lister.key_of("again") is None
    lister.forget(key(), "again")


def test_an_answer_that_was_under_way_does_not_bring_back_an_object_that_is_gone() -> None:
    lister = CronJobLister()
    lister.see(version(5))
    lister.forget(key(), UID)
    assert not lister.see(version(5))
    lister.wrote(version(6), sent_at=START)
    assert lister.get(key()) is None
    assert lister.see(version(7, uid="again"))


def test_only_so_many_objects_that_are_gone_are_remembered() -> None:
    lister = CronJobLister()
    for number in range(REMEMBER_ENDED + 1):
        lister.forget(key(), f"uid-{number}")
    assert lister.see(version(1, uid="uid-0"))
    lister.forget(key(), "uid-0")
    assert not lister.see(version(2, uid="uid-2"))


def test_an_object_that_is_left_alone_is_not_kept_and_not_missed() -> None:
    lister = CronJobLister()
    lister.see(version(1))
    lister.leave_alone(version(2).key, UID, "2")
    assert lister.get(version(2).key) is None
    assert not lister.is_behind(version(2).key, UID, "2")
    assert lister.is_behind(version(2).key, UID, "3")
    assert lister.is_behind(version(2).key, "another", "2")
    lister.see(version(3))
    assert lister.get(version(3).key) == version(3)


def test_a_watch_that_was_faster_than_the_answer_to_a_write_is_fresh() -> None:
    lister = CronJobLister()
    lister.watch_came_to("5")
    lister.wrote(version(5), sent_at=seconds(10))
    assert lister.is_fresh(seconds(12))
    assert not lister.is_fresh(seconds(14))


def test_the_watch_is_not_known_to_be_fresh_before_it_has_shown_a_write_of_ours() -> None:
    lister = CronJobLister()
    lister.watch_came_to("1")
    assert not lister.is_fresh(START)
    lister.wrote(version(4), sent_at=seconds(10))
    assert not lister.is_fresh(seconds(10))
    lister.watch_came_to("3")
    assert not lister.is_fresh(seconds(10))


def test_the_watch_is_fresh_for_three_seconds_from_the_sending_of_a_write_that_it_has_shown() -> None:
    lister = CronJobLister()
    lister.wrote(version(4), sent_at=seconds(10))
    lister.watch_came_to("4")
    assert lister.is_fresh(seconds(13))
    assert not lister.is_fresh(seconds(13.1))


def test_a_change_of_any_object_after_a_write_shows_that_the_watch_has_passed_the_write() -> None:
    lister = CronJobLister()
    lister.wrote(version(4), sent_at=seconds(10))
    lister.wrote(version(6), sent_at=seconds(12))
    lister.wrote(version(8), sent_at=seconds(14))
    lister.watch_came_to("7")
    assert lister.is_fresh(seconds(15))
    assert not lister.is_fresh(seconds(15.1))


@pytest.mark.parametrize(
    ("name", "uid", "resource_version", "behind"),
    [
        ("report", UID, "5", False),
        ("report", UID, "4", False),
        ("report", UID, "6", True),
        ("report", "again", "6", True),
        ("other", UID, "1", True),
    ],
    ids=["as new", "older", "newer", "made again", "never seen"],
)
def test_what_is_seen_is_behind_if_a_newer_state_exists(
    name: str, uid: str, resource_version: str, behind: bool
) -> None:
    lister = CronJobLister()
    lister.see(version(5))
    assert lister.is_behind(key(name), uid, resource_version) is behind


def test_versions_are_numbers_not_words() -> None:
    lister = CronJobLister()
    lister.see(version(9))
    assert lister.see(version(10))


# --- Jobs -----------------------------------------------------------------------------------------------------------


CRON = cron_job()


def seen(scheduled: str = "12:00", *, rv: int = 1, **changes: Any) -> Job:
    return replace(job(CRON, scheduled), version=rv, **changes)


def knowing(*jobs: Job) -> JobLister:
    lister = JobLister()
    for one in jobs:
        lister.see(one, elapsed=START)
    return lister


def test_jobs_are_known_by_the_uid_of_their_object() -> None:
    foreign = seen("12:05", owner_uid="other")
    lister = knowing(seen(), foreign)
    assert lister.of(UID) == (seen(),)
    assert lister.of("nobody") == ()
    assert set(lister) == {seen(), foreign}


def test_news_of_a_job_is_told_from_what_is_known() -> None:
    lister = JobLister()
    assert lister.see(seen(rv=5), elapsed=START)
    assert not lister.see(seen(rv=5), elapsed=START)
    assert lister.see(seen(rv=6, finished_at=at("12:01")), elapsed=START)


def test_an_older_state_of_a_job_says_nothing() -> None:
    lister = knowing(seen(rv=5, finished_at=at("12:01"), succeeded=True))
    assert not lister.see(seen(rv=4), elapsed=START)
    assert lister.of(UID)[0].finished_at == at("12:01")


def test_a_finished_job_never_becomes_active_again() -> None:
    lister = knowing(seen(rv=5, finished_at=at("12:01"), succeeded=True))
    lister.see(seen(rv=6, gone=True), elapsed=START)
    (found,) = lister.of(UID)
    assert (found.gone, found.finished_at, found.succeeded) == (True, at("12:01"), True)


def test_a_job_that_is_gone_never_comes_back() -> None:
    lister = knowing(seen(rv=5), seen(rv=3, gone=True))
    assert not lister.see(seen(rv=9), elapsed=START)
    assert lister.of(UID)[0].gone


def test_another_job_under_the_same_name_takes_its_place() -> None:
    lister = knowing(seen(gone=True))
    again = seen(rv=9, uid="another")
    assert lister.see(again, elapsed=START)
    assert lister.of(UID) == (again,)


def test_a_job_that_we_have_deleted_is_gone_at_once() -> None:
    lister = knowing(seen(rv=5))
    lister.gone(seen(rv=1), elapsed=START)
    assert lister.of(UID) == (seen(rv=5, gone=True),)


def test_a_deleted_job_that_was_never_seen_is_remembered() -> None:
    lister = JobLister()
    lister.gone(seen(), elapsed=START)
    assert lister.of(UID) == (seen(gone=True),)


def test_the_deletion_of_a_job_does_not_touch_another_one_under_its_name() -> None:
    again = seen(uid="another")
    lister = knowing(again)
    lister.gone(seen(), elapsed=START)
    assert lister.of(UID) == (again,)


def test_a_deleted_job_is_remembered_for_ten_minutes() -> None:
    lister = knowing(seen(), seen("12:05"))
    lister.gone(seen(), elapsed=seconds(60))
    lister.see(seen("12:10"), elapsed=seconds(660))
    assert len(lister.of(UID)) == 3
    lister.see(seen("12:15"), elapsed=seconds(660.1))
    assert lister.of(UID) == (seen("12:05"), seen("12:10"), seen("12:15"))


def test_nothing_is_left_of_an_object_whose_jobs_are_all_forgotten() -> None:
    lister = knowing(seen(gone=True))
    lister.see(seen(owner_uid="other"), elapsed=seconds(601))
    assert lister.of(UID) == ()
    assert list(lister) == [seen(owner_uid="other")]


def test_forgetting_a_deleted_job_leaves_another_one_under_its_name() -> None:
    again = seen(rv=9, uid="another")
    lister = knowing(seen(gone=True), again)
    lister.see(seen("12:05"), elapsed=seconds(601))
    assert lister.of(UID) == (again, seen("12:05"))


def test_a_complete_list_tells_what_is_new_and_what_is_gone() -> None:
    foreign = seen(owner_uid="other")
    lister = knowing(seen(), seen("12:05"), foreign)
    news = lister.relist([seen("12:05"), seen("12:10")], elapsed=START + LIST_TAKES)
    assert set(news) == {seen("12:10"), seen(gone=True), replace(foreign, gone=True)}
    assert lister.relist([seen("12:05"), seen("12:10")], elapsed=START) == ()


@pytest.mark.parametrize(
    ("asked_at", "gone"), [(9.9, False), (10, True), (None, False)], ids=["before", "after", "not known"]
)
def test_a_job_that_was_first_seen_after_the_list_was_asked_for_is_not_gone(asked_at: float | None, gone: bool) -> None:
    lister = JobLister()
    lister.see(seen(), elapsed=seconds(10))
    asked = None if asked_at is None else seconds(asked_at)
    lister.relist([], elapsed=seconds(11), asked_at=asked)
    assert lister.of(UID) == (seen(gone=gone),)


def test_a_list_of_one_objects_jobs_says_nothing_of_the_others() -> None:
    foreign = seen(owner_uid="other")
    lister = knowing(seen(), foreign)
    assert lister.relist([], owner_uid=UID, elapsed=START + LIST_TAKES) == (seen(gone=True),)
    assert lister.of("other") == (foreign,)

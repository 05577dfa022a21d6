"""Statuses are read once for each version of an object, and of so many objects only."""

from __future__ import annotations

from dataclasses import replace

from controller.readings import Readings
from controller.spec import CronJob
from tests.unit.builders import at, cron_job, settled


def carrying(through: str, uid: str = "uid-1") -> CronJob:
    bare = cron_job()
    return replace(cron_job(status=settled(bare, through)), uid=uid)


def test_a_version_is_read_once_and_the_next_one_anew() -> None:
    readings, cron = Readings(), carrying("12:00")
    read = readings.of(cron)
    assert read.settled_through == at("12:00")
    assert readings.of(cron) is read
    assert readings.of(carrying("12:05")).settled_through == at("12:05")


def test_of_more_objects_than_are_kept_those_that_were_read_last_are() -> None:
    readings, crons = Readings(kept=2), [carrying("12:00", uid=f"uid-{number}") for number in range(3)]
    first, *others = [readings.of(cron) for cron in crons]
    assert all(readings.of(cron) is read for cron, read in zip(crons[1:], others, strict=True))
    assert readings.of(crons[0]) is not first


def test_an_object_that_is_gone_is_forgotten() -> None:
    readings, cron = Readings(), carrying("12:00")
    read = readings.of(cron)
    readings.forget(cron.uid)
    assert readings.of(cron) is not read

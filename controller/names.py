"""The names of Jobs: the first lock against firing twice.

A name is a function of the object's name and UID and of what the Job stands for, so two replicas that fire the same
meet at the API server. Nothing else decides; no name is ever made up a second time.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from controller.spec import CronJob

MAX_NAME_LENGTH = 63
"""Longest Job name: the Job controller copies it into a label of the pods."""
_HASH_LENGTH = 10


def name_for(cron_job: CronJob, scheduled_at: datetime) -> str:
    """The name of the Job for an instant of the schedule: `<name>-<UTC yyyymmddhhmmss>-<10 hex of UID>`.

    A name that would pass 63 characters is cut and keeps a digest of the whole, so that names stay distinct.
    """
    return _named(cron_job, f"-{_digits(scheduled_at)}-{cron_job.uid.replace('-', '')[:_HASH_LENGTH]}")


def manual_name(cron_job: CronJob, value: str) -> str:
    """The name of the Job for a manual run: `<name>-m-<10 hex of UID and value>`."""
    return _named(cron_job, f"-m-{_digest(f'{cron_job.uid} {value}')}")


def backfill_name(cron_job: CronJob, interval: str, scheduled_at: datetime) -> str:
    """The name of the Job for an instant of a backfill: `<name>-b<yyyymmddhhmmss>-<10 hex of UID and interval>`."""
    return _named(cron_job, f"-b{_digits(scheduled_at)}-{_digest(f'{cron_job.uid} {interval}')}")


def fit(name: str, length: int) -> str:
    """The name itself if it has at most `length` characters; else its head and a digest of the whole, which has."""
    if len(name) <= length:
        return name
    head = name[: length - _HASH_LENGTH - 1].rstrip("-.")
    return f"{head}-{_digest(name)}"


def _named(cron_job: CronJob, suffix: str) -> str:
    return fit(cron_job.key.name, MAX_NAME_LENGTH - len(suffix)) + suffix


def _digits(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%d%H%M%S}"


def _digest(text: str) -> str:
    """Ten hexadecimal digits that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_HASH_LENGTH]

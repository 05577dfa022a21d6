"""What happened on a `FakeApiServer`, as values on true time: the evidence that invariants are asserted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from controller.jobs import Job
from controller.messages import Event
from controller.spec import Key


class What(StrEnum):
    """What can happen to a Job."""

    CREATED = "created"
    FINISHED = "finished"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened to a Job.

    Attributes:
        at: True time.
        job: As it was right after.
        node: The replica that asked for it; None for the test itself, the Job controller and garbage collection.
        generation: The generation of the object that the Job names in its annotation.
        actual_generation: The generation that the object had at that moment; None if it was gone.
        trigger_id: Which manual run, or which backfill, as the Job says.
    """

    at: datetime
    what: What
    job: Job
    node: str | None
    generation: int | None
    actual_generation: int | None
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit of an object by its author: made, spec changed, or deleted (`spec` is None)."""

    at: datetime
    key: Key
    uid: str
    generation: int
    spec: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """The annotations of an object as they stand from a moment on.

    Attributes:
        at: True time.
        born: The object was made with them.
    """

    at: datetime
    key: Key
    uid: str
    annotations: Mapping[str, str]
    born: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWrite:
    """One status write that went through."""

    at: datetime
    key: Key
    uid: str
    node: str
    settled_through: str | None
    last_schedule_time: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedEvent:
    """One Event as it was posted."""

    at: datetime
    node: str
    event: Event

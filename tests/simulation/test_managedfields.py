"""What the fake API server says of writers is what the real one says: read back through the project's own readers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.requests import SUSPEND_UNTIL, TRIGGER
from controller.spec import CronJob, Key
from tests.fakes.apiserver import FakeApiServer

NOON = datetime(2026, 1, 1, 12, 0, 0, 700_000, tzinfo=UTC)
KEY = Key("ns", "report")
SPEC = {"schedule": "* * * * *"}


class Wall:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.server = FakeApiServer(now=lambda: NOON + timedelta(seconds=self.seconds))

    def annotate(self, seconds: float, **changes: str | None) -> CronJob:
        self.seconds = seconds
        names = {"trigger": TRIGGER, "until": SUSPEND_UNTIL}
        return self.server.annotate(KEY, {names[name]: value for name, value in changes.items()})


def whole(seconds: float) -> datetime:
    return NOON.replace(microsecond=0) + timedelta(seconds=seconds)


def test_an_annotation_is_a_new_version_of_the_object_and_no_edit_of_its_spec() -> None:
    wall = Wall()
    made = wall.server.apply(*KEY, SPEC)
    annotated = wall.annotate(10, trigger="one")
    assert annotated.resource_version != made.resource_version
    assert annotated.generation == made.generation
    assert annotated.edited_at == made.edited_at == whole(0)
    assert (annotated.requests.trigger, annotated.requests.made_at) == ("one", whole(10))
    assert wall.annotate(20, trigger="one").resource_version == annotated.resource_version


def test_the_removal_of_an_annotation_is_not_dated() -> None:
    wall = Wall()
    wall.server.apply(*KEY, SPEC)
    wall.annotate(10, trigger="one", until="2026-01-01T13:00:00Z")
    removed = wall.annotate(20, until=None)
    assert removed.requests.pause is None
    assert removed.requests.made_at == whole(10)
    assert wall.annotate(30, trigger=None).requests.made_at is None


def test_an_edit_of_the_spec_leaves_annotations_alone() -> None:
    wall = Wall()
    wall.server.apply(*KEY, SPEC)
    wall.annotate(10, trigger="one")
    wall.seconds = 20
    edited = wall.server.suspend(KEY)
    assert (edited.requests.trigger, edited.requests.made_at) == ("one", whole(10))
    assert edited.edited_at == whole(20)


def test_what_an_object_is_made_with_is_told_from_what_it_is_given() -> None:
    wall = Wall()
    wall.server.apply(*KEY, SPEC, {TRIGGER: "old"})
    wall.annotate(5, trigger="new")
    assert [(one.annotations[TRIGGER], one.born) for one in wall.server.annotated] == [("old", True), ("new", False)]

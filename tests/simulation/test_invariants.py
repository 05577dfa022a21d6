"""Each invariant can fail: hand-made histories, one that is valid and one for each way to break it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.happenings import What
from tests.simulation.course import Violation
from tests.simulation.invariants import check
from tests.simulation.stories import Story, at, text


def found(story: Story) -> list[Violation]:
    return check(story.evidence)


def rules(story: Story) -> set[str]:
    return {violation.rule for violation in found(story)}


def edited_twice(due: int) -> Story:
    """The Jobs of two schedules that an edit has ended each, settled by one write after both edits."""
    between = {"schedule": "25 * * * * *"}
    story = Story().apply().fire(10).create(20).apply(21, generation=2, **between).create(25, generation=2)
    story.apply(25.3, generation=3, schedule="50 * * * * *")
    recent = [{"scheduledAt": text(at(instant)), "reason": "Created"} for instant in (10, 20, 25)]
    told = {"recent": recent, "counts": {"due": due, "created": due}, "lastScheduleTime": text(at(25))}
    story.tell(25.9, generation=3, settledThrough=text(at(25)), **told)
    return story.until(45)


def hashed_and_suspended(due: int = 1, instant: float = 4) -> Story:
    """An H that nothing shows but an outcome: of its first instant, at 4, due at 7, told after a suspension at 7.2."""
    hashed: dict[str, Any] = {"schedule": "H/6 * * * * *", "jitterSeconds": 4}
    story = Story().apply(6.7, **hashed).apply(7.2, generation=2, suspend=True, **hashed)
    through, counts = text(at(instant)), {"due": due, "missed": due}
    recent = [{"scheduledAt": through, "reason": "MissedEdit"}]
    return story.tell(7.8, generation=2, owner="node-1", settledThrough=through, recent=recent, counts=counts)


VALID = {
    "an H that only an outcome shows": hashed_and_suspended(),
    "all fired": Story().apply().fire(10, 20, 30, 40, 50),
    "a job that has been deleted since": Story()
    .apply()
    .fire(10)
    .happen(What.FINISHED, 10, 12)
    .happen(What.DELETED, 10, 45, node="node-1", finished_at=at(12))
    .fire(20, 30, 40, 50),
    "late because of a death": Story()
    .apply()
    .fire(10)
    .strike(18)
    .create(20, late=5)
    .settle(20, late=6)
    .fire(30, 40, 50),
    "skipped while an earlier job runs": Story()
    .apply(concurrencyPolicy="Forbid")
    .fire(10)
    .settle(20, "SkippedForbid")
    .happen(What.FINISHED, 10, 21)
    .create(30)
    .happen(What.FINISHED, 30, 31)
    .settle(30)
    .settle(40, "SkippedSuspended")
    .apply(39.5, generation=2, concurrencyPolicy="Forbid", suspend=True),
    "past its deadline because of a death": Story()
    .apply(startingDeadlineSeconds=3)
    .fire(10)
    .strike(19)
    .settle(20, "MissedDeadline", late=6)
    .fire(30, 40, 50),
    "replaced by a newer one": Story()
    .apply(concurrencyPolicy="Replace")
    .fire(10)
    .happen(What.DELETED, 10, 20.05, node="node-1")
    .fire(20)
    .happen(What.FINISHED, 20, 21)
    .fire(30)
    .happen(What.DELETED, 30, 40.05, node="node-1")
    .fire(40)
    .happen(What.FINISHED, 40, 41)
    .fire(50),
    "suspended": Story().apply(suspend=True),
    "deleted": Story().apply().fire(10).delete(15),
    "edited": Story()
    .apply()
    .fire(10)
    .apply(25.3, generation=2, schedule="40 * * * * *")
    .create(20)
    .settle(20)
    .create(40, generation=2)
    .settle(40, generation=2),
    "edited twice": edited_twice(due=3),
}

BROKEN = {
    "duplicate": ("S1", Story().apply().fire(10, 20, 30, 40, 50).create(30, late=0.3, uid="again")),
    "duplicate of a deleted job": (
        "S1",
        Story()
        .apply()
        .fire(10, 20, 30, 40, 50)
        .happen(What.FINISHED, 30, 31)
        .happen(What.DELETED, 30, 32, node="node-1", finished_at=at(31))
        .create(30, late=5, uid="again"),
    ),
    "invented": ("S2", Story().apply().fire(10, 20, 30, 40, 50).create(35)),
    "of a generation that never was": ("S2", Story().apply().fire(10, 20, 30, 40).fire(50, generation=9)),
    "early": ("S3", Story().apply().fire(10, 20, 30, 40).create(50, late=-0.2).settle(50)),
    "past its deadline": (
        "S4",
        Story().apply(startingDeadlineSeconds=3).fire(10).strike(19).create(20, late=5).settle(20, late=6).fire(30, 40),
    ),
    "while suspended": (
        "S5",
        Story().apply().fire(10, 20).apply(27, generation=2, suspend=True).create(30, generation=2),
    ),
    "after its deletion": ("S6", Story().apply().fire(10).delete(15).create(20)),
    "fired by an edit that came after": (
        "S7",
        Story().apply().fire(10, 20).apply(24, generation=2, schedule="* * * * * *").create(22, late=3, generation=2),
    ),
    "two at a time under Forbid": ("S8", Story().apply(concurrencyPolicy="Forbid").fire(10, 20)),
    "deleted in favour of an older one": (
        "S9",
        Story().apply(concurrencyPolicy="Replace").fire(10).create(20).happen(What.DELETED, 20, 20.5, node="node-1"),
    ),
    "deleted under Allow": (
        "S9",
        Story().apply().fire(10).happen(What.DELETED, 10, 20.05, node="node-1").fire(20, 30, 40, 50),
    ),
    "an older one that lives on under Replace": ("S9", Story().apply(concurrencyPolicy="Replace").fire(10, 20)),
    "settledThrough moved back": (
        "S10",
        Story().apply().fire(10, 20).tell(25, settledThrough=text(at(10)), lastScheduleTime=text(at(20))),
    ),
    "lastScheduleTime moved back": (
        "S10",
        Story().apply().fire(10, 20).tell(25, settledThrough=text(at(20)), lastScheduleTime=text(at(10))),
    ),
    "missed": ("L1", Story().apply().fire(10, 20, 40, 50)),
    "late": ("L1", Story().apply().fire(10, 20).create(30, late=2.5).settle(30, late=3).fire(40, 50)),
    "late after a join, which excuses nothing": (
        "L1",
        Story().apply().fire(10, 20).strike(29, "join").create(30, late=2.5).settle(30, late=3).fire(40, 50),
    ),
    "late even for a death": (
        "L2",
        Story().apply().fire(10, 20).strike(29).create(30, late=7.5).settle(30, late=8).fire(40, 50),
    ),
    "not fired for a reason that nothing asks for": (
        "L1",
        Story().apply().fire(10, 20).settle(30, "MissedCatchUp").fire(40, 50),
    ),
    "skipped for an earlier job that had ended": (
        "L1",
        Story()
        .apply(concurrencyPolicy="Forbid")
        .fire(10)
        .happen(What.FINISHED, 10, 12)
        .settle(20, "SkippedForbid")
        .create(30)
        .settle(30),
    ),
    "told as missed by an edit, long after its job": (
        "L4",
        Story()
        .apply()
        .fire(10, 20)
        .create(30)
        .apply(30.2, generation=2, schedule="50 * * * * *")
        .settle(30, "MissedEdit"),
    ),
    "two outcomes": ("L4", Story().apply().fire(10, 20, 30, 40, 50).settle(30, "MissedCatchUp")),
    "an outcome that its job gives the lie": ("L4", Story().apply().fire(10, 20).create(30).settle(30, "MissedEdit")),
    "told as created without a job": ("L4", Story().apply().fire(10, 20).settle(30)),
    "an unknown reason": ("L4", Story().apply().fire(10, 20).settle(30, "Forgotten")),
    "counts that do not add up": (
        "L4",
        Story().apply().fire(10).tell(15, settledThrough=text(at(10)), counts={"due": 2, "created": 1}),
    ),
    "an instant passed and not counted": (
        "L4",
        Story().apply().fire(10).tell(21, settledThrough=text(at(20)), counts={"due": 1, "created": 1}),
    ),
    "an instant counted twice": (
        "L4",
        Story().apply().fire(10).tell(15, settledThrough=text(at(10)), counts={"due": 2, "created": 2}),
    ),
    "more counted as due than an H has, which only an outcome shows": ("L4", hashed_and_suspended(due=2)),
    "an instant that an H does not have, which only an outcome shows": ("L4", hashed_and_suspended(instant=5)),
    "more counted as due by edits than has a Job": ("L4", edited_twice(due=4)),
    "a ledger that stands still": ("L4", Story().apply().fire(10).create(20).create(30).create(40).create(50)),
}


@pytest.mark.parametrize("story", VALID.values(), ids=VALID)
def test_a_valid_history_breaks_nothing(story: Story) -> None:
    assert found(story) == []


@pytest.mark.parametrize(("rule", "story"), BROKEN.values(), ids=BROKEN)
def test_a_broken_history_is_caught(rule: str, story: Story) -> None:
    assert rule in rules(story)


def test_an_unequal_ring_is_caught() -> None:
    story = Story().apply(suspend=True)
    story.evidence.rings = {"node-1": ("node-1", "node-2"), "node-2": ("node-2",)}
    assert rules(story) == {"L5"}
    story.evidence.rings = {"node-1": ("node-1", "node-9")}
    assert rules(story) == {"L5"}


def test_a_look_that_failed_by_a_bug_is_caught() -> None:
    story = Story().apply(suspend=True)
    story.evidence.bugs.append("node-1: a look failed by KeyError")
    assert rules(story) == {"bug"}

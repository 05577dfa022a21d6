"""Each invariant of the policies and of requests can fail: hand-made histories, valid ones and broken ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.happenings import What
from tests.simulation.course import Violation
from tests.simulation.invariants import POLICY_RULES, check
from tests.simulation.stories import Story, at, text

MINUTE: dict[str, Any] = {"schedule": "0 * * * * *"}
"""Of these no instant lies in the story: all that happens has been asked for."""
EVERY_TEN = f"{text(at(-60))}/{text(at(0))}"
THIRD = f"{text(at(-30))}/{text(at(0))}"


def condition(type_: str, status: bool, reason: str = "") -> dict[str, str]:
    return {"type": type_, "status": str(status), "reason": reason}


def slot(instant: float, **more: Any) -> dict[str, Any]:
    return {"name": f"report-{instant}", "scheduledAt": text(at(instant)), **more}


def last_trigger(value: str, outcome: str, **more: str) -> dict[str, Any]:
    return {"value": value, "at": text(at(12)), "outcome": outcome, **more}


CREATED = last_trigger("now", "created", reason="Created")
OTHER = last_trigger("other", "created", reason="Created")
OTHERS = ((20, "other"), (30, "now"))
SKIPPED = last_trigger("now", "skipped", reason="SkippedForbid")


def asked_once_more(made: bool) -> Story:
    """A run that could not be created, another one, and the value of the first again: told as created."""
    story = asked(suspend=True).annotate(20, trigger="other").annotate(30, trigger="now")
    failed = slot(12, trigger="manual", triggerId="now", reason="CreateFailed")
    other, created = (slot(at_, trigger="manual", triggerId=id_, reason="Created") for at_, id_ in OTHERS)
    story.tell(13, settledThrough=text(at(0)), recent=[failed], lastTrigger=last_trigger("now", "createFailed"))
    story.run("other", 20.1).tell(20.2, settledThrough=text(at(0)), recent=[failed, other], lastTrigger=OTHER)
    if made:
        story.run("now", 30.1)
    return story.tell(30.2, settledThrough=text(at(0)), recent=[failed, other, created], lastTrigger=CREATED)


def backfill(interval: str, **more: Any) -> dict[str, Any]:
    numbers = {"total": 3, "created": 0, "leftOut": 0, "createFailed": 0}
    return {"interval": interval, "state": "Running", "through": text(at(-30)), **numbers, **more}


def asked(value: str = "now", *, at_: float = 12, **spec: Any) -> Story:
    """Somebody asks for a run of an object that has no instant."""
    return Story().apply(**{**MINUTE, **spec}).tell(1, settledThrough=text(at(0))).annotate(at_, trigger=value)


def paused(since: float, until: float) -> Story:
    story = Story().apply().fire(10)
    story.annotate(since, suspend_until=text(at(until)))
    settled, suspended_until = text(at(10)), text(at(until))
    return story.tell(
        since + 0.2,
        settledThrough=settled,
        lastScheduleTime=settled,
        suspendedUntil=suspended_until,
        counts={"due": 1, "created": 1},
    )


def paused_unseen() -> Story:
    """A pause begins 1.3 s before an instant, which fires all the same."""
    story = Story().apply().fire(10).annotate(18.7, suspend_until=text(at(35))).fire(20)
    return story.settle(30, "SkippedSuspended", late=6).fire(40, 50)


def backfilled(*instants: float, **done: Any) -> Story:
    """A backfill of three instants before the first, and its end."""
    story = Story().apply(**MINUTE_OF_TENS).annotate(1.5, backfill=THIRD)
    story.tell(1, settledThrough=text(at(0))).tell(2, settledThrough=text(at(0)), backfill=backfill(THIRD))
    for index, instant in enumerate(instants):
        story.backfill(THIRD, instant, 3 + 2 * index).end(f"job-b{instant}", 4 + 2 * index)
    return story.tell(
        9.5, settledThrough=text(at(0)), backfill=backfill(THIRD, **{"state": "Done", "created": len(instants), **done})
    )


MINUTE_OF_TENS: dict[str, Any] = {"schedule": "*/10 * * * * *", "endTime": text(at(1))}
QUEUE: dict[str, Any] = {"concurrencyPolicy": "Queue"}
JITTER: dict[str, Any] = {"jitterSeconds": 5, "schedule": "*/10 * * * * *"}


def queue(*waiting: float, limit: int = 2) -> Story:
    """A queue behind a Job that runs on and on."""
    story = Story().apply(**QUEUE, queueLimit=limit).fire(10)
    story.tell(21, **settled_with(20, 20), queued=[slot(20)])
    return story.tell(31, **settled_with(30, *waiting), queued=[slot(one) for one in waiting])


def settled_with(instant: float, *waiting: float) -> dict[str, Any]:
    counts = {"due": 1 + len(waiting), "created": 1}
    return {"settledThrough": text(at(instant)), "lastScheduleTime": text(at(10)), "counts": counts}


CLOSED = [condition("CircuitOpen", False)]


def opened() -> Story:
    """A circuit that one failed Job, asked for by hand, has opened."""
    story = Story().apply(**MINUTE, suspendAfterFailures=1).tell(1, settledThrough=text(at(0)))
    story.annotate(5, trigger="first").run("first", 5.3).end("job-first", 7, succeeded=False)
    conditions = [condition("CircuitOpen", True)]
    first = last_trigger("first", "created", reason="Created")
    return story.tell(8, settledThrough=text(at(0)), conditions=conditions, lastTrigger=first)


VALID = {
    "jitter puts all firings off by the same": Story()
    .apply(**JITTER)
    .put_off(0, 3.1)
    .put_off(10, 3.1)
    .put_off(20, 3.4)
    .put_off(30, 3.05)
    .put_off(40, 3.1)
    .put_off(50, 3.1),
    "a manual run": asked().run("now", 12.3).tell(13, settledThrough=text(at(0)), lastTrigger=CREATED),
    "a manual run that is turned away": asked().tell(13, settledThrough=text(at(0)), lastTrigger=SKIPPED),
    "a manual run that waits": asked().tell(
        13,
        settledThrough=text(at(0)),
        lastTrigger=last_trigger("now", "queued"),
        queued=[slot(12, trigger="manual", triggerId="now")],
    ),
    "a trigger that an object is made with": Story().apply(**MINUTE).annotate(0.5, born=True, trigger="old"),
    "a manual run that was asked for once more, after it had failed": asked_once_more(made=True),
    "a manual run under suspension": asked(suspend=True)
    .run("now", 12.3)
    .tell(13, settledThrough=text(at(0)), lastTrigger=CREATED),
    "a pause": paused(15, 35)
    .settle(20, "SkippedSuspended", late=16)
    .settle(30, "SkippedSuspended", late=6)
    .fire(40, 50),
    "a pause that slow watches hide": paused_unseen().trouble(12, 25, what="watch slow"),
    "a pause that is taken away": paused(15, 55)
    .annotate(35)
    .settle(20, "SkippedSuspended", late=16)
    .settle(30, "SkippedSuspended", late=6)
    .fire(40, 50),
    "a backfill": backfilled(-30, -20, -10),
    "two in a queue": queue(20, 30).until(38),
    "a circuit that a manual run closes": opened()
    .annotate(20, trigger="now")
    .run("now", 20.3)
    .end("job-now", 22)
    .tell(23, settledThrough=text(at(0)), conditions=CLOSED, lastTrigger=CREATED),
    "as many runs as were to be": Story()
    .apply(maxRuns=2)
    .fire(10)
    .create(20)
    .tell(
        21,
        settledThrough=text(at(20)),
        lastScheduleTime=text(at(20)),
        counts={"due": 2, "created": 2},
        conditions=[condition("Completed", True, "MaxRunsReached")],
    ),
}

BROKEN = {
    "a second manual run of one value": (
        "S1",
        "a second Job, manual",
        asked().run("now", 12.3).run("now", 20, uid="again").tell(13, settledThrough=text(at(0)), lastTrigger=CREATED),
    ),
    "a manual run that was asked for once more, and told of without a Job": (
        "L4",
        "there is no Job",
        asked_once_more(made=False),
    ),
    "an instant of a backfill twice": (
        "S1",
        "a second Job, backfill",
        backfilled(-30, -20, -10).backfill(THIRD, -20, 12, uid="again"),
    ),
    "backfilled beside the Job of the schedule": (
        "S1",
        "backfilled beside",
        Story()
        .apply()
        .fire(10, 20, 30, 40, 50)
        .annotate(22, backfill=f"{text(at(5))}/{text(at(15))}")
        .backfill(f"{text(at(5))}/{text(at(15))}", 10, 23),
    ),
    "before its shifted instant": (
        "S3",
        "others by",
        Story().apply(**JITTER).create(10, late=3.1).create(20, late=3.1).create(30, late=1.5).create(40, late=3.2),
    ),
    "put off by more than the jitter": (
        "S3",
        "more than 5 s",
        Story().apply(**JITTER).create(30, late=7.1).create(40, late=7.1),
    ),
    "before its instant, with jitter": (
        "S3",
        "before, by",
        Story().apply(**JITTER).create(30, late=-0.5).create(40, late=-0.5),
    ),
    "a manual run that nobody has asked for": ("S2", "nobody has asked for other", asked().run("other", 13)),
    "a manual run for what an object was made with": (
        "S2",
        "nobody has asked for old",
        Story().apply(**MINUTE).annotate(0.5, born=True, trigger="old").run("old", 2),
    ),
    "a trigger without an answer": ("L1", "no answer", asked()),
    "a trigger told as created without a Job": (
        "L4",
        "there is no Job",
        asked().tell(13, settledThrough=text(at(0)), lastTrigger=CREATED),
    ),
    "a trigger told as skipped, with a Job": (
        "L4",
        "SkippedForbid, 1 Jobs",
        asked().run("now", 12.3).tell(13, settledThrough=text(at(0)), lastTrigger=SKIPPED),
    ),
    "a trigger that is lost": (
        "L4",
        "is lost",
        asked().tell(13, settledThrough=text(at(0)), lastTrigger=last_trigger("now", "pending")),
    ),
    "fired in a pause that nothing hides": ("S5", "during a pause", paused_unseen()),
    "fired during a pause": ("S5", "during a pause", paused(15, 35).create(20)),
    "fired for the time of a pause, after its end": (
        "S5",
        "for the time of a pause",
        paused(15, 35).create(30, late=6),
    ),
    "fired for the time of a pause, after its removal": (
        "S5",
        "for the time of a pause",
        paused(15, 55).annotate(35).create(30, late=6),
    ),
    "backfilled during a pause": (
        "S5",
        "in a pause",
        paused(15, 55).annotate(16, suspend_until=text(at(55)), backfill=THIRD).backfill(THIRD, -30, 20),
    ),
    "a backfill of what is no instant": (
        "S2",
        "no instant of the backfill",
        backfilled(-30, -20, -10).backfill(THIRD, -15, 12),
    ),
    "a backfill of what is not in its interval": (
        "S2",
        "no instant of the backfill",
        backfilled(-30, -20, -10).backfill(THIRD, -40, 12),
    ),
    "a backfill that nobody has asked for": (
        "S2",
        "nobody has asked",
        backfilled(-30, -20, -10).backfill(EVERY_TEN, -40, 12),
    ),
    "a backfill with an instant left": ("L4", "is done without it", backfilled(-30, -20)),
    "a backfill that does not add up": ("L4", "does not add up", backfilled(-30, -20, -10, createFailed=1)),
    "a backfill that has left out what nobody has": ("L4", "is done without it", backfilled(-30, -20, leftOut=1)),
    "a backfill of too many instants": (
        "L4",
        "the interval has 3 instants",
        backfilled(-30, -20, -10, total=4, leftOut=1),
    ),
    "a backfill that goes back": (
        "S10",
        "went back",
        backfilled(-30, -20, -10).tell(12, settledThrough=text(at(0)), backfill=backfill(THIRD, through=text(at(-31)))),
    ),
    "two of a backfill at a time under Allow": (
        "S8",
        "is active",
        Story().apply(**MINUTE_OF_TENS).annotate(1, backfill=THIRD).backfill(THIRD, -30, 2).backfill(THIRD, -20, 3),
    ),
    "two at a time under Queue": ("S8", "is active", Story().apply(**QUEUE).fire(10, 20)),
    "three at a time where two may": (
        "S8",
        "is active",
        Story().apply(concurrencyPolicy="Forbid", maxActiveJobs=2).fire(10, 20, 30),
    ),
    "a manual run beside a Job under Forbid": (
        "S8",
        "is active",
        Story().apply(concurrencyPolicy="Forbid").fire(10).annotate(11, trigger="now").run("now", 12),
    ),
    "more in the queue than may wait": ("S8", "2 wait", queue(20, 30, limit=1)),
    "a queue that is not in order": ("S8", "not in order", queue(30, 20)),
    "a younger one let in before": (
        "S8",
        "younger",
        queue(20, 30).tell(32, **settled_with(30, 20, 30), queued=[slot(20)], active=[slot(30)]),
    ),
    "one put before those that wait": (
        "S8",
        "put before",
        queue(20, 30).tell(32, **settled_with(30, 5, 20), queued=[slot(5), slot(20)]),
    ),
    "a run too many": ("maxRuns", "3 Jobs, 2 were to be", Story().apply(maxRuns=2).fire(10, 20, 30)),
    "not completed after its last run": (
        "maxRuns",
        "Completed is None",
        Story().apply(maxRuns=1).create(10).tell(11, settledThrough=text(at(10)), counts={"due": 1, "created": 1}),
    ),
    "fired while the circuit is open": (
        "circuit",
        "while the circuit is open",
        Story()
        .apply(suspendAfterFailures=1)
        .create(10)
        .end("job-10", 12, succeeded=False)
        .tell(13, conditions=[condition("CircuitOpen", True)])
        .create(20),
    ),
    "a circuit that closes by itself": ("circuit", "closed by nobody", opened().tell(25, conditions=CLOSED)),
    "a circuit that a manual run does not close": (
        "circuit",
        "still open",
        opened().annotate(20, trigger="now").run("now", 20.3).end("job-now", 22),
    ),
    "a circuit that opens for nothing": (
        "circuit",
        "without so many failures",
        Story()
        .apply(suspendAfterFailures=2)
        .create(10)
        .end("job-10", 12, succeeded=False)
        .tell(13, conditions=[condition("CircuitOpen", True)]),
    ),
    "a circuit that does not open": (
        "circuit",
        "it is not open",
        Story().apply(suspendAfterFailures=1).create(10).end("job-10", 12, succeeded=False).tell(13),
    ),
    "skipped although nobody was active": (
        "L4",
        "SkippedForbid, told",
        Story().apply(concurrencyPolicy="Forbid").settle(10, "SkippedForbid"),
    ),
    "skipped for a queue that was not full": (
        "L4",
        "SkippedQueueFull, told",
        Story().apply(**QUEUE).fire(10).settle(20, "SkippedQueueFull"),
    ),
    "skipped for a suspension that was not": (
        "L4",
        "SkippedSuspended, told",
        Story().apply().settle(10, "SkippedSuspended"),
    ),
    "missed without a deadline": ("L4", "MissedDeadline, told", Story().apply().settle(10, "MissedDeadline")),
    "missed before its deadline": (
        "L4",
        "MissedDeadline, told",
        Story().apply(startingDeadlineSeconds=5).settle(10, "MissedDeadline"),
    ),
    "missed by a catch-up while it was only late": (
        "L4",
        "MissedCatchUp, told",
        Story().apply().settle(10, "MissedCatchUp"),
    ),
    "missed by a catch-up that wants all": (
        "L4",
        "MissedCatchUp, told",
        Story().apply(catchUpPolicy="All").settle(10, "MissedCatchUp", late=15),
    ),
    "missed for an edit that was not": ("L4", "MissedEdit, told", Story().apply().settle(10, "MissedEdit")),
    "not created although nothing was refused": (
        "L4",
        "CreateFailed, told",
        Story().apply().settle(10, "CreateFailed"),
    ),
    "a ledger that stands still in the middle": (
        "L4",
        "not settled until",
        Story().apply().fire(10).create(20).fire(30, 40, 50),
    ),
    "a promise that nobody keeps": (
        "L1",
        "has no Job until",
        Story()
        .apply(concurrencyPolicy="Forbid")
        .tell(10.2, settledThrough=text(at(10)), counts={"due": 1}, active=[slot(10)]),
    ),
    "one that waits and is not counted": (
        "L4",
        "does not add up",
        Story()
        .apply(**QUEUE)
        .fire(10)
        .tell(20.2, settledThrough=text(at(20)), counts={"due": 1, "created": 1}, queued=[slot(20)]),
    ),
}


def found(story: Story) -> list[Violation]:
    return check(story.evidence, POLICY_RULES)


@pytest.mark.parametrize("story", VALID.values(), ids=VALID)
def test_a_valid_history_breaks_nothing(story: Story) -> None:
    assert found(story) == []


@pytest.mark.parametrize(("rule", "what", "story"), BROKEN.values(), ids=BROKEN)
def test_a_broken_history_is_caught(rule: str, what: str, story: Story) -> None:
    violations = found(story)
    assert [one for one in violations if one.rule == rule and what in one.what], violations


def test_an_edit_after_a_pause_that_was_told_misses_what_came_after_it_and_nothing_in_it() -> None:
    def unfounded(reason: str, instant: float, *, until: float = 35) -> bool:
        story = paused(12, until).apply(42, generation=2, startTime=text(at(-60)))
        story.settle(instant, reason, late=43 - instant, generation=2)
        return any("why?" in one.what and one.at == at(instant) for one in found(story))

    assert unfounded("MissedEdit", 20)
    assert unfounded("MissedEdit", 30)
    assert not unfounded("MissedEdit", 40)
    assert not unfounded("SkippedSuspended", 20)
    assert unfounded("MissedEdit", 40, until=50)


def test_what_a_long_fault_may_have_made_late_does_not_show_the_jitter() -> None:
    def shown(until: float) -> list[Violation]:
        story = Story().apply(-60, **JITTER).put_off(0, 1.1).put_off(10, 1.1).put_off(40, 3.2).put_off(50, 1.1)
        story.trouble(-40, until, what="everything paused", excuses=True)
        return [one for one in found(story) if "others by" in one.what]

    assert not shown(43.3)
    assert [one.at for one in shown(-20.1)] == [at(40)]


def test_a_refusal_excuses_a_create_that_failed() -> None:
    story = Story().apply().settle(10, "CreateFailed", late=12)
    assert found(story)
    story.strike(5, "full").strike(21, "free")
    assert found(story)  # of another namespace
    story.evidence.faults.clear()
    for seconds, what in ((5, "full"), (21, "free")):
        story.strike(seconds, what, whom="ns")
    assert not [violation for violation in found(story) if violation.at == at(10)]
    assert What.CREATED not in {entry.what for entry in story.evidence.history}

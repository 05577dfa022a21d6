"""What a node remembers of its own attempts, and when it forgets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controller.attempts import RETRY_FIRST, RETRY_LONGEST, Attempts
from controller.jobs import Firing
from controller.outcomes import Trigger
from controller.status import Slot, Status
from tests.unit.builders import UID
from tests.unit.world import after

SENT, LATER = timedelta(seconds=61), timedelta(seconds=62)


def firing(seconds: float = 60, trigger: Trigger = Trigger.SCHEDULE) -> Firing:
    return Firing(name=f"job-{trigger.value}-{seconds:g}", scheduled_at=after(seconds), trigger=trigger)


def waiting(*firings: Firing) -> Status:
    return Status(
        active=tuple(Slot(name=one.name, scheduled_at=one.scheduled_at, trigger=one.trigger) for one in firings)
    )


def turn_down(attempts: Attempts, one: Firing, *, at: float = 60, final: bool = False) -> None:
    attempts.note_turned_down(UID, one, "no quota", final=final, now=after(at))


def test_the_pause_doubles_up_to_its_limit_and_the_first_refusal_is_kept() -> None:
    attempts, pauses = Attempts(), []
    for second in range(8):
        turn_down(attempts, firing(), at=60 + second)
        (tried,) = attempts.turned_down(UID)
        assert tried.first_at == after(60)
        assert tried.retry_at == after(60 + second) + tried.pause
        pauses.append(tried.pause)
    assert pauses == [min(RETRY_LONGEST, RETRY_FIRST * 2**doubled) for doubled in range(8)]


def test_a_slot_is_claimed_by_who_wrote_it_until_it_waits_no_longer() -> None:
    ours, theirs, attempts = firing(60), firing(120), Attempts()
    attempts.note_written(UID, waiting(theirs), waiting(theirs, ours), sent_at=SENT)
    assert attempts.claims(UID) == {ours.name: SENT}
    attempts.note_written(UID, waiting(theirs, ours), waiting(theirs, ours), sent_at=LATER)
    assert attempts.claims(UID) == {ours.name: SENT}, "it counts from the claim"
    attempts.note_written(UID, waiting(theirs, ours), waiting(theirs), sent_at=SENT)
    assert not attempts.claims(UID)


def test_what_became_of_a_create_is_unknown_until_it_is_created() -> None:
    attempts = Attempts()
    assert firing().name not in attempts.unanswered(UID)
    attempts.note_unanswered(UID, firing())
    assert firing().name in attempts.unanswered(UID)
    assert firing().name not in attempts.unanswered("another")
    attempts.note_created(UID, firing())
    assert firing().name not in attempts.unanswered(UID)


def test_what_is_settled_is_forgotten_whoever_settled_it() -> None:
    open_one, passed = firing(120), firing(60)
    manual = firing(30, Trigger.MANUAL)
    attempts = Attempts()
    for one in (open_one, passed, manual):
        turn_down(attempts, one)
        attempts.note_unanswered(UID, one)
    attempts.note_written(UID, Status(), replace(waiting(manual), settled_through=after(60)), sent_at=SENT)
    assert {tried.name for tried in attempts.turned_down(UID)} == {open_one.name, manual.name}
    assert [one.name in attempts.unanswered(UID) for one in (open_one, passed, manual)] == [True, False, True]
    attempts.note_written(UID, waiting(manual), Status(settled_through=after(60)), sent_at=SENT)
    assert {tried.name for tried in attempts.turned_down(UID)} == {open_one.name}
    assert manual.name not in attempts.unanswered(UID)


def test_an_object_that_is_gone_leaves_nothing() -> None:
    attempts = Attempts()
    turn_down(attempts, firing())
    attempts.forget(UID)
    assert attempts.turned_down(UID) == ()
    attempts.forget("never seen")

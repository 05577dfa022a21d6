"""What people ask for by annotation: manual runs, pauses, backfills (S1, S2, S5, L1 of INVARIANTS, and API).

Expected is what stood in the annotations, when and for how long; what happened is in the Jobs and in the statuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from controller.outcomes import Trigger
from tests.fakes.happenings import Happening
from tests.simulation.course import EARLY, IN_FLIGHT, Course, Violation, instant_of, time_of, violation
from tests.simulation.evidence import Told

TRIGGER, SUSPEND_UNTIL, BACKFILL = "dcron.io/trigger", "dcron.io/suspend-until", "dcron.io/backfill"
NOWHERE = datetime.min.replace(tzinfo=UTC)
"""Where a backfill stands that has decided nothing."""
ANSWERED_WITHIN = timedelta(seconds=1)
"""So long after a run would have its Job, what became of a manual run is told at the latest."""
SURELY_SEEN = timedelta(seconds=2)
"""A Job that is so old is known to everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A value of an annotation, as long as it stands.

    Attributes:
        since: True time of the write.
        until: True time of its end, by another write, the deletion or the end of the run.
        born: The object was made with it.
    """

    value: str
    since: datetime
    until: datetime
    born: bool


def requests(course: Course, name: str) -> list[Request]:
    """What an annotation said, in order; the same value written again is no news."""
    end = course.life.ended or course.evidence.ended
    found: list[Request] = []
    value: str | None = None
    for written in course.annotated:
        new = written.annotations.get(name)
        if new == value:
            continue
        if value is not None:
            last = found[-1]
            found[-1] = Request(value=last.value, since=last.since, until=written.at, born=last.born)
        if new is not None:
            found.append(Request(value=new, since=written.at, until=end, born=written.born))
        value = new
    return found


def runs_asked_for(course: Course) -> Iterator[Violation]:
    """S2: a manual run, or a backfill's, stands for something that was asked for, and not when the object was made."""
    for trigger, name in ((Trigger.MANUAL, TRIGGER), (Trigger.BACKFILL, BACKFILL)):
        asked = [request for request in requests(course, name) if not request.born]
        for entry in course.asked_for(trigger):
            if not any(one.value == entry.trigger_id and one.since <= entry.at for one in asked):
                yield violation("S2", course, instant_of(entry.job), f"nobody has asked for {entry.trigger_id}")


def manual_answered(course: Course) -> Iterator[Violation]:
    """L1: each new value of a trigger gets one Job or one outcome, and is told of in time."""
    known = {request.value for request in requests(course, TRIGGER) if request.born}
    first_seen = next((told.at for told in course.told if "settledThrough" in told.status), course.evidence.ended)
    for request in requests(course, TRIGGER):
        if request.value in known:
            continue
        known.add(request.value)
        answers = [told for told in course.told if _last_trigger(told).get("value") == request.value]
        until = course.patience.news_by(request.since) + ANSWERED_WITHIN
        if request.since > first_seen and until < request.until and not any(told.at <= until for told in answers):
            yield violation(
                "L1", course, request.since, f"trigger {request.value} has no answer until {until:%H:%M:%S}"
            )
        if answers and _last_trigger(answers[0]).get("outcome") != "noted":
            yield from _one_end(course, request)


def _one_end(course: Course, request: Request) -> Iterator[Violation]:
    """A manual run that was taken up ends in a Job, or in a reason why there is none, or still waits."""
    asked = [entry for entry in course.asked_for(Trigger.MANUAL) if entry.trigger_id == request.value]
    created = [entry for entry in asked if not course.given_up_beside(entry)]
    reasons = set()
    for told in course.told:
        reasons |= {one["reason"] for one in _of(told, "recent", request.value)}
        last = _last_trigger(told)
        reasons |= {last["reason"]} if last.get("value") == request.value and "reason" in last else set()
    waiting = _of(course.told[-1], "queued", request.value) + _of(course.told[-1], "active", request.value)
    again = sum(one.value == request.value for one in requests(course, TRIGGER)) > 1
    if again and "Created" in reasons:
        reasons = {"Created"}  # a run that had come to nothing was asked for once more
    if (len(reasons) > 1 and not again) or (reasons and created and reasons != {"Created"}):
        told_as = ", ".join(sorted(reasons))
        yield violation("L4", course, request.since, f"trigger {request.value}: {told_as}, {len(created)} Jobs")
    elif reasons == {"Created"} and not created:
        yield violation("L4", course, request.since, f"trigger {request.value}: told as Created, and there is no Job")
    elif not reasons and not created and not waiting:
        yield violation("L4", course, request.since, f"trigger {request.value} was taken up and is lost")


def _last_trigger(told: Told) -> Mapping[str, Any]:
    found: Mapping[str, Any] = told.status.get("lastTrigger", {})
    return found


def _of(told: Told, name: str, value: str) -> list[Mapping[str, Any]]:
    return [raw for raw in told.status.get(name, ()) if raw.get("trigger") == "manual" and raw["triggerId"] == value]


def pauses_kept(course: Course) -> Iterator[Violation]:
    """S5 for a pause by annotation: nothing fires for instants inside it, neither during it nor afterwards."""
    pauses = requests(course, SUSPEND_UNTIL)
    for instant, entry in course.created.items():
        due_at, seen_by = instant + course.shift, entry.at - course.patience.obeyed_within(entry.at)
        if _paused(pauses, seen_by, entry.at, beyond=due_at):
            yield violation("S5", course, instant, f"created at {entry.at:%H:%M:%S.%f}, during a pause")
        for pause in pauses:
            end = min(time_of(pause.value), pause.until) - EARLY - IN_FLIGHT
            if pause.since <= due_at < end and seen_by > pause.since and _was_seen(course, pause):
                yield violation("S5", course, instant, f"created at {entry.at:%H:%M:%S.%f} for the time of a pause")
    for entry in course.asked_for(Trigger.BACKFILL):
        beyond = entry.at + course.early(entry.node, entry.at)
        seen_by = entry.at - course.patience.obeyed_within(entry.at)
        if _paused(pauses, seen_by, entry.at, beyond=beyond):
            yield violation("S5", course, instant_of(entry.job), f"backfilled at {entry.at:%H:%M:%S.%f}, in a pause")


def _paused(pauses: list[Request], since: datetime, until: datetime, *, beyond: datetime) -> bool:
    """Whether pauses that end later than `beyond` stood all the time between two moments."""
    standing = [pause for pause in pauses if pause.since <= until and pause.until > since]
    covered = bool(standing) and standing[0].since <= since and standing[-1].until >= until
    without_gap = all(one.until == other.since for one, other in pairwise(standing))
    return covered and without_gap and all(time_of(pause.value) > beyond for pause in standing)


def _was_seen(course: Course, pause: Request) -> bool:
    """Whether a status took note of a pause while it stood: a pause that nobody saw leaves no trace to go by."""
    until = time_of(pause.value)
    return any(
        pause.since <= told.at <= pause.until and time_of(told.status["suspendedUntil"]) == until
        for told in course.told
        if "suspendedUntil" in told.status
    )


def backfills_complete(course: Course) -> Iterator[Violation]:
    """S2, L4: a backfill fires instants of its interval only, and one that is done has them all."""
    seen: dict[str, Told] = {}
    done: set[str] = set()
    again: set[str] = set()
    before = ""
    through: dict[str, datetime] = {}
    for told in course.told:
        backfill = told.status.get("backfill", {})
        text = backfill.get("interval")
        if text is None:
            continue
        if text != before and text in seen:  # asked for again, after another one: it begins anew
            again.add(text)
            del seen[text], through[text]
        before = text
        if backfill["state"] in ("Refused", "Noted"):
            continue
        begun = seen.setdefault(text, told)
        cursor = time_of(backfill["through"]) if "through" in backfill else NOWHERE
        if cursor < through.get(text, NOWHERE):
            yield violation("S10", course, told.at, f"the backfill of {text} went back to {backfill.get('through')}")
        through[text] = cursor
        if backfill["state"] == "Done" and text not in done:
            done.add(text)
            yield from _complete(course, begun, told, again=text in again)
    for entry in course.asked_for(Trigger.BACKFILL):
        since, until = _interval(entry.trigger_id or "")
        instant = instant_of(entry.job)
        if not since <= instant < until or not any(wish.has_instant(instant) for wish in course.life.wishes):
            yield violation("S2", course, instant, f"no instant of the backfill of {entry.trigger_id}")
        if (other := _standing(course, entry)) is not None:
            yield violation("S1", course, instant, f"backfilled beside {other.job.name}, which is there")


def _complete(course: Course, begun: Told, told: Told, *, again: bool) -> Iterator[Violation]:
    """A backfill that has just become done."""
    backfill = told.status["backfill"]
    text = backfill["interval"]
    since, until = _interval(text)
    first, last = course.life.wish_of(begun.generation), course.life.wish_of(told.generation)
    asked = (entry for entry in course.asked_for(Trigger.BACKFILL) if entry.trigger_id == text)
    created = [entry for entry in asked if entry.at <= told.at]  # it may be asked for again later
    if not again and len(created) != backfill["created"]:
        yield violation("L4", course, told.at, f"{backfill}, and {len(created)} Jobs of it")
    wishes = [wish for wish in course.life.wishes if begun.generation <= wish.generation <= told.generation]
    steady = {wish.spec.get("schedule") for wish in wishes}
    if first is None or last is None or len(steady) > 1:
        return  # another schedule has other instants
    instants = first.instants(since - timedelta(microseconds=1), until - timedelta(microseconds=1))
    if sum(backfill[name] for name in ("created", "leftOut", "createFailed")) != backfill["total"]:
        yield violation("L4", course, told.at, f"done, and does not add up: {backfill}")
    if course.runs_over(told.at):
        return  # no instant comes after the last run
    if backfill["total"] != len(instants):
        yield violation("L4", course, told.at, f"{backfill}, and the interval has {len(instants)} instants")
    had = {instant_of(entry.job) for entry in course.creations if entry.job.trigger is not Trigger.MANUAL}
    missing = [instant for instant in instants if instant not in had]
    if len(missing) > backfill["createFailed"]:
        yield violation("L4", course, missing[0], f"the backfill of {text} is done without it")


def _standing(course: Course, entry: Happening) -> Happening | None:
    """Another Job for the same instant that had been there for a while when a backfill created one."""
    for other in course.creations:
        same = instant_of(other.job) == instant_of(entry.job) and other.job.trigger is not Trigger.MANUAL
        if same and other.at <= entry.at - SURELY_SEEN and not _deleted(course, other, until=entry.at):
            return other
    return None


def _deleted(course: Course, entry: Happening, *, until: datetime) -> bool:
    return any(one.job.uid == entry.job.uid and one.job.gone and one.at <= until for one in course.history)


def _interval(text: str) -> tuple[datetime, datetime]:
    since, until = (time_of(part) for part in text.split("/"))
    return since, until

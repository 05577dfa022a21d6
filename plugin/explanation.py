"""Why an object did or did not run at an instant, from what the API server still holds.

Witnesses are the object's Jobs, its status (the last ten firings, what waits, how far the ledger is) and its Events.
The first that knows the instant tells; what none of them knows is said to be unknown, with what there is to know about
that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from controller.conditions import BLOCKED
from controller.errors import TerminalError
from controller.instants import INSTANT, format_time, parse_time, span
from controller.names import name_for
from controller.outcomes import Outcome, Reason, Trigger
from controller.schedule import Schedule
from plugin.firings import Firing, Run, known
from plugin.objects import Seen
from plugin.telling import text

UNKNOWN, OPEN, TO_COME, NO_INSTANT = "Unknown", "Open", "ToCome", "NoInstant"
"""Verdicts beside the reason words of `controller.outcomes`."""
_EVENT_SPAN = timedelta(minutes=2)
"""Events so long after the instant may be about it."""
_HORIZON = timedelta(days=366 * 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of an instant.

    Attributes:
        verdict: A reason word, or one of ours.
        sentence: Why, for people.
        witness: What says so: Job, status, Events, schedule.
        also: More that is known, in sentences.
    """

    at: datetime
    verdict: str
    sentence: str
    witness: str
    job: str | None = None
    also: tuple[str, ...] = ()

    def value(self) -> dict[str, Any]:
        """The explanation for programs."""
        return {
            "at": text(self.at),
            "verdict": self.verdict,
            "sentence": self.sentence,
            "witness": self.witness,
            "job": self.job,
            "also": list(self.also),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One Event about the object."""

    reason: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int


def event(body: Mapping[str, Any]) -> Told | None:
    """An Event in an answer of the API server; None if it has no time."""
    times = [body.get(name) for name in ("firstTimestamp", "lastTimestamp", "eventTime")]
    instants = [parse_time(one) for one in times if one]
    if not instants:
        return None
    return Told(
        reason=body.get("reason") or "",
        message=body.get("message") or "",
        first_at=min(instants),
        last_at=max(instants),
        count=body.get("count") or 1,
    )


def explain(seen: Seen, runs: Iterable[Run], events: Iterable[Told], at: datetime, now: datetime) -> Explanation:
    """What became of an instant.

    Args:
        seen: The object.
        runs: Its Jobs.
        events: Its Events.
        at: The instant, a whole second.
        now: The time.
    """
    case = _Case(seen=seen, firings=known(seen, runs), events=tuple(events), at=at, now=now)
    return case.fired() or case.recent() or case.waiting() or case.by_time() or case.settled()


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One question, and what is known."""

    seen: Seen
    firings: list[Firing]
    events: tuple[Told, ...]
    at: datetime
    now: datetime

    def fired(self) -> Explanation | None:
        """Its Job is there."""
        for one in self.firings:
            if one.run is not None and one.trigger.of_schedule and one.scheduled_at == self.at:
                return self._created(one.run)
        return None

    def _created(self, run: Run) -> Explanation:
        job = run.job
        late = job.created_at - self.seen.cron_job.due_at(self.at)
        by = f" by {job.fired_by}" if job.fired_by else ""
        when = f", {span(late)} late" if late >= timedelta(seconds=1) else ""
        caught = " after an outage" if job.trigger is Trigger.CATCH_UP else ""
        how = {"running": "it runs", "deleted": "it is being deleted"}.get(run.state, f"it has {run.state}")
        took = f" after {span(run.took)}" if run.took is not None else ""
        sentence = f"Job {job.name} was created{caught}{by}{when}; {how}{took}"
        return self._answer(Reason.CREATED.value, sentence, "Job", job=job.name)

    def recent(self) -> Explanation | None:
        """The status tells of it."""
        for outcome in reversed(self.seen.status.recent):
            if outcome.trigger.of_schedule and outcome.scheduled_at == self.at:
                return self._answer(outcome.reason.value, self._why(outcome), "status", job=outcome.job)
        if self.at == self.seen.status.last_schedule_at:
            sentence = "it is the newest instant that got a Job; which one, and how it went, is not told any more"
            return self._answer(Reason.CREATED.value, sentence, "status")
        return None

    def _why(self, outcome: Outcome) -> str:
        spec, told = self.seen.cron_job.spec, self._told_of(outcome.reason)
        match outcome.reason:
            case Reason.CREATED:
                return f"Job {outcome.job} was created and is gone; how it went is not told any more"
            case Reason.SKIPPED_FORBID:
                limit = spec.slots
                jobs = "one of its Jobs was" if limit == 1 else f"{limit} of its Jobs were"
                return f"skipped: {jobs} active, and Forbid allows no more"
            case Reason.SKIPPED_QUEUE_FULL:
                return f"skipped: earlier Jobs were active, and {spec.queue_limit} waited already (queueLimit)"
            case Reason.SKIPPED_SUSPENDED:
                return "skipped: the object was suspended, paused, or its circuit was open"
            case Reason.MISSED_DEADLINE:
                deadline = spec.starting_deadline
                limit_told = f" ({span(deadline)} now)" if deadline is not None else ""
                return f"missed: no Job could be created within startingDeadlineSeconds{limit_told}"
            case Reason.MISSED_CATCH_UP:
                return f"missed in an outage, and catchUpPolicy does not ask for it ({spec.catch_up_policy} now)"
            case Reason.MISSED_EDIT:
                return "missed: it was still open when the schedule was edited"
            case Reason.CREATE_FAILED:
                return f"the API server did not accept its Job: {told or 'its message is not told any more'}"
            case never:
                assert_never(never)

    def waiting(self) -> Explanation | None:
        """It is under way."""
        status = self.seen.status
        if any(slot.trigger.of_schedule and slot.scheduled_at == self.at for slot in status.queued):
            sentence = f"it waits for its turn: {len(status.active)} of its Jobs are active (concurrencyPolicy Queue)"
            return self._answer(OPEN, sentence, "status")
        promised = (slot for slot in status.active if slot.uid is None and slot.trigger.of_schedule)
        slot = next((slot for slot in promised if slot.scheduled_at == self.at), None)
        if slot is None:
            return None
        return self._answer(OPEN, f"Job {slot.name} is promised and not yet seen", "status", job=slot.name)

    def by_time(self) -> Explanation | None:
        """What the time alone tells: it is no instant, it is to come, it was before the object."""
        cron_job, schedule = self.seen.cron_job, self.seen.schedule
        if self.at <= cron_job.created_at - cron_job.shift:
            sentence = f"the object did not exist yet: it was created at {format_time(cron_job.created_at)}"
            return self._answer(UNKNOWN, sentence, "object")
        if isinstance(schedule, TerminalError):
            return self._answer(UNKNOWN, f"it has no schedule that could be read: {schedule}", "schedule")
        edited_at = cron_job.edited_at or cron_job.created_at
        if not schedule.between(self.at - INSTANT, self.at, limit=1):
            edit = f", as it is since the edit at {format_time(edited_at)}; what it was then is not known"
            then = "" if self.at > edited_at else edit
            sentence = f"the schedule does not name this instant{then}{self._neighbours(schedule)}"
            return self._answer(NO_INSTANT if self.at > edited_at else UNKNOWN, sentence, "schedule")
        due_at = cron_job.due_at(self.at)
        if due_at > self.now:
            silence = self._silence_at(due_at)
            jitter = f", put off by {span(cron_job.shift)} of jitter" if cron_job.shift else ""
            if silence:
                return self._answer(TO_COME, f"it will not fire as things stand: {silence}", "status")
            return self._answer(TO_COME, f"it fires in {span(due_at - self.now)}{jitter}", "schedule")
        return None

    def _neighbours(self, schedule: Schedule) -> str:
        before = schedule.latest_at(self.at, after=self.at - _HORIZON)
        after = schedule.next_after(self.at)
        told = [format_time(one) for one in (before, after) if one is not None]
        return f"; nearest: {' and '.join(told)}" if told else ""

    def _silence_at(self, due_at: datetime) -> str | None:
        """Why an instant to come will not fire; a pause may be over by then."""
        pause = self.seen.paused_until
        paused_only = not self.seen.cron_job.spec.suspend and pause is not None and self.now < pause
        return None if paused_only and pause is not None and due_at >= pause else self.seen.silence(self.now)

    def settled(self) -> Explanation:
        """It was due, and neither Job nor status name it."""
        through = self.seen.status.settled_through
        if through is None:
            return self._answer(OPEN, "no replica of the controller has looked at the object yet", "status")
        if self.at > through:
            silence = self.seen.silence(self.now)
            if silence:
                return self._answer(OPEN, f"it does not fire, and is not counted yet: {silence}", "status")
            late = span(self.now - self.seen.cron_job.due_at(self.at))
            owner = self.seen.status.owner or "nobody"
            sentence = f"it is due since {late} and has no outcome yet; {owner} serves the object"
            return self._answer(OPEN, sentence, "status")
        told = self._by_events()
        if told is not None:
            return told
        edited_at = self.seen.cron_job.edited_at
        if edited_at is not None and self.at <= edited_at and self.seen.cron_job.created_at < edited_at:
            edit = f"the spec was edited after it, at {format_time(edited_at)}"
            return self._answer(UNKNOWN, f"not known: {edit}, and its outcome is not told any more", "nobody")
        sentence = "not known: it has its outcome, but neither status, Jobs nor Events tell it any more"
        return self._answer(UNKNOWN, sentence, "nobody")

    def _by_events(self) -> Explanation | None:
        """An Event names the instant, alone or at an end of a run of them; or its Job."""
        mark, name = format_time(self.at), name_for(self.seen.cron_job, self.at)
        for one in self.events:
            reason = one.message.split(":", 1)[0]
            if mark in one.message and reason in set(Reason):
                return self._answer(reason, one.message, "Events")
        told = [one.message for one in self.events if name in one.message]
        return self._answer(Reason.CREATED.value, "; ".join(told), "Events", job=name) if told else None

    def _told_of(self, reason: Reason) -> str | None:
        """What an Event says of such an outcome at that time."""
        near = [one for one in self._near() if one.message.startswith(f"{reason.value}:")]
        return near[0].message.split(": ", 1)[1] if near else None

    def _near(self) -> Iterator[Told]:
        due_at = self.seen.cron_job.due_at(self.at)
        for one in sorted(self.events, key=lambda told: told.first_at):
            if one.first_at <= due_at + _EVENT_SPAN and one.last_at >= due_at:
                yield one

    def _answer(self, verdict: str, sentence: str, witness: str, *, job: str | None = None) -> Explanation:
        also = [f"Event {one.reason} at {format_time(one.last_at)}: {one.message}" for one in self._near()]
        also += [
            f"Job {one.job} stands for it too: {one.trigger.value}"
            for one in self.firings
            if one.run is not None and not one.trigger.of_schedule and one.scheduled_at == self.at
        ]
        turned_away = verdict in (Reason.SKIPPED_FORBID.value, Reason.SKIPPED_QUEUE_FULL.value)
        waits = any(slot.scheduled_at == self.at for slot in self.seen.status.queued)
        if self.seen.blocked and (turned_away or waits):
            also.append(f"{BLOCKED} now: {self.seen.blocked}")
        if verdict == UNKNOWN and self.seen.status.recent:
            oldest = min(one.scheduled_at for one in self.seen.status.recent)
            kept = len(self.seen.status.recent)
            also.append(f"the status tells of the last {kept} firings, the oldest of them {format_time(oldest)}")
        return Explanation(at=self.at, verdict=verdict, sentence=sentence, witness=witness, job=job, also=tuple(also))

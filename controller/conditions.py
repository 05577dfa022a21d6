"""The conditions of an object: does it do what its author asks, and if not, why.

`Ready` is what `kubectl wait` looks at. Its reason word is the one that the Event and the log carry. This room says
which condition holds; `status` keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controller.errors import TerminalError
from controller.instants import format_time, span
from controller.outcomes import Outcome, Reason
from controller.requests import TRIGGER, Pause, Unreadable

READY = "Ready"
SUSPENDED = "Suspended"
CIRCUIT_OPEN = "CircuitOpen"
COMPLETED = "Completed"
BLOCKED = "Blocked"

CREATE_FAILED = "CreateFailed"
INVALID_JOB_TEMPLATE = "InvalidJobTemplate"
SUSPENDED_BY_SPEC = "Suspended"
SUSPENDED_UNTIL = "SuspendedUntil"
INVALID_SUSPEND_UNTIL = "InvalidSuspendUntil"
TOO_MANY_FAILURES = "TooManyFailures"
MAX_RUNS_REACHED = "MaxRunsReached"
SCHEDULE_ENDED = "ScheduleEnded"
JOB_STILL_ACTIVE = "JobStillActive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition, as Kubernetes defines them.

    Attributes:
        changed_at: When `status` last changed, UTC; None: it changes with the next write.
    """

    type: str
    status: bool
    reason: str
    message: str = ""
    changed_at: datetime | None = field(default=None, compare=False)


_SCHEDULED = Condition(type=READY, status=True, reason="Scheduled")
_SCHEDULE_REASONS = frozenset(error.reason for error in TerminalError.__subclasses__())


def suspended(suspend: bool, pause: Pause | Unreadable | None = None, *, now: datetime) -> Condition:
    """Whether the object is suspended, by its spec or by an annotation."""
    match pause:
        case _ if suspend:
            return Condition(type=SUSPENDED, status=True, reason=SUSPENDED_BY_SPEC)
        case Pause(until=until, reason=why) if now < until:
            message = f"until {format_time(until)}" + (f": {why}" if why else "")
            return Condition(type=SUSPENDED, status=True, reason=SUSPENDED_UNTIL, message=message)
        case Unreadable(sentence=sentence):
            return Condition(type=SUSPENDED, status=False, reason=INVALID_SUSPEND_UNTIL, message=sentence)
    return Condition(type=SUSPENDED, status=False, reason="NotSuspended")


def circuit(failures_in_row: int, limit: int | None) -> Condition:
    """Whether so many Jobs have failed in a row that nothing fires."""
    if limit is None or failures_in_row < limit:
        return Condition(type=CIRCUIT_OPEN, status=False, reason="CircuitClosed")
    message = (
        f"{failures_in_row} Jobs failed in a row; nothing fires until the spec is edited or a manual run succeeds "
        f"(annotation {TRIGGER})"
    )
    return Condition(type=CIRCUIT_OPEN, status=True, reason=TOO_MANY_FAILURES, message=message)


def completed(*, runs: bool, instants: bool, fired: int) -> Condition:
    """Whether nothing will ever fire by itself again.

    Args:
        runs: As many have fired as may.
        instants: No instant is left.
        fired: How many have fired.
    """
    if runs:
        return Condition(type=COMPLETED, status=True, reason=MAX_RUNS_REACHED, message=f"it has fired {fired} times")
    if instants:
        return Condition(type=COMPLETED, status=True, reason=SCHEDULE_ENDED, message="no instant is left")
    return Condition(type=COMPLETED, status=False, reason="NotCompleted")


def blocked(job: str | None, *, others: int = 0, after: timedelta = timedelta(0), cost: int = 0) -> Condition:
    """Whether Jobs that do not end hold up the schedule.

    Args:
        job: The oldest of them; None: nothing holds it up.
        others: How many more there are.
        after: For how long all of them have run.
        cost: How many instants have found no place in that time.
    """
    if job is None:
        return Condition(type=BLOCKED, status=False, reason="NotBlocked")
    active = f"Job {job} is" if not others else f"Job {job} and {others} more are"
    found = "1 instant has" if cost == 1 else f"{cost} instants have"
    message = f"{active} still active after {span(after)}; {found} found no free place since"
    return Condition(type=BLOCKED, status=True, reason=JOB_STILL_ACTIVE, message=message)


def unschedulable(error: TerminalError) -> Condition:
    """The object has no schedule that can be computed."""
    return _not_ready(error.reason, str(error))


def ready(
    before: Condition | None,
    *,
    checked: bool,
    objection: str | None,
    outcomes: Iterable[Outcome],
    refusals: Iterable[str],
) -> Condition:
    """The `Ready` condition of an object whose schedule is valid.

    Args:
        before: As it stood.
        checked: The Job template has just been checked: what stood before speaks of another generation.
        objection: What the API server has against the Job template.
        outcomes: What the coming write settles, oldest first; the last one that tells something counts.
        refusals: What the API server said to creates that are still being tried.
    """
    if objection is not None:
        return _not_ready(INVALID_JOB_TEMPLATE, objection)
    stale = before is None or checked or before.reason in _SCHEDULE_REASONS
    condition = _SCHEDULED if stale or before is None else before
    if condition.reason == INVALID_JOB_TEMPLATE:
        return condition  # a create drops a misspelt field in silence: a Job does not prove that it was meant so
    for outcome in outcomes:
        if outcome.reason is Reason.CREATED:
            condition = _SCHEDULED
        elif outcome.reason is Reason.CREATE_FAILED:
            condition = _not_ready(CREATE_FAILED, outcome.message)
    refusal = next(iter(refusals), None)
    return _not_ready(CREATE_FAILED, refusal) if condition.status and refusal is not None else condition


def is_not_ready(status: Mapping[str, Any]) -> bool:
    """Whether a status, as it stands in the object, says that the object does not fire as it should."""
    return _says(status, READY, "False")


def is_blocked(status: Mapping[str, Any]) -> bool:
    """Whether a status, as it stands in the object, says that Jobs which do not end hold up the schedule."""
    return _says(status, BLOCKED, "True")


def _says(status: Mapping[str, Any], type_: str, word: str) -> bool:
    found = status.get("conditions") or ()
    return any(condition.get("type") == type_ and condition.get("status") == word for condition in found)


def _not_ready(reason: str, message: str) -> Condition:
    return Condition(type=READY, status=False, reason=reason, message=message)

"""Why an instant may have got no Job: the reason that its status tells, if the rest of the evidence bears it out.

A reason word alone excuses nothing: the policy must ask for it, and the Jobs, the edits or the faults must show why.
Who neither fired nor told a reason is excused only by what the author did meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.checker.history import EARLY, Version
from tests.checker.lives import Due, Life, Outcome, condition, deadline, policy, rests, slots, waiting
from tests.checker.patience import RETRIED_FOR, last_refusal, waits_its_turn
from tests.checker.words import clock

LATE_WINDOW = timedelta(seconds=10)
"""For so long an instant is only late, and fires whatever its catch-up policy says (`DCRON_LATE_SECONDS`)."""
SKEW = timedelta(milliseconds=300)
"""How wrong a corrected clock may be."""
STAMP = timedelta(seconds=1)
"""An edit is stamped to the second: so near to it nobody can tell what came first."""
CREATED = "Created"
COUNTED_AS = {
    CREATED: "created",
    "SkippedForbid": "skipped",
    "SkippedQueueFull": "skipped",
    "SkippedSuspended": "skipped",
    "MissedDeadline": "missed",
    "MissedCatchUp": "missed",
    "MissedEdit": "missed",
    "CreateFailed": "createFailed",
}
"""The reason words of the API, and the count that each belongs to."""


def excuse(life: Life, due: Due) -> str | None:
    """Why this instant may have no Job, for people; None: nothing excuses it."""
    outcome = life.outcomes.get(due.at) or _counted(life, due)
    if outcome is not None and outcome.reason == CREATED:
        return None
    if (doing := _authors_doing(life, due)) is not None:
        return doing
    if outcome is None:
        return _waiting(life, due)
    return f"{outcome.reason}, told at {clock(outcome.told_at)}" if borne_out(life, due, outcome) else None


def borne_out(life: Life, due: Due, outcome: Outcome) -> bool:
    """Whether the evidence shows why an instant was turned away with this reason."""
    judge = _JUDGES.get(outcome.reason)
    return judge is not None and judge(life, due, outcome)


def _authors_doing(life: Life, due: Due) -> str | None:
    """What the author did, or had wished, so that nothing had to fire: that needs no word in the status."""
    if rests(due.version, due.due_at):
        return "suspended by its author"
    if life.thing.deleted_at is not None and life.thing.deleted_at <= due.bound:
        return f"its object was deleted at {clock(life.thing.deleted_at)}"
    edit = life.edited_after(due.version)
    if edit is not None and edit.since <= due.bound:
        return f"its object was edited at {clock(edit.since)}, before it had to fire"
    told = life.told_between(due.due_at, due.bound)
    runs = due.version.spec.get("maxRuns")
    if runs is not None and any(
        one.status.get("counts", {}).get("created", 0) + len(waiting(one)) >= runs for one in told
    ):
        return f"completed: all of its {runs} runs had been made or promised"
    if any(condition(one, "CircuitOpen") for one in told):
        return "its circuit was open"
    return None


def _waiting(life: Life, due: Due) -> str | None:
    """What it still waits for at the end."""
    if waits_its_turn(life, due):
        return "it waits in the queue, and as many Jobs as may be are active"
    last = last_refusal(life, due, life.history.ended)
    if last is not None and last + RETRIED_FOR > life.history.ended:
        return f"the API server refused its Job, the last time at {clock(last)}, and it is tried again"
    return None


def _counted(life: Life, due: Due) -> Outcome | None:
    """The outcome of an instant that was settled together with more instants than a status shows one by one."""
    for ending in life.endings.get(due.at, ()):
        grown = _grown(ending.before.status, ending.after.status)
        turned_away = sum(grown.get(count, 0) for count in set(COUNTED_AS.values()) - {"created"})
        if turned_away < len(ending.instants - life.fired.keys()):
            continue
        for reason, count in COUNTED_AS.items():  # one write may settle them for several reasons
            outcome = Outcome(reason=reason, told_at=ending.after.at)
            if reason != CREATED and grown.get(count, 0) and borne_out(life, due, outcome):
                return outcome
    return None


def _grown(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int]:
    old, new = before.get("counts", {}), after.get("counts", {})
    return {name: new[name] - old.get(name, 0) for name in new}


def _forbidden(life: Life, due: Due, outcome: Outcome) -> bool:
    """As many Jobs as may be were active, or promised, about then; or the object was switched away from Queue."""
    versions = life.versions_between(due.due_at, outcome.told_at)
    policies = {policy(version) for version in versions}
    if "Queue" in policies and len(policies) > 1:
        return True
    active = {
        job.name
        for job in life.jobs
        if job.created_at <= outcome.told_at and (job.ended_at is None or job.ended_at >= due.due_at - EARLY)
    }
    promised = {
        slot["name"]
        for told in life.told_between(due.due_at, outcome.told_at)
        for slot in told.status.get("active", ())
    }
    return "Forbid" in policies and len(active | promised) >= min(map(slots, versions))


def _queue_full(life: Life, due: Due, outcome: Outcome) -> bool:
    versions = life.versions_between(due.due_at, outcome.told_at)
    limit = min((int(version.spec.get("queueLimit") or 1) for version in versions), default=1)
    told = life.told_between(due.due_at, outcome.told_at)
    queues = any(policy(version) == "Queue" for version in versions)
    return queues and any(len(one.status.get("queued", ())) >= limit for one in told)


def _suspended(life: Life, due: Due, outcome: Outcome) -> bool:
    versions = life.versions_between(due.due_at - STAMP, outcome.told_at)
    open_ = any(condition(told, "CircuitOpen") for told in life.told_between(due.due_at, outcome.told_at))
    return open_ or any(rests(version, due.due_at) for version in versions)


def _past_deadline(life: Life, due: Due, outcome: Outcome) -> bool:
    """The deadline was over, and something may have kept it from firing before."""
    for version in life.versions_between(due.due_at, outcome.told_at):
        limit = deadline(version)
        if limit is None or outcome.told_at < due.due_at + limit - SKEW:
            continue
        if policy(version) == "Queue" or due.bound > due.due_at + limit or limit < life.history.calm:
            return True
    return False


def _not_caught_up(life: Life, due: Due, outcome: Outcome) -> bool:
    """It was older than late, a fault had kept it, and the policy does not want it any more."""
    versions = life.versions_between(due.due_at, outcome.told_at)
    unwanted = any(
        version.spec.get("catchUpPolicy", "Latest") != "All" or _beyond_limit(life, due, outcome, version)
        for version in versions
    )
    return outcome.told_at >= due.due_at + LATE_WINDOW - SKEW and due.bound > due.due_at + LATE_WINDOW and unwanted


def _beyond_limit(life: Life, due: Due, outcome: Outcome, version: Version) -> bool:
    newer = sum(due.at < other.at and other.due_at <= outcome.told_at for other in life.due)
    return newer >= int(version.spec.get("catchUpLimit") or 100)


def _edited(life: Life, due: Due, outcome: Outcome) -> bool:
    edits = life.thing.versions[1:]
    return any(due.due_at <= edit.since + STAMP and edit.since <= max(due.bound, outcome.told_at) for edit in edits)


def _refused(life: Life, due: Due, outcome: Outcome) -> bool:
    """The API server refused a create of this instant's Job, by its own record."""
    return last_refusal(life, due, outcome.told_at) is not None


_JUDGES: Mapping[str, Callable[[Life, Due, Outcome], bool]] = {
    "SkippedForbid": _forbidden,
    "SkippedQueueFull": _queue_full,
    "SkippedSuspended": _suspended,
    "MissedDeadline": _past_deadline,
    "MissedCatchUp": _not_caught_up,
    "MissedEdit": _edited,
    "CreateFailed": _refused,
}

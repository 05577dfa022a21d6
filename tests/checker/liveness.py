"""What must happen: each instant in time, as well after a fault as before it, with exactly one outcome that adds up.

L1 to L4 of INVARIANTS, and S13: an instant that is late while another object is broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from tests.checker.broken import Broken, broken
from tests.checker.excuses import COUNTED_AS, CREATED, SKEW, borne_out
from tests.checker.history import History, MadeJob
from tests.checker.lives import Due, Life, Outcome, condition, of_schedule, rests, same_instants, time_of, waiting
from tests.checker.verdicts import Kind, Verdict, verdicts
from tests.checker.words import clock, job_told, seconds

ENOUGH = 10
"""L3: of fewer firings nobody knows what is usual."""
WORSE, NOISE = 4, timedelta(milliseconds=250)
"""L3: as before means up to so many times as late, and what a busy machine adds."""


def in_time(life: Life) -> Iterator[Broken]:
    """L1, L2: each instant has its Job in time, or the outcome that its policies ask for."""
    dues = {due.at: due for due in life.due}
    for verdict in verdicts(life):
        if verdict.broken and verdict.kind in (Kind.MISSED, Kind.LATE):
            what = verdict.sentence.split(": ", 2)[2]
            yield broken(_rule(life, dues[verdict.instant]), life, verdict.instant, f"{verdict.kind}: {what}")


def _rule(life: Life, due: Due) -> str:
    """Which rule an instant breaks that was not done in time."""
    healed_at = life.history.healed_at
    if due.cause is not None:
        return "L2"
    if life.history.broken_beside(due.due_at):
        return "S13"
    return "L1" if healed_at is None or due.due_at < healed_at else "L3"


def recovered(history: History, verdicts: Sequence[Verdict]) -> Iterator[Broken]:
    """L3: after the faults the lateness that is usual is as before them."""
    if not history.faults or history.healed_at is None:
        return
    first, healed_at = min(fault.since for fault in history.faults), history.healed_at
    late = [(one.due_at, one.lateness) for one in verdicts if one.lateness is not None]
    before = sorted(lateness for due_at, lateness in late if due_at < first - history.calm)
    after = sorted(lateness for due_at, lateness in late if due_at >= healed_at)
    if min(len(before), len(after)) < ENOUGH:
        return
    usual, now = before[len(before) // 2], after[len(after) // 2]
    if now > usual * WORSE + NOISE:
        told = f"half of the firings after {clock(healed_at)} are more than {seconds(now)} late, and {seconds(usual)}"
        yield Broken(rule="L3", where="", at=healed_at, what=f"{told} before the first fault")


def one_outcome(life: Life) -> Iterator[Broken]:
    """L4: each instant has one outcome, with a reason that exists, and the Jobs agree with it."""
    first: dict[str, str] = {}
    for told in life.told:
        for raw in of_schedule(told.status.get("recent", ())):
            text, reason = raw["scheduledAt"], raw["reason"]
            if first.setdefault(text, reason) != reason:
                yield broken(
                    "L4", life, time_of(text), f"two outcomes: {first[text]}, and {reason} at {clock(told.at)}"
                )
                first[text] = reason
    dues = {due.at: due for due in life.due}
    for at, outcome in life.outcomes.items():
        if outcome.told_at <= life.history.began:
            continue
        jobs = life.fired.get(at, [])
        if outcome.reason not in COUNTED_AS:
            yield broken("L4", life, at, f"told as {outcome.reason}, a reason that does not exist")
        elif at > life.history.began and outcome.reason == CREATED and not jobs:
            yield broken("L4", life, at, f"told as Created at {clock(outcome.told_at)}, and no Job was ever made")
        elif outcome.reason != CREATED and jobs and not _crossed(outcome, jobs[0]):
            yield broken("L4", life, at, f"told as {outcome.reason}, and yet there is {job_told(jobs[0])}")
        elif outcome.reason != CREATED and at in dues and not borne_out(life, dues[at], outcome):
            yield broken(
                "L4", life, at, f"told as {outcome.reason} at {clock(outcome.told_at)}, and nothing bears it out"
            )


def counts_agree(life: Life) -> Iterator[Broken]:
    """L4: due = created + skipped + missed + createFailed + what waits; and due is what the reference says."""
    for told in life.told:
        counts = told.status.get("counts", {})
        ended = sum(counts.get(name, 0) for name in set(COUNTED_AS.values()))
        promised = len(waiting(told))
        if counts.get("due", 0) != ended + promised:
            sums = ", ".join(f"{name} {number}" for name, number in counts.items())
            told_at = f"at {clock(told.at)} the counts do not add up"
            yield broken("L4", life, None, f"{told_at}: {sums}; {promised} wait")
            return
    for before, after in pairwise(life.told):
        old, new = (one.status.get("counts", {}).get("due", 0) for one in (before, after))
        if new < old:
            yield broken("L4", life, None, f"at {clock(after.at)} counts.due went from {old} back to {new}")
    yield from _counted_all(life)


def settled_in_time(life: Life) -> Iterator[Broken]:
    """L4: the ledger does not stand still: D after its bound, or after its Job and the older ones, it is settled.

    An edit that a stalled watch hides takes effect once it is seen. What is due goes first; so where requests are long
    on their way, the next creates and the write take that long each.
    """
    passed = [
        (told.at, time_of(told.status["settledThrough"])) for told in life.thing.told if "settledThrough" in told.status
    ]
    made = life.history.began
    for due in life.due:
        made = max([made, *(job.created_at for job in life.fired.get(due.at, ())[:1])])
        by = max(due.bound, made, life.history.shown_by(due.version.since))
        by += life.history.calm + 2 * life.history.on_its_way(by)
        edit = life.edited_after(due.version)
        if by >= min(life.ended_at, edit.since if edit else life.ended_at) or _runs_over(life):
            continue
        open_ = any(condition(told, "CircuitOpen") for told in life.told_between(due.due_at, by))
        if (
            not open_
            and not rests(due.version, due.due_at)
            and not any(at <= by and through >= due.at for at, through in passed)
        ):
            last = clock(passed[-1][1]) if passed else "nothing"
            yield broken("L4", life, due.at, f"not settled until {clock(by)}: at the end it is settled through {last}")
            return


def _runs_over(life: Life) -> bool:
    """Whether all its runs were made: what follows the last one is no instant, and is not settled."""
    limits = [version.spec.get("maxRuns") for version in life.thing.versions]
    return any(limit is not None and len(life.fired) >= limit for limit in limits)


def _crossed(outcome: Outcome, job: MadeJob) -> bool:
    """Whether a create that was under way met an edit: told as missed by it, as no list could show the Job yet."""
    return outcome.reason in ("MissedEdit", "SkippedSuspended") and job.created_at > outcome.told_at - 2 * SKEW


def _counted_all(life: Life) -> Iterator[Broken]:
    """Of an object whose instants were never edited: what it counted as due is what the reference has."""
    versions = life.thing.versions
    told = [one for one in life.thing.told if "settledThrough" in one.status]
    limited = any(version.spec.get("maxRuns") is not None for version in versions)
    if not told or limited or not all(same_instants(version, versions[0]) for version in versions):
        return
    through, counted = time_of(told[-1].status["settledThrough"]), told[-1].status.get("counts", {}).get("due", 0)
    least = len(life.instants(versions[0], life.created_at, through))
    most = len(life.instants(versions[0], life.created_at - life.shift, through))
    if not least <= counted <= most:
        told_as = f"counted {counted} as due up to {clock(through)}"
        yield broken("L4", life, None, f"{told_as}, and its schedule has {least} instants since its creation")

"""What must have held in a run: each function reads the evidence and names what broke, by the letter of INVARIANTS.

Nothing here asks a replica. Expected instants come from `reference`, what happened from the fake API server's history
and from every status that it ever stored. An empty answer of `check` is a valid run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.simulation import asked, circuits, liveness, policies, safety
from tests.simulation.course import Course, Violation, courses
from tests.simulation.evidence import Evidence

Rule = Callable[[Course], Iterable[Violation]]

RULES: tuple[Rule, ...] = (
    safety.once,
    safety.none_invented,
    safety.never_early,
    safety.never_past_deadline,
    safety.author_obeyed,
    safety.limit_kept,
    safety.newest_survives,
    safety.never_back,
    liveness.in_time,
    liveness.one_outcome,
    liveness.counts_agree,
    liveness.all_told,
    liveness.settled_in_time,
)


POLICY_RULES: tuple[Rule, ...] = (
    safety.once,
    safety.none_invented,
    safety.never_early,
    safety.never_past_deadline,
    safety.author_obeyed,
    safety.limit_kept,
    safety.newest_survives,
    safety.never_back,
    liveness.one_outcome,
    liveness.counts_agree,
    asked.runs_asked_for,
    asked.manual_answered,
    asked.pauses_kept,
    asked.backfills_complete,
    policies.queue_kept,
    policies.runs_kept,
    circuits.circuit_kept,
    policies.reasons_hold,
    policies.settled_soon,
    policies.promises_kept,
)
"""Where any mix of policies, requests and refusals decides what becomes of an instant."""


def check(evidence: Evidence, rules: tuple[Rule, ...] = RULES) -> list[Violation]:
    """Everything that broke in a run."""
    found = [Violation(rule="bug", what=bug) for bug in evidence.bugs]
    found += ring_agreed(evidence)
    for course in courses(evidence):
        for rule in rules:
            found += rule(course)
    return found


def ring_agreed(evidence: Evidence) -> Iterator[Violation]:
    """L5: at the end every replica has all living ones on its ring, and nobody else."""
    living = tuple(sorted(evidence.rings))
    for node, ring in evidence.rings.items():
        if tuple(sorted(ring)) != living:
            yield Violation(rule="L5", what=f"{node} has {', '.join(ring)} on its ring; {', '.join(living)} live")

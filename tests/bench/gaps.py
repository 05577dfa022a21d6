"""What a change of who fires cost: which firings around it were missed, late, made good or made twice.

Firings are values here, whoever made them: a Job that the API server made, or a function that was called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

EVERY = timedelta(seconds=1)
"""All jobs are due each second; who is later than that is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One time that a job fired.

    Attributes:
        instant: For which one; None: out of its turn, and nobody said for which.
        at: When it was done.
        node: Who did it; empty if not told.
    """

    job: str
    instant: datetime | None
    at: datetime
    node: str = ""

    @property
    def lateness(self) -> float:
        """Seconds after its instant; 0 out of turn."""
        return 0.0 if self.instant is None else (self.at - self.instant).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What a change cost.

    Attributes:
        due: Instants of all jobs.
        missed: That never had a firing.
        late: That had theirs in turn, but more than a second late.
        again: That had none in turn, and were made good out of it.
        twice: Firings beyond the first of an instant.
        worst: The greatest lateness of those that were made, seconds; those made good count.
        over: From the event to the first second from which on all jobs fired each second, in turn and not late; 0 if
            they always did, infinite if they did not any more.
    """

    due: int
    missed: int
    late: int
    again: int
    twice: int
    worst: float
    over: float


def counted(
    firings: Iterable[Firing], jobs: Sequence[str], *, since: datetime, until: datetime, event: datetime
) -> Gap:
    """Hold firings against the instants of the jobs in [since, until), both whole seconds."""
    instants = [since + number * EVERY for number in range(round((until - since) / EVERY))]
    open_of = {job: dict.fromkeys(instants) for job in jobs}  # without a firing yet, the first first
    turns: list[Firing] = []
    out_of_turn: list[Firing] = []
    twice = 0
    for firing in sorted(firings, key=lambda one: one.at):
        if firing.instant is None:
            if since <= firing.at < until:
                out_of_turn.append(firing)
        elif since <= firing.instant < until:
            if firing.instant in open_of[firing.job]:
                del open_of[firing.job][firing.instant]
                turns.append(firing)
            else:
                twice += 1
    late = [one for one in turns if one.lateness > EVERY.total_seconds()]
    bad = [one.instant for one in late if one.instant is not None]
    bad += [instant for left in open_of.values() for instant in left]
    good, surplus = _made_good(out_of_turn, open_of)
    return Gap(
        due=len(instants) * len(jobs),
        missed=sum(map(len, open_of.values())),
        late=len(late),
        again=len(good),
        twice=twice + surplus,
        worst=max([one.lateness for one in turns] + good, default=0.0),
        over=_over(bad, event, until),
    )


def _made_good(calls: Iterable[Firing], open_of: dict[str, dict[datetime, None]]) -> tuple[list[float], int]:
    """How late instants were made good, which are open no more then, and how many calls stand for none.

    Nobody says which instant a call stands for: the last that is open, as what was held up is made good right after it.
    """
    good: list[float] = []
    surplus = 0
    for call in calls:
        left = open_of.get(call.job, {})
        instant = next((one for one in reversed(left) if one <= call.at), None)
        if instant is None:
            surplus += 1
        else:
            del left[instant]
            good.append((call.at - instant).total_seconds())
    return good, surplus


def _over(bad: Sequence[datetime], event: datetime, until: datetime) -> float:
    if not bad:
        return 0.0
    again = max(bad) + EVERY
    return (again - event).total_seconds() if again < until else float("inf")

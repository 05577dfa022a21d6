"""What the H of an expression stands for: as the evidence shows it, or as brute force over wall-clock time has it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from controller.spec import Key
from tests.checker.lives import time_of
from tests.simulation.evidence import Evidence
from tests.unit import wallclock

Named = tuple[Key, str]
"""An object and an expression of its: the H is a hash of the name, so who is made anew has the same."""


def hashed_by(evidence: Evidence) -> dict[Named, datetime]:
    """By object and expression with an H, an instant that it has, as most of what is known of it says.

    Of what was suspended before it had a Job nothing is known but outcomes, which are to be judged: there it is
    reckoned from the name, which costs more.
    """
    texts = {
        (edit.uid, edit.generation): (edit.key, edit.spec["schedule"])
        for edit in evidence.edits
        if edit.spec is not None and str(edit.spec.get("schedule", "")).startswith("H/")
    }
    votes: dict[Named, Counter[int]] = defaultdict(Counter)
    for version, at in _seen(evidence):
        if (named := texts.get(version)) is not None:
            votes[named][at.second % int(named[1].split()[0].removeprefix("H/"))] += 1
    return {named: _first(named, evidence.began, votes.get(named)) for named in texts.values()}


def _seen(evidence: Evidence) -> Iterator[tuple[tuple[str, int], datetime]]:
    """Instants by what names their generation."""
    for entry in evidence.history:
        if entry.job.scheduled_at is not None and entry.job.trigger.of_schedule:
            yield (entry.job.owner_uid, entry.generation or 0), entry.job.scheduled_at
    for told in evidence.told:
        if "nextScheduleTime" in told.status and told.status.get("observedGeneration") == told.generation:
            yield (told.uid, told.generation), time_of(told.status["nextScheduleTime"])


def _first(named: Named, began: datetime, votes: Counter[int] | None) -> datetime:
    if votes is not None:
        return began.replace(second=votes.most_common(1)[0][0], microsecond=0)
    key, text = named
    return next(wallclock.instants(text, "UTC", began, began + timedelta(minutes=1), hashed_as=str(key)))

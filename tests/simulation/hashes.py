"""What the H of an expression stands for, as the evidence shows it: seen, and not computed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from controller.spec import Key
from tests.checker.lives import of_schedule, time_of
from tests.simulation.evidence import Evidence

Named = tuple[Key, str]
"""An object and an expression of its: the H is a hash of the name, so who is made anew has the same."""


def hashed_by(evidence: Evidence) -> dict[Named, datetime]:
    """By object and expression with an H, an instant that it has, as most of what is known of it says.

    Jobs and `nextScheduleTime` name their generation. An outcome does not, so it counts only of an object that had one
    expression, and where nothing else is known: one that was suspended before it had a Job.
    """
    texts = {
        (edit.uid, edit.generation): (edit.key, edit.spec["schedule"])
        for edit in evidence.edits
        if edit.spec is not None and str(edit.spec.get("schedule", "")).startswith("H/")
    }
    seen = _votes((texts.get(version), at) for version, at in _of_a_generation(evidence))
    alone = {uid: named for (uid, _), named in texts.items() if len(_expressions(evidence, uid)) == 1}
    told = _votes((alone.get(uid), at) for uid, at in _outcomes(evidence))
    return {
        named: evidence.began.replace(second=votes.most_common(1)[0][0], microsecond=0)
        for named, votes in {**told, **seen}.items()
    }


def _votes(signs: Iterator[tuple[Named | None, datetime]]) -> Mapping[Named, Counter[int]]:
    votes: dict[Named, Counter[int]] = defaultdict(Counter)
    for named, at in signs:
        if named is not None:
            votes[named][at.second % int(named[1].split()[0].removeprefix("H/"))] += 1
    return votes


def _of_a_generation(evidence: Evidence) -> Iterator[tuple[tuple[str, int], datetime]]:
    for entry in evidence.history:
        if entry.job.scheduled_at is not None and entry.job.trigger.of_schedule:
            yield (entry.job.owner_uid, entry.generation or 0), entry.job.scheduled_at
    for told in evidence.told:
        if "nextScheduleTime" in told.status and told.status.get("observedGeneration") == told.generation:
            yield (told.uid, told.generation), time_of(told.status["nextScheduleTime"])


def _outcomes(evidence: Evidence) -> Iterator[tuple[str, datetime]]:
    for told in evidence.told:
        for raw in of_schedule(told.status.get("recent", ())):
            yield told.uid, time_of(raw["scheduledAt"])


def _expressions(evidence: Evidence, uid: str) -> set[str]:
    specs = (edit.spec for edit in evidence.edits if edit.uid == uid and edit.spec is not None)
    return {str(spec.get("schedule")) for spec in specs}

"""All objects due at one second, in every arm: `python -m tests.bench.herd --objects 1000 --folder docs/benchmarks`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.bench import arena, bodies, picture
from tests.bench.arena import NAMESPACE, OTHERS, Arena
from tests.bench.arms import ARMS, OTHERS_EVERY, Arm, Course, Ours, Raw
from tests.bench.outcome import Outcome
from tests.checker import audit
from tests.cluster import stage

HEAD = ("who makes the Jobs", "due", "made", "twice", "p50 s", "p99 s", "last s", "last / raw", "CPU ms", "all CPU ms")


def measure(arm: Arm, count: int) -> Outcome:
    """Run one arm on a control plane of its own."""
    stage.say(f"{arm.name}: {count} due at one second")
    with arena.opened(stage.say) as place:
        course = arm.run(place, count)
        return _outcome(arm, place, course, count)


def _outcome(arm: Arm, place: Arena, course: Course, count: int) -> Outcome:
    made = audit.read(place.control_plane.audit_log, NAMESPACE).made
    names = Counter(write.name for write in made)
    cpu = {name: after - course.cpu_before.get(name, 0.0) for name, after in course.cpu_after.items()}
    until = max((write.at for write in made), default=course.due_at)
    others_due, others = _others(arm, place, course.due_at, until)
    return Outcome(
        arm=arm.name,
        due=count,
        twice=sum(number > 1 for number in names.values()),
        lateness=sorted((write.at - course.due_at).total_seconds() for write in made),
        cpu=cpu,
        controller_cpu=sum(cpu[name] for name in place.contenders),
        others_due=others_due,
        others=others,
    )


def _others(arm: Arm, place: Arena, since: datetime, until: datetime) -> tuple[int, list[float]]:
    """How many firings of other schedules were due from `since` to `until`, and how late those were that were made."""
    if not isinstance(arm, Ours) or not arm.others:
        return 0, []
    seconds = {since + timedelta(seconds=number) for number in range(math.ceil((until - since).total_seconds()))}
    numbers = range(arm.others)
    due = sum((at.second - number) % OTHERS_EVERY == 0 for at in seconds for number in numbers)
    made = audit.read(place.control_plane.audit_log, OTHERS).made
    late = [(write.at - at).total_seconds() for write in made if (at := bodies.instant_of(write.name)) in seconds]
    return due, sorted(late)


def rows(outcomes: Sequence[Outcome], limit: float) -> Iterable[tuple[object, ...]]:
    """The table.

    Args:
        limit: When the last of the raw creates was answered, seconds.
    """
    for one in outcomes:
        late = (f"{one.quantile(share):.3f}" for share in (0.5, 0.99, 1))
        cpu = (f"{1000 * seconds / one.due:.2f}" for seconds in (one.controller_cpu, sum(one.cpu.values())))
        yield (one.arm, one.due, len(one.lateness), one.twice, *late, f"{one.quantile(1) / limit:.2f}", *cpu)


def main() -> int:
    """0 if every arm of this project made all Jobs once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.herd", description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--only", nargs="*", default=[], help="words: arms with one of them in their names")
    parser.add_argument("--others", type=int, default=0, help="so many other objects of ours fire every 10 s meanwhile")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON")
    arguments = parser.parse_args()
    chosen = [arm for arm in ARMS if _chosen(arm, arguments.only)]
    arms = [replace(arm, others=arguments.others) if isinstance(arm, Ours) else arm for arm in chosen]
    measured = [(arm, measure(arm, arguments.objects)) for arm in arms]
    outcomes = [one for _, one in measured]
    limit = min((one.quantile(1) for arm, one in measured if isinstance(arm, Raw)), default=float("nan"))
    stage.table(HEAD, list(rows(outcomes, limit)))
    for one in outcomes:
        if one.others_due:
            latest = f"{one.others[-1]:.2f} s" if one.others else "never"
            stage.say(
                f"{one.arm}: of {one.others_due} others due meanwhile {len(one.others)} made, the last {latest} late"
            )
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        (arguments.folder / "herd.json").write_text(json.dumps([one.kept() for one in outcomes]) + "\n")
        title = f"{arguments.objects:,} objects due at one second: the share whose Job was made by a time"
        (arguments.folder / "herd.svg").write_text(picture.drawn(outcomes, title))
    ours = [one for arm, one in measured if isinstance(arm, Ours)]
    return 0 if all(one.whole for one in ours) else 1


def _chosen(arm: Arm, words: Sequence[str]) -> bool:
    return not words or any(word in arm.name for word in words)


if __name__ == "__main__":
    sys.exit(main())

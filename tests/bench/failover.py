"""A node dies, and one joins: `python -m tests.bench.failover --objects 20 --folder docs/benchmarks`.

dcron, the Go library, and this project side by side: three nodes, jobs that are due each second, one node killed with
SIGKILL, and half a minute later a new one. The library calls functions in its own process, this project has an API
server make Jobs, so their lateness is not of the same kind; what is missed and what is made twice is. A herd of the
library alone is measured first.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench import arena, bodies, calls, contenders, gaps, library
from tests.bench.contenders import Running
from tests.bench.gaps import EVERY, Gap
from tests.cluster import stage
from tests.cluster.fleet import NODES

HEAD = ("who", "change", "its jobs", "due", "missed", "late", "made good", "twice", "worst s", "all again after s")
VICTIM, NEWCOMER = NODES[0], "newcomer"
KILLED, JOINED = "one of three is killed", "one joins the other two"
WARM = timedelta(seconds=15)
"""Not counted: all begin to fire."""
LOOK = timedelta(seconds=30)
"""So long the firings after a change are looked at: the library takes 12 s at most."""
LAG = timedelta(seconds=5)
"""After the end, so that what was due by then is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one change cost one contender.

    Attributes:
        owned: How many of the jobs were of the node that died, or are of the one that joined.
    """

    arm: str
    event: str
    owned: int
    gap: Gap

    @property
    def whole(self) -> bool:
        """Whether all was made, once."""
        return not self.gap.missed and not self.gap.twice

    def kept(self) -> dict[str, Any]:
        """For people and diffs; what was never over is null."""
        kept = asdict(self)
        kept["gap"]["worst"] = round(self.gap.worst, 3)
        kept["gap"]["over"] = round(self.gap.over, 3) if math.isfinite(self.gap.over) else None
        return kept


def measure(arm: str, nodes: Running, jobs: Sequence[str]) -> list[Change]:
    """Kill one, and let another join."""
    stage.say(f"{arm}: {len(jobs)} jobs due each second")
    time.sleep(WARM.total_seconds())
    of_victim = nodes.owned(VICTIM)
    killed_at = _between_seconds()
    nodes.kill(VICTIM)
    time.sleep(LOOK.total_seconds())
    joined_at = _between_seconds()
    nodes.launch(NEWCOMER)
    time.sleep(LOOK.total_seconds())
    ended_at = arena.now()
    of_newcomer = nodes.owned(NEWCOMER)
    time.sleep(LAG.total_seconds())
    firings = nodes.firings()
    changes = ((KILLED, of_victim, killed_at, joined_at), (JOINED, of_newcomer, joined_at, ended_at))
    return [
        Change(
            arm=arm,
            event=event,
            owned=owned,
            gap=gaps.counted(firings, jobs, since=_second(at), until=_second(until), event=at),
        )
        for event, owned, at, until in changes
    ]


def _between_seconds() -> datetime:
    """Wait until half past a second: nothing is due then, and what was due has most likely been fired."""
    moment = _second(arena.now()) + 1.5 * EVERY
    arena.wait_until(moment)
    return moment


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def rows(changes: Iterable[Change]) -> Iterator[tuple[object, ...]]:
    """The table."""
    for one in changes:
        gap = one.gap
        over = f"{gap.over:.1f}" if math.isfinite(gap.over) else "never"
        counts = (gap.due, gap.missed, gap.late, gap.again, gap.twice)
        yield (one.arm, one.event, one.owned, *counts, f"{gap.worst:.2f}", over)


def main() -> int:
    """0 if this project made all that was due, once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.failover", description=__doc__)
    parser.add_argument("--objects", type=int, default=20, help="jobs that are due each second")
    parser.add_argument("--herd", type=int, default=1000, help="jobs of the library that are due at one second")
    parser.add_argument("--only", default="", help="a word: those with it in their names")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON")
    arguments = parser.parse_args()
    jobs = [body["metadata"]["name"] for body in bodies.objects(arguments.objects, contenders.SCHEDULE)]
    crowds = [calls.measure(arguments.herd)] if arguments.only in library.name() else []
    changes: list[Change] = []
    for name, opened in contenders.ALL.items():
        if arguments.only in name:
            with opened(jobs) as nodes:
                changes += measure(name, nodes, jobs)
    if crowds:
        stage.table(calls.HEAD, [calls.row(one) for one in crowds])
    stage.table(HEAD, list(rows(changes)))
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        kept = {"herd": [one.kept() for one in crowds], "changes": [one.kept() for one in changes]}
        (arguments.folder / "failover.json").write_text(json.dumps(kept) + "\n")
    return 0 if all(one.whole for one in changes if one.arm == contenders.OURS) else 1


if __name__ == "__main__":
    sys.exit(main())

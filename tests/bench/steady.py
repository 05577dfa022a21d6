"""Objects that fire again and again: `python -m tests.bench.steady --objects 100 --every 2 --seconds 60`.

How late they are, and how many writes a firing costs, by the API server's own record of who wrote what. With `--end`
the Job controller runs too, and each Job ends at once (it asks for no pod): so a firing has an end, and a history.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.bench import arena, bodies, poster, written
from tests.bench.arena import NAMESPACE, Arena
from tests.checker import audit
from tests.cluster import fleet as fleets
from tests.cluster import stage
from tests.cluster.fleet import NODES

HEAD = ("objects", "every s", "firings/s", "due", "made", "twice", "p50 s", "p99 s", "last s", "CPU ms", "all CPU ms")
WARM = timedelta(seconds=40)
"""Not counted: the first looks, the Events of first firings, and the half minute that books may wait."""
_LAG = timedelta(seconds=10)
"""So long after the end of what is counted, what was due may still be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What a run came to.

    Attributes:
        due: How many firings were due.
        lateness: Of each that was made, seconds, the least first.
        twice: Names that were made more than once.
        cpu: Seconds of processor time of all processes,
        controller_cpu: and of the replicas.
        writes: By kind of write, how many the replicas made for all firings.
    """

    objects: int
    every: int
    due: int
    lateness: tuple[float, ...]
    twice: int
    cpu: float
    controller_cpu: float
    writes: Mapping[str, int]

    @property
    def whole(self) -> bool:
        """Whether each Job that was due was made, and once."""
        return len(self.lateness) == self.due and not self.twice

    def quantile(self, share: float) -> float:
        """The lateness that this share of what was due does not pass; infinite if that share was not made."""
        place = min(int(self.due * share), self.due - 1)
        return self.lateness[place] if place < len(self.lateness) else float("inf")


def instants(since: datetime, until: datetime, every: int, offset: int = 0) -> list[datetime]:
    """The instants of an object in [since, until): every so many seconds from that second of the minute on."""
    first = since.replace(microsecond=0)
    seconds = (first + timedelta(seconds=number) for number in range(math.ceil((until - first).total_seconds())))
    return [at for at in seconds if at.second % every == offset and at >= since]


def measure(place: Arena, *, objects: int, every: int, seconds: int, spread: bool) -> Steady:
    """Let them fire for a while, once they have fired for so long that it goes on as it would for ever."""
    with fleets.running(place.control_plane, place.folder / "fleet", *NODES) as fleet:
        place.contenders.update({node: replica.process for node, replica in fleet.replicas.items()})
        path, api = bodies.OBJECTS.format(NAMESPACE), place.control_plane.api
        made = bodies.spread(objects, every) if spread else bodies.objects(objects, f"*/{every} * * * * *")
        poster.post(api, path, made, processes=2)
        time.sleep(WARM.total_seconds())
        since, before = arena.now(), dict(place.cpu())
        time.sleep(seconds)
        until, after = arena.now(), dict(place.cpu())
        time.sleep(_LAG.total_seconds())
        due = sum(len(instants(since, until, every, number % every if spread else 0)) for number in range(objects))
        return _steady(place, since, until, due, objects, every, {name: after[name] - before[name] for name in before})


def _steady(
    place: Arena, since: datetime, until: datetime, due: int, objects: int, every: int, cpu: Mapping[str, float]
) -> Steady:
    names: Counter[str] = Counter()
    lateness: list[float] = []
    for write in audit.read(place.control_plane.audit_log, NAMESPACE).made:
        at = bodies.instant_of(write.name)
        if since <= at < until:
            names[write.name] += 1
            lateness.append((write.at - at).total_seconds())
    return Steady(
        objects=objects,
        every=every,
        due=due,
        lateness=tuple(sorted(lateness)),
        twice=sum(count > 1 for count in names.values()),
        cpu=sum(cpu.values()),
        controller_cpu=sum(cpu[name] for name in place.contenders),
        writes=written.read(place.control_plane.audit_log, since, until, agent=written.OURS, namespace=NAMESPACE),
    )


def rows(found: Iterable[Steady]) -> Iterator[tuple[object, ...]]:
    """The table."""
    for one in found:
        late = (f"{one.quantile(share):.3f}" for share in (0.5, 0.99, 1))
        cpu = (f"{1000 * seconds / one.due:.2f}" for seconds in (one.controller_cpu, one.cpu))
        rate = f"{one.objects / one.every:.0f}"
        yield (one.objects, one.every, rate, one.due, len(one.lateness), one.twice, *late, *cpu)


def main() -> int:
    """0 if all that was due was made, once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.steady", description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[100], help="one run for each number")
    parser.add_argument("--every", type=int, default=2, help="seconds: a divisor of 60")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--spread", action="store_true", help="some fire in each second, and not all at once")
    parser.add_argument("--end", action="store_true", help="the Job controller runs, and Jobs end at once")
    arguments = parser.parse_args()
    found = []
    for objects in arguments.objects:
        stage.say(f"{objects} objects, every {arguments.every} s")
        with arena.opened(stage.say, jobs_end=arguments.end) as place:
            course = {"every": arguments.every, "seconds": arguments.seconds, "spread": arguments.spread}
            found.append(measure(place, objects=objects, **course))
    stage.table(HEAD, list(rows(found)))
    for one in found:
        each = {kind: f"{count / one.due:.2f}" for kind, count in sorted(one.writes.items())}
        stage.say(f"writes a firing: {sum(one.writes.values()) / one.due:.2f} {each}")
    return 0 if all(one.whole for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

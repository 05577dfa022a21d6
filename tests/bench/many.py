"""What objects cost that have nothing to do: `python -m tests.bench.many --objects 1000 10000 50000`.

So many objects that fire once a year are there while three replicas start, idle, serve a few objects that fire each
second, and hand keys over to a fourth that joins. What grows with the number of objects is to be seen from row to row.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from controller import comparison
from deploy.local.redis_server import RedisServer
from tests.bench import arena, bodies, poster
from tests.bench.arena import NAMESPACE, OTHERS, Arena
from tests.checker import audit
from tests.cluster import stage
from tests.cluster.fleet import NODES, Fleet, eventually

HEAD = (
    "objects",
    "first sight s",
    "ready s",
    "RSS MiB",
    "idle CPU %",
    "CPU ms a firing",
    "join: CPU s of 3",
    "of the new one",
    "worst lateness s",
)
YEARLY = "0 0 1 1 *"
PULSES, PULSE = 20, "* * * * * *"
"""Objects that fire each second, in a namespace of their own."""
IDLE = timedelta(seconds=70)
"""So long nothing happens, or longer: all objects are compared with the API server's list in it as often as ever."""
FIRING = timedelta(seconds=30)
"""So long the pulses fire before anything else happens, and after a join."""
SETTLED = timedelta(seconds=15)
"""Not counted, after a start or a change."""
PATIENCE_SECONDS = 3600.0
_UPDATES = re.compile(r'^dcron_request_seconds_count{target="api",verb="update"} (\S+)$', re.MULTILINE)
_RSS = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """What a run came to.

    Attributes:
        objects: That have nothing to do.
        first_sight: Until one replica, alone, had told the status of all new objects; seconds.
        ready: From a cold start of three until all were ready, with all statuses there; seconds.
        rss: The largest of the three, MiB.
        idle: The processor time that the busiest of the three took of one core, as a share.
        firing: Processor time of the three for each firing of the pulses, milliseconds.
        join: Processor time of the three for a fourth that joins, beyond what they take before or after, whichever is
            less; seconds.
        newcomer: That of the fourth from its start on; seconds.
        due: Firings that were due from before the join until well after it,
        lateness: and how late those were that were made, the least first.
    """

    objects: int
    first_sight: float
    ready: float
    rss: float
    idle: float
    firing: float
    join: float
    newcomer: float
    due: int
    lateness: tuple[float, ...]

    @property
    def whole(self) -> bool:
        """Whether each firing that was due was made once."""
        return len(self.lateness) == self.due


def measure(place: Arena, count: int) -> Many:
    """Let so many objects be there."""
    control_plane = place.control_plane
    control_plane.kubectl("create", "namespace", OTHERS)
    with RedisServer.start(place.folder) as redis:
        fleet = Fleet(control_plane, place.folder, redis)
        try:
            first_sight = _lay_out(place, fleet, count)
            ready = _start(place, fleet)
            time.sleep(SETTLED.total_seconds())
            during = idle_for(count)
            idle = max(_spent(place, during).values()) / during.total_seconds()
            rss = max(_rss(place.contenders[node].pid) for node in NODES)
            poster.post(control_plane.api, bodies.OBJECTS.format(OTHERS), bodies.objects(PULSES, PULSE))
            time.sleep(SETTLED.total_seconds())
            rate = sum(_spent(place, FIRING).values()) / FIRING.total_seconds()
            since, (join, newcomer, took) = arena.now(), _join(place, fleet)
            until = arena.now()
            time.sleep(SETTLED.total_seconds())
            # One of the two half minutes may hold a list of all; and the three fire less since the join, so it may seem
            # dearer than it was.
            at_peace = min(rate, sum(_spent(place, FIRING).values()) / FIRING.total_seconds())
        finally:
            fleet.stop()
    due, lateness = _pulses(control_plane.audit_log, since, until)
    return Many(
        objects=count,
        first_sight=first_sight,
        ready=ready,
        rss=rss,
        idle=idle,
        firing=1000 * rate / PULSES,
        join=join - at_peace * took,
        newcomer=newcomer,
        due=due,
        lateness=lateness,
    )


def idle_for(count: int) -> timedelta:
    """So long that the list of so many objects comes in it as often as it does in the long run, once at least."""
    return max(IDLE, comparison.COMPARE_EVERY * (count / comparison.AT_ONCE))


def _lay_out(place: Arena, fleet: Fleet, count: int) -> float:
    """Create the objects, and have one replica tell the status of each; gives how long that took."""
    began = time.monotonic()
    poster.post(place.control_plane.api, bodies.OBJECTS.format(NAMESPACE), bodies.objects(count, YEARLY), processes=2)
    stage.say(f"{count} objects created in {time.monotonic() - began:.0f} s")
    replica = fleet.launch(NODES[0])
    began = time.monotonic()

    def told() -> bool:
        found = _UPDATES.search(replica.answer("/metrics")[1])
        return found is not None and float(found[1]) >= count

    eventually(told, "all have a status", PATIENCE_SECONDS)
    took = time.monotonic() - began
    replica.terminate()
    return took


def _start(place: Arena, fleet: Fleet) -> float:
    """Start three replicas together; gives how long it takes until all are ready."""
    began = time.monotonic()
    for node in NODES:
        place.contenders[node] = fleet.launch(node).process
    _wait_until_whole(fleet)
    return time.monotonic() - began


def _join(place: Arena, fleet: Fleet) -> tuple[float, float, float]:
    """Let a fourth join; gives the processor time of the three, of the new one, and how long all took, in seconds."""
    before, began = place.cpu(), time.monotonic()
    newcomer = fleet.launch("newcomer").process
    _wait_until_whole(fleet)
    time.sleep(FIRING.total_seconds())
    after = place.cpu()
    spent = sum(after[node] - before[node] for node in NODES)
    return spent, arena.seconds(newcomer), time.monotonic() - began


def _wait_until_whole(fleet: Fleet) -> None:
    living = fleet.living()

    def whole() -> bool:
        return all(replica.is_ready() and replica.ring_members() == len(living) for replica in living)

    eventually(whole, f"a ring of {len(living)}", PATIENCE_SECONDS)


def _spent(place: Arena, during: timedelta) -> Mapping[str, float]:
    """By replica, the seconds of processor time that it takes from now on."""
    before = place.cpu()
    time.sleep(during.total_seconds())
    after = place.cpu()
    return {node: after[node] - before[node] for node in NODES}


def _rss(pid: int) -> float:
    found = _RSS.search(Path(f"/proc/{pid}/status").read_text())
    return 0.0 if found is None else int(found[1]) / 1024


def _pulses(log: Path, since: datetime, until: datetime) -> tuple[int, tuple[float, ...]]:
    """How many firings were due in [since, until), and how late those were that were made."""
    late = [
        (write.at - at).total_seconds()
        for write in audit.read(log, OTHERS).made
        if since <= (at := bodies.instant_of(write.name)) < until
    ]
    first = since.replace(microsecond=0) + timedelta(seconds=since.microsecond > 0)
    last = (until - timedelta(microseconds=1)).replace(microsecond=0)
    return PULSES * (1 + round((last - first).total_seconds())), tuple(sorted(late))


def rows(found: Iterable[Many]) -> Iterator[tuple[object, ...]]:
    """The table."""
    for one in found:
        times = (f"{one.first_sight:.0f}", f"{one.ready:.1f}", f"{one.rss:.0f}", f"{100 * one.idle:.1f}")
        costs = (f"{one.firing:.1f}", f"{one.join:.1f}", f"{one.newcomer:.1f}")
        yield (one.objects, *times, *costs, f"{one.lateness[-1]:.2f}" if one.lateness else "never")


def main() -> int:
    """0 if all that was due was made, once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.many", description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[1000, 10_000], help="one run for each number")
    found = []
    for count in parser.parse_args().objects:
        stage.say(f"{count} objects")
        with arena.opened(stage.say) as place:
            found.append(measure(place, count))
        stage.table(HEAD, list(rows(found)))
    for one in found:
        stage.say(f"{one.objects} objects: of {one.due} firings around the join {len(one.lateness)} made")
    return 0 if all(one.whole for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

"""What befalls everything but the life of the replicas, from a seed: Redis, the API server, watches, clocks, pauses.

One fault after the other, each with its begin and its healing in the evidence, so that what it excuses is known to the
moment. Joins and deaths are `nemesis`'s.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.apiserver import Glitch
from tests.simulation.evidence import ALL
from tests.simulation.world import PAUSE_SEEN_WITHIN, Node, World

SHORTEST_SECONDS, LONGEST_SECONDS = 6.0, 20.0
"""How long a fault lasts: longer than the TTL of a member."""
LONGEST_STALL_SECONDS = 40.0
LONG_STALL_SECONDS = (60.0, 110.0)
"""Until past the moment at which a stall must have been seen."""
PEACE_SECONDS = (2.0, 12.0)
"""Between a healing and the next fault: sometimes less than it takes to recover."""
Weather = AbstractAsyncContextManager[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault.

    Attributes:
        strike: Does it to the world, and undoes it at the end; the node is the one that it is done to.
        excuses: Nobody can fire meanwhile.
        shortest: How many seconds it lasts at least, if the run does not end before.
        longest: How many it lasts at most.
        of_one: It is done to one replica.
        lingers: So many seconds after its end the last replica has seen that it is over.
    """

    strike: Callable[[World, Node, random.Random], Weather]
    excuses: bool = False
    shortest: float = SHORTEST_SECONDS
    longest: float = LONGEST_SECONDS
    of_one: bool = False
    lingers: float = 0.0


@dataclass(kw_only=True)
class Troubles:
    """The faults of one run.

    Attributes:
        world: Whom they strike.
        kinds: The names of those that may.
    """

    world: World
    kinds: Sequence[str]

    async def run(self, until: datetime) -> None:
        """Strike and heal until a moment; all is healed then."""
        chance, world = self.world.simulation.random, self.world
        while True:
            peace, name = chance.uniform(*PEACE_SECONDS), chance.choice(self.kinds)
            kind = KINDS[name]
            seconds = chance.uniform(kind.shortest, kind.longest)
            left = (until - world.now()).total_seconds() - peace
            if left < SHORTEST_SECONDS:
                return
            await world.sleep(peace)
            node = chance.choice(world.ready or list(world.nodes.values()))
            if kind.of_one and len(world.ready) < 2:
                continue  # somebody must be well
            seconds = min(seconds, left)
            world.trouble(name, node.name if kind.of_one else ALL, seconds + kind.lingers, excuses=kind.excuses)
            afflicted = {node.name} if kind.of_one else set()
            world.afflicted |= afflicted
            async with kind.strike(world, node, chance):
                await world.sleep(seconds)
            world.afflicted -= afflicted


@asynccontextmanager
async def _redis_down(world: World, _node: Node, chance: random.Random) -> AsyncIterator[None]:
    """Connection refused, for all; half of the time it comes back empty."""
    world.redis.down = True
    yield
    if chance.random() < 0.5:
        world.redis.flush_all()
    world.redis.down = False


@asynccontextmanager
async def _redis_empty(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.redis.flush_all()
    yield
    world.redis.flush_all()


@asynccontextmanager
async def _redis_black_holed(world: World, node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.redis.black_holed.add(node.name)
    yield
    world.redis.black_holed.discard(node.name)


@asynccontextmanager
async def _redis_deaf(world: World, node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.redis.deaf.add(node.name)
    yield
    world.redis.deaf.discard(node.name)


@asynccontextmanager
async def _redis_slow(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    before, world.redis.delay = world.redis.delay, timedelta(seconds=5)
    yield
    world.redis.delay = before


@asynccontextmanager
async def _redis_loses_writes(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    """A failover to a replica that knows nothing of what was acknowledged since."""
    restore = world.redis.snapshot()
    yield
    world.redis.struck["acknowledged writes lost"] += 1
    restore()


@asynccontextmanager
async def _redis_stale(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.redis.fall_behind()
    yield
    world.redis.stale = None


@asynccontextmanager
async def _api_down(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.server.down = True
    yield
    world.server.down = False


@asynccontextmanager
async def _api_black_holed(world: World, node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.server.black_holes.add(node.name)
    yield
    world.server.black_holes.discard(node.name)


@asynccontextmanager
async def _api_errors(world: World, _node: Node, chance: random.Random) -> AsyncIterator[None]:
    """A share of the requests ends with an error, most of them after they went through."""
    shares = {Glitch.ERROR_BEFORE: 0.1, Glitch.ERROR_AFTER: 0.3, Glitch.SILENT_AFTER: 0.1}
    world.server.glitches = {glitch: chance.uniform(0, share) for glitch, share in shares.items()}
    yield
    world.server.glitches = {}


@asynccontextmanager
async def _api_requests_late(world: World, _node: Node, chance: random.Random) -> AsyncIterator[None]:
    """A share of the requests is seconds on its way, to be overtaken by whatever another replica does meanwhile."""
    world.server.glitches = {Glitch.LATE: chance.uniform(0.05, 0.4)}
    yield
    world.server.glitches = {}


@asynccontextmanager
async def _api_conflicts(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.server.glitches = {Glitch.CONFLICT: 0.5}
    yield
    world.server.glitches = {}


@asynccontextmanager
async def _api_throttles(world: World, _node: Node, chance: random.Random) -> AsyncIterator[None]:
    world.server.throttled_seconds = chance.choice((1.0, 2.0))
    yield
    world.server.throttled_seconds = None


@asynccontextmanager
async def _watch_slow(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    before, world.server.watch_delay_seconds = world.server.watch_delay_seconds, (1.0, 4.0)
    world.server.struck["watch slowed"] += 1
    yield
    world.server.watch_delay_seconds = before


@asynccontextmanager
async def _watch_stalled(world: World, node: Node, chance: random.Random) -> AsyncIterator[None]:
    """Nothing arrives; half of the time the watch is then begun anew, and what was deleted in the gap is never told."""
    world.server.stalled.add(node.name)
    yield
    if chance.random() < 0.5 and node.name in world.nodes:
        node.cluster.relist()
        world.server.struck["relist"] += 1
    world.server.stalled.discard(node.name)


@asynccontextmanager
async def _paused(world: World, node: Node, _chance: random.Random) -> AsyncIterator[None]:
    node.signals.stop()
    yield
    world.server.struck["callback held"] += node.signals.waiting
    node.signals.resume()


@asynccontextmanager
async def _clock_stepped(world: World, node: Node, chance: random.Random) -> AsyncIterator[None]:
    delta = timedelta(seconds=chance.choice((-1, 1)) * chance.uniform(6, 300))
    node.clock.step(delta)
    world.server.struck["clock stepped"] += 1
    yield
    node.clock.step(-delta)


@asynccontextmanager
async def _redis_clock_stepped(world: World, _node: Node, chance: random.Random) -> AsyncIterator[None]:
    """One that takes over from another host may have another's clock."""
    world.redis.skew = timedelta(seconds=chance.choice((-1, 1)) * chance.uniform(6, 300))
    world.redis.struck["clock of Redis stepped"] += 1
    yield
    world.redis.skew = timedelta(0)


@asynccontextmanager
async def _everything_paused(world: World, _node: Node, _chance: random.Random) -> AsyncIterator[None]:
    world.pause(True)
    world.server.struck["emergency pause"] += 1
    yield
    world.pause(False)


KINDS: Mapping[str, Kind] = {
    "Redis down": Kind(strike=_redis_down),
    "Redis empty": Kind(strike=_redis_empty),
    "Redis black-holed": Kind(strike=_redis_black_holed, of_one=True),
    "Redis deaf": Kind(strike=_redis_deaf, of_one=True),
    "Redis slow": Kind(strike=_redis_slow),
    "Redis loses writes": Kind(strike=_redis_loses_writes),
    "Redis stale": Kind(strike=_redis_stale),
    "API server down": Kind(strike=_api_down, excuses=True),
    "API server black-holed": Kind(strike=_api_black_holed, of_one=True),
    "API errors": Kind(strike=_api_errors, excuses=True),
    "API requests late": Kind(strike=_api_requests_late, excuses=True),
    "API conflicts": Kind(strike=_api_conflicts, excuses=True),
    "API throttles": Kind(strike=_api_throttles, excuses=True),
    "watch slow": Kind(strike=_watch_slow),
    "watch stalled": Kind(strike=_watch_stalled, of_one=True, longest=LONGEST_STALL_SECONDS),
    "watch stalled for long": Kind(
        strike=_watch_stalled, of_one=True, shortest=LONG_STALL_SECONDS[0], longest=LONG_STALL_SECONDS[1]
    ),
    "paused": Kind(strike=_paused, of_one=True),
    "clock stepped": Kind(strike=_clock_stepped, of_one=True),
    "Redis clock stepped": Kind(strike=_redis_clock_stepped),
    "everything paused": Kind(strike=_everything_paused, excuses=True, lingers=PAUSE_SEEN_WITHIN.total_seconds()),
}
"""Every kind of fault, by the name that the evidence has."""
STALLS = ("watch stalled for long",)
"""Kinds that need a run of their own: most runs are over before them."""
PAUSES = ("everything paused",)
"""What somebody means, and no accident."""
LATE = ("API requests late", "Redis down", "Redis black-holed", "watch slow", "watch stalled", "paused")
"""Those in which two replicas look after one object, and one request overtakes another."""
BRIEF = tuple(name for name in KINDS if name not in (*STALLS, *PAUSES, LATE[0]))

"""What befalls the replicas of a simulated world, from a seed: they join, leave and die.

Every choice comes from the run's one source of chance, so a seed tells the whole story. The nemesis keeps to what the
invariants presuppose: one replica that is on the ring and well lives at any time, and a death is over before the next
one. `troubles` strikes everything else; `authors` edit.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.simulation.world import Node, World

BETWEEN_DEATHS = timedelta(seconds=12)
"""A death is over after 8 s (L2); two at once are one death."""
WORST_SKEW_SECONDS = 4.0
REQUESTS_WITHIN_SECONDS = 0.06
"""So long after an instant its requests are under way."""


def skew(chance: random.Random, worst_seconds: float = WORST_SKEW_SECONDS) -> timedelta:
    """How wrong the clock of a new node is."""
    return timedelta(seconds=chance.uniform(-worst_seconds, worst_seconds))


def choose_weather(world: World) -> None:
    """How slow the networks are in this run: from next to nothing to what makes requests and watches overtake each
    other."""
    chance = world.simulation.random
    world.server.latency_seconds = chance.choice(((0.001, 0.005), (0.001, 0.05), (0.005, 0.15)))
    world.server.watch_delay_seconds = chance.choice(((0.005, 0.05), (0.001, 0.3)))
    world.redis.delay = timedelta(milliseconds=chance.choice((1, 20, 200)))


@dataclass(kw_only=True)
class Nemesis:
    """Faults of replicas.

    Attributes:
        world: Whom it strikes.
        pause_seconds: Between two strikes, on average.
        most_nodes: Nobody joins beyond so many.
    """

    world: World
    pause_seconds: float
    most_nodes: int = 5
    died_at: datetime | None = None

    async def run(self, until: datetime) -> None:
        """Strike until a moment."""
        chance = self.world.simulation.random
        strikes = (self._join, self._stop, self._roll, self._kill, self._kill, self._massacre)
        while True:
            pause = chance.expovariate(1 / self.pause_seconds)
            pause = self._aim(pause) if chance.random() < 0.5 else pause
            if self.world.now() + timedelta(seconds=pause) >= until:
                return
            await self.world.sleep(pause)
            chance.choice(strikes)()

    def _aim(self, pause: float) -> float:
        """Rather strike just after a full second, when requests are under way."""
        struck_at = math.ceil(self.world.simulation.loop.time() + pause)
        late = self.world.simulation.random.uniform(0, REQUESTS_WITHIN_SECONDS)
        return struck_at + late - self.world.simulation.loop.time()

    def _join(self) -> None:
        if len(self.world.nodes) < self.most_nodes:
            self.world.start(skew=skew(self.world.simulation.random))

    def _stop(self) -> None:
        """Of one that is stopped by SIGSTOP nobody can ask it."""
        if (node := self._one_of_several()) and not node.signals.stopped:
            self.world.stop(node)

    def _roll(self) -> None:
        self._join()
        self._stop()

    def _kill(self) -> None:
        if self._may_kill() and (node := self._one_of_several()):
            self._die(node)
            if self.world.simulation.random.random() < 0.5:
                self._join()

    def _massacre(self) -> None:
        """All but one die at once."""
        if self._may_kill():
            while node := self._one_of_several():
                self._die(node)
            self._join()

    def _die(self, node: Node) -> None:
        self.world.kill(node)
        self.died_at = self.world.now()

    def _may_kill(self) -> bool:
        return self.died_at is None or self.world.now() - self.died_at >= BETWEEN_DEATHS

    def _one_of_several(self) -> Node | None:
        """One whose end leaves somebody who is on the ring and whom no trouble afflicts."""
        ready = self.world.ready
        well = [node for node in ready if node.name not in self.world.afflicted]
        mortal = [node for node in ready if well and well != [node]]
        return self.world.simulation.random.choice(mortal) if len(ready) > 1 and mortal else None

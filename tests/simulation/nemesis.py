"""What befalls a simulated world, from a seed: replicas join, leave and die, authors edit, Jobs run for a while.

Every choice comes from the run's one source of chance, so a seed tells the whole story. The nemesis keeps to what the
invariants presuppose: one replica that is on the ring lives at any time, and a death is over before the next one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.jobs import Job
from controller.spec import Key
from tests.simulation.world import Node, World

TEMPLATE = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}
BETWEEN_DEATHS = timedelta(seconds=12)
"""A death is over after 8 s (L2); two at once are one death."""
WORST_SKEW_SECONDS = 4.0
SHORTEST_JOB_SECONDS, LONGEST_JOB_SECONDS = 0.1, 20.0
REQUESTS_WITHIN_SECONDS = 0.06
"""So long after an instant its requests are under way."""


def skew(chance: random.Random, worst_seconds: float = WORST_SKEW_SECONDS) -> timedelta:
    """How wrong the clock of a new node is."""
    return timedelta(seconds=chance.uniform(-worst_seconds, worst_seconds))


def job_duration(seed: int) -> Callable[[Job], timedelta]:
    """How long each Job runs: as often short as long, the same for one name in every run of a seed."""

    def duration(job: Job) -> timedelta:
        share = random.Random(f"{seed}/{job.name}").random()
        ratio = LONGEST_JOB_SECONDS / SHORTEST_JOB_SECONDS
        return timedelta(seconds=SHORTEST_JOB_SECONDS * math.pow(ratio, share))

    return duration


def job_succeeds(seed: int) -> Callable[[Job], bool]:
    """Whether a Job succeeds: nine of ten."""
    return lambda job: random.Random(f"end/{seed}/{job.name}").random() < 0.9


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
        if node := self._one_of_several():
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
        ready = self.world.ready
        return self.world.simulation.random.choice(ready) if len(ready) > 1 else None


@dataclass(kw_only=True)
class Authors:
    """People who make, edit and delete objects.

    Attributes:
        pause_seconds: Between two edits, on average; None: they make the objects and leave them alone.
    """

    world: World
    pause_seconds: float | None

    def make(self, specs: Mapping[str, Mapping[str, Any]]) -> None:
        """Apply the objects, by name."""
        for name, spec in specs.items():
            self.world.server.apply("ns", name, spec)

    async def run(self, until: datetime) -> None:
        """Edit until a moment."""
        chance = self.world.simulation.random
        while self.pause_seconds is not None:
            pause = chance.expovariate(1 / self.pause_seconds)
            if self.world.now() + timedelta(seconds=pause) >= until:
                return
            await self.world.sleep(pause)
            key = chance.choice(sorted(cron_job.key for cron_job in self.world.server.cron_jobs()))
            self.act(key)

    def act(self, key: Key) -> None:
        """One thing that somebody does to an object."""
        chance = self.world.simulation.random
        chance.choice((self._reschedule, self._suspend, self._suspend, self._retouch, self._replace))(key)

    def _reschedule(self, key: Key) -> None:
        spec = {name: value for name, value in self._spec(key).items() if name != "schedules"}
        self.world.server.apply(*key, {**spec, "schedule": self.world.simulation.random.choice(SCHEDULES)})

    def _suspend(self, key: Key) -> None:
        self.world.server.suspend(key, not self._spec(key).get("suspend", False))

    def _retouch(self, key: Key) -> None:
        """An edit that touches no instant."""
        limit = self.world.simulation.random.randrange(10)
        self.world.server.apply(*key, {**self._spec(key), "successfulJobsHistoryLimit": limit})

    def _replace(self, key: Key) -> None:
        """Deleted, and made again under the same name at once."""
        spec = self._spec(key)
        self.world.server.delete(key)
        self.world.server.apply(*key, spec)

    def _spec(self, key: Key) -> Mapping[str, Any]:
        edits = (edit.spec for edit in reversed(self.world.server.edits) if edit.key == key)
        spec = next(edits)
        assert spec is not None
        return spec


SCHEDULES = ("* * * * * *", "*/2 * * * * *", "*/5 * * * * *", "3-59/10 * * * * *", "* * * * *", "*/2 * * * *")


def cron_jobs(chance: random.Random) -> dict[str, dict[str, Any]]:
    """The objects of a run: a mix of schedules, zones, policies and deadlines."""
    policies = ["Allow", "Forbid", "Replace"]
    chance.shuffle(policies)
    deadline = {"startingDeadlineSeconds": chance.choice((3, 5, 10))}
    specs: dict[str, dict[str, Any]] = {
        "often": {"schedule": chance.choice(("* * * * * *", "*/2 * * * * *")), "concurrencyPolicy": policies[0]},
        "every-5-seconds": {"schedule": "*/5 * * * * *", "concurrencyPolicy": policies[1], "timeZone": "Asia/Kolkata"},
        "every-7-seconds": {"schedule": "*/7 * * * * *", "concurrencyPolicy": policies[2], **deadline},
        "every-minute": {"schedule": "* * * * *"},
        "twice-a-minute": {"schedules": ["10 * * * * *", "*/40 57-59,0-2 20-21 * * *"], "timeZone": "Etc/GMT-3"},
        "suspended": {"schedule": "*/3 * * * * *", "suspend": True},
    }
    return {name: {**spec, "jobTemplate": TEMPLATE} for name, spec in specs.items()}

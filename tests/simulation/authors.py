"""The authors of a simulated world, from a seed: objects that they make, edits that they do, Jobs that run for a while.

What befalls the replicas meanwhile is `nemesis`'s and `troubles`'s; any mix of policies, and requests by annotation,
is `mixture`'s.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.jobs import Job
from controller.spec import Key
from tests.simulation.world import World

TEMPLATE = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}
SHORTEST_JOB_SECONDS, LONGEST_JOB_SECONDS = 0.1, 20.0
WINDOW_SECONDS = (-0.15, 0.15)
"""About an instant, so early and so late, what a hasty author does meets the firing."""
LONGEST_BLINK_SECONDS = 2.5
"""How long it takes, at most, until a hasty author undoes it."""


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
            pause = self._next(self.pause_seconds)
            if self.world.now() + timedelta(seconds=pause) >= until:
                return
            await self.world.sleep(pause)
            if keys := sorted(cron_job.key for cron_job in self.world.server.cron_jobs()):
                self.act(chance.choice(keys))

    def _next(self, on_average: float) -> float:
        """How long until the next one."""
        return self.world.simulation.random.expovariate(1 / on_average)

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


@dataclass(kw_only=True)
class Hasty(Authors):
    """Authors who edit about the moment at which an object fires, and again before anybody has seen it."""

    def _next(self, on_average: float) -> float:
        """About a full second."""
        loop = self.world.simulation.loop
        struck_at = math.ceil(loop.time() + super()._next(on_average))
        return max(0.0, struck_at + self.world.simulation.random.uniform(*WINDOW_SECONDS) - loop.time())

    def act(self, key: Key) -> None:
        """One thing that somebody does to an object, and often a second one to undo it."""
        chance = self.world.simulation.random
        hasty = (self._blink, self._blink, self._take_away, self._replace, self._replace)
        if chance.random() < 0.5:
            chance.choice(hasty)(key)
        else:
            super().act(key)

    def _blink(self, key: Key) -> None:
        """Suspended, or resumed, and soon the other way about."""
        self._suspend(key)
        self._soon(self._suspend_again, key)

    def _suspend_again(self, key: Key) -> None:
        if self.world.server.read(key) is not None:
            self._suspend(key)

    def _take_away(self, key: Key) -> None:
        """Deleted, and made again soon under the same name."""
        spec = self._spec(key)
        self.world.server.delete(key)
        self._soon(lambda _: self.world.server.apply(*key, spec), key)

    def _soon(self, act: Callable[[Key], object], key: Key) -> None:
        asyncio.get_running_loop().call_later(self.world.simulation.random.uniform(0, LONGEST_BLINK_SECONDS), act, key)


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

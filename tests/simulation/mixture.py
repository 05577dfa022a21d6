"""Objects under any mix of policies, and people who ask things of them by annotation, from a seed.

`nemesis` has the faults and the plain edits; what is here comes on top of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controller.instants import format_time
from controller.jobs import Job
from controller.requests import BACKFILL, SUSPEND_UNTIL, TRIGGER
from controller.spec import Key
from tests.simulation.authors import TEMPLATE, Authors
from tests.simulation.world import World

REFUSED = {"spec": {"template": {"spec": {"restartPolicy": "Always", "containers": [{"name": "c", "image": "i"}]}}}}
"""A template that the API server does not take."""
TIGHT = "tight"
"""A namespace whose quota is full now and then."""
POLICIES = ("Allow", "Forbid", "Replace", "Queue")
SCHEDULES = (
    "* * * * * *",
    "*/2 * * * * *",
    "*/5 * * * * *",
    "1-59/7 * * * * *",
    "H/6 * * * * *",
    "@every 3s",
    "@every 8s",
)
UNIONS = (("*/10 * * * * *", "@every 7s"), ("5-59/15 * * * * *", "*/30 * * * * *"))


def cron_jobs(chance: random.Random, now: datetime) -> dict[Key, dict[str, Any]]:
    """The objects of a run: each policy, and of all else a throw of the dice."""
    names = ["alpha", "beta", "gamma", "delta"]
    specs = {Key("ns", name): _spec(chance, policy, now) for name, policy in zip(names, POLICIES, strict=True)}
    specs[Key(TIGHT, "epsilon")] = _spec(chance, chance.choice(POLICIES), now)
    specs[Key("ns", "refused")] = {**_spec(chance, chance.choice(POLICIES), now), "jobTemplate": REFUSED}
    return specs


def _spec(chance: random.Random, policy: str, now: datetime) -> dict[str, Any]:
    union = chance.random() < 0.25
    texts: dict[str, Any] = {"schedules": _union(chance, now)} if union else {"schedule": chance.choice(SCHEDULES)}
    optional: dict[str, tuple[float, Callable[[], Any]]] = {
        "maxActiveJobs": (0.5, lambda: chance.randint(1, 3)),
        "queueLimit": (0.6, lambda: chance.choice((1, 2, 5))),
        "catchUpPolicy": (0.6, lambda: chance.choice(("Latest", "All", "None"))),
        "startingDeadlineSeconds": (0.3, lambda: chance.choice((3, 10, 30))),
        "maxRuns": (0.25, lambda: chance.randint(2, 15)),
        "suspendAfterFailures": (0.35, lambda: chance.randint(1, 3)),
        "jitterSeconds": (0.4, lambda: chance.randint(1, 5)),
        "startTime": (0.15, lambda: _moment(now, chance.uniform(5, 25))),
        "endTime": (0.15, lambda: _moment(now, chance.uniform(40, 90))),
        "timeZone": (0.2, lambda: "Asia/Kolkata"),
    }
    chosen = {name: value() for name, (share, value) in optional.items() if chance.random() < share}
    return {**texts, "concurrencyPolicy": policy, **chosen, "jobTemplate": TEMPLATE}


def _union(chance: random.Random, now: datetime) -> list[str]:
    once = f"@at {_moment(now, chance.uniform(5, 60))}"
    return [*chance.choice(UNIONS), *([once] if chance.random() < 0.5 else [])]


def _moment(now: datetime, seconds: float) -> str:
    return format_time((now + timedelta(seconds=seconds)).replace(microsecond=0))


def job_succeeds(seed: int) -> Callable[[Job], bool]:
    """Whether a Job succeeds: on two of three seeds nearly half of them fail, so that circuits open."""
    share = 0.9 if seed % 3 == 0 else 0.55
    return lambda job: random.Random(f"end/{seed}/{job.name}").random() < share


@dataclass(kw_only=True)
class Askers(Authors):
    """Authors who also write annotations.

    Attributes:
        values: The triggers that each object has had.
        intervals: The backfills.
    """

    values: dict[Key, list[str]] = field(default_factory=dict)
    intervals: dict[Key, list[str]] = field(default_factory=dict)

    def act(self, key: Key) -> None:
        """One thing that somebody does to an object: more often a request than an edit."""
        chance = self.world.simulation.random
        asks = (self._trigger, self._trigger, self._pause, self._unpause, self._backfill, self._backfill, self._drop)
        if chance.random() < 0.7:
            chance.choice(asks)(key)
        elif chance.random() < 0.3:
            chance.choice((self._switch, self._mend))(key)
        else:
            super().act(key)

    def _trigger(self, key: Key) -> None:
        """A new value; sometimes one that was there before."""
        chance = self.world.simulation.random
        values = self.values.setdefault(key, [])
        if not values or chance.random() < 0.7:
            values.append(f"run-{len(self.world.server.annotated)}")
            self._annotate(key, TRIGGER, values[-1])
        else:
            self._annotate(key, TRIGGER, chance.choice(values))

    def _pause(self, key: Key) -> None:
        """A pause, or another end of the one that holds: a longer or a shorter one."""
        self._annotate(key, SUSPEND_UNTIL, self._from_now(self.world.simulation.random.uniform(-2, 20)))

    def _unpause(self, key: Key) -> None:
        self._annotate(key, SUSPEND_UNTIL, None)

    def _backfill(self, key: Key) -> None:
        """An interval of the past; now and then one that is not over yet, or one that was there before."""
        chance = self.world.simulation.random
        intervals = self.intervals.setdefault(key, [])
        if intervals and chance.random() < 0.15:
            self._annotate(key, BACKFILL, chance.choice(intervals))
            return
        since = -chance.uniform(5, 90)
        until = since + chance.uniform(2, 45)
        intervals.append(f"{self._from_now(since)}/{self._from_now(min(until, 3))}")
        self._annotate(key, BACKFILL, intervals[-1])

    def _drop(self, key: Key) -> None:
        self._annotate(key, self.world.simulation.random.choice((TRIGGER, BACKFILL)), None)

    def _switch(self, key: Key) -> None:
        """Another concurrency policy."""
        spec = {**self._spec(key), "concurrencyPolicy": self.world.simulation.random.choice(POLICIES)}
        self.world.server.apply(*key, spec)

    def _mend(self, key: Key) -> None:
        """The template, which may have been refused."""
        self.world.server.apply(*key, {**self._spec(key), "jobTemplate": TEMPLATE})

    def _from_now(self, seconds: float) -> str:
        return _moment(self.world.now(), seconds)

    def _annotate(self, key: Key, name: str, value: str | None) -> None:
        self.world.server.annotate(key, {name: value})


@dataclass(kw_only=True)
class Quota:
    """The quota of the tight namespace: full for a while, again and again."""

    world: World

    async def run(self, until: datetime) -> None:
        """Until a moment; there is room at the end."""
        chance = self.world.simulation.random
        while True:
            calm, full = chance.uniform(5, 40), chance.uniform(2, 15)
            if self.world.now() + timedelta(seconds=calm + full) >= until:
                return
            await self.world.sleep(calm)
            self.world.fill(TIGHT)
            await self.world.sleep(full)
            self.world.free(TIGHT)


def make(world: World, specs: Mapping[Key, Mapping[str, Any]]) -> None:
    """Apply the objects; some bring annotations along, as from a restore, which are only noted."""
    chance = world.simulation.random
    for key, spec in specs.items():
        old = {TRIGGER: "of-old"} if chance.random() < 0.2 else {}
        world.server.apply(*key, spec, old)

"""What is gone is forgotten: after its deletion nothing in a replica holds an object's UID or name for long.

A replica runs for months and sees objects come and go by the hundred thousand: each word that is kept of one is a leak.
The whole replica is searched, whatever its rooms keep and however they call it.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest

from controller.lister import REMEMBER_GONE, CronJobLister
from controller.spec import Key
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.driver import FakeDriver
from tests.fakes.recentjobs import FakeRecentJobStore
from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import World
from tests.unit.builders import TEMPLATE

OBJECTS = 60
LONGEST = 12.0
"""Seconds that an object lives at most."""
BEGIN = 5.0
"""Seconds that a replica needs until it fires."""
_OUTSIDE = (FakeApiServer, FakeCluster, FakeDriver, FakeRecentJobStore, SimulatedClock)
"""The world around a replica keeps its whole history."""
_CODE = (ModuleType, type, FunctionType, BuiltinFunctionType, CodeType)

SPECS: dict[str, dict[str, Any]] = {
    "fires all the time": {"schedule": "*/2 * * * * *"},
    "fires next year": {"schedule": "0 0 1 1 *"},
    "claims its slot first": {"schedule": "*/2 * * * * *", "concurrencyPolicy": "Forbid"},
    "replaces": {"schedule": "*/3 * * * * *", "concurrencyPolicy": "Replace"},
    "queues": {"schedule": "*/2 * * * * *", "concurrencyPolicy": "Queue", "queueLimit": 3},
    "is of another installation": {"schedule": "*/2 * * * * *", "controllerName": "other"},
    "cannot be read": {"schedule": "this is no schedule"},
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_nothing_holds_an_object_that_is_gone(spec: dict[str, Any]) -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        world.server.latency_seconds = (0.05, 0.4)  # deletions meet looks that are under way
        node = world.start()
        for name, schedule in (("long-lived", "*/30 * * * * *"), ("next-year", "0 0 1 1 *")):
            world.server.apply("ns", name, {"jobTemplate": TEMPLATE, "schedule": schedule})
        await world.sleep(BEGIN)
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(live(world, number, spec)) for number in range(OBJECTS)]
        gone = {word for one in lives for word in one.result()}
        await world.sleep(REMEMBER_GONE.total_seconds() + 90)
        held = [f"{path}: {word}" for path, word in words(node.replica) if any(name in word for name in gone)]
        await world.close()
        assert not held, f"{len(held)} places, such as {held[:5]}"

    simulate(scenario)


async def live(world: World, number: int, spec: dict[str, Any]) -> tuple[str, str]:
    """An object comes and goes; gives its UID and its name."""
    key = Key("ns", f"short-lived-{number:03}")
    await world.sleep(world.simulation.random.uniform(0, LONGEST))
    made = world.server.apply(key.namespace, key.name, {"jobTemplate": TEMPLATE, **spec})
    await world.sleep(world.simulation.random.uniform(0, LONGEST))
    world.server.delete(key)
    return made.uid, key.name


def words(root: object) -> Iterator[tuple[str, str]]:
    """Every text that can be reached from an object, with the types on the way to it."""
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [(type(root).__name__, root)]
    while waiting:
        path, found = waiting.pop()
        if id(found) in seen or isinstance(found, (*_CODE, *_OUTSIDE)):
            continue
        seen.add(id(found))
        if isinstance(found, str):
            yield path, found
            continue
        if isinstance(found, (MethodType, FrameType)) and isinstance(getattr(found, "__self__", None), _OUTSIDE):
            continue
        for inner in _inside(found):
            name = type(inner).__name__
            waiting.append((path if name in ("str", "dict", "tuple") else f"{path} > {name}", inner))


def _inside(found: object) -> list[object]:
    if isinstance(found, CronJobLister):
        # The last UIDs that ended are remembered on purpose, a fixed number of them.
        return [value for name, value in vars(found).items() if name != "_ended"]
    return list(gc.get_referents(found))

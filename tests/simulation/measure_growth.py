"""Measures what a firing costs as objects grow that have nothing to do: `python -m tests.simulation.measure_growth`.

Three replicas on simulated time, with so many objects that fire once a year beside a hundred that fire every ten
seconds. A real API server with 100,000 objects would be measured itself; here it is a fake that costs next to nothing,
so the processor time is that of the replicas. Seconds of virtual time are measured one by one: the median is that of
firings alone, the worst holds a comparison with the API server's list, the one thing that looks at all objects.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from tests.cluster import stage
from tests.simulation.authors import TEMPLATE
from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import World

HEAD = ("objects", "firings/s", "CPU ms a second, median", "worst second", "CPU ms a firing")
REPLICAS, PULSES, EVERY = 3, 100, 10
YEARLY = "0 0 1 1 *"
SETTLED_SECONDS, MEASURED_SECONDS = 120, 80


def measure(count: int) -> tuple[object, ...]:
    """A row of the table."""
    spent: list[float] = []
    fired: list[int] = []

    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        for number in range(count):
            world.server.apply("idle", f"object-{number}", {"schedule": YEARLY, "jobTemplate": TEMPLATE})
        for _ in range(REPLICAS):
            world.start()
        for number in range(PULSES):
            schedule = f"{number % EVERY}-59/{EVERY} * * * * *"
            world.server.apply("busy", f"pulse-{number}", {"schedule": schedule, "jobTemplate": TEMPLATE})
        await world.sleep(SETTLED_SECONDS)
        for _ in range(MEASURED_SECONDS):
            before, jobs = time.process_time(), len(world.evidence.history)
            await world.sleep(1)
            spent.append(1000 * (time.process_time() - before))
            fired.append(len(world.evidence.history) - jobs)
        await world.close()

    simulate(scenario)
    rate = sum(fired) / MEASURED_SECONDS
    usual = median(spent)
    return count, f"{rate:.0f}", f"{usual:.1f}", f"{max(spent):.1f}", f"{usual / rate:.2f}"


def main(*counts: int) -> None:
    rows = []
    for count in counts or (1_000, 10_000, 100_000):
        stage.say(f"{count} objects")
        rows.append(measure(count))
    stage.table(HEAD, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

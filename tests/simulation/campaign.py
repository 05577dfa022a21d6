"""Seeds without number: each run and judged in one of several processes, and what all of them came to.

Nothing is kept of a seed but counts, and the processes are begun anew after each block, so a night of them needs no
more memory than a minute. A seed that breaks does not end it: all that broke is told again at the end.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from tests.simulation import invariants, runs
from tests.simulation.course import courses
from tests.simulation.mixes import MIXES, mix_of
from tests.simulation.trace import report

BLOCK = 400
"""Seeds between two lines of progress: some minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One seed of one mix.

    Attributes:
        minutes: How long the run is; None: as the mix says.
    """

    mix: str
    seed: int
    minutes: float | None = None

    def __str__(self) -> str:
        length = "" if self.minutes is None else f" --minutes {self.minutes:g}"
        return f"python -m tests.simulation --mix {self.mix} --seed {self.seed}{length}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of one seed.

    Attributes:
        told: What a person needs to know, if it broke.
        instants: How many instants had to have an outcome.
        jobs: How many Jobs were created.
        faults: How often each fault struck.
        struck: How many requests and calls each fault has met.
    """

    task: Task
    told: str | None = None
    instants: int = 0
    jobs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Total:
    """What all seeds came to.

    Attributes:
        seeds: How many of each mix.
        broken: Those that broke, in the order in which it was found out.
    """

    seeds: Counter[str] = field(default_factory=Counter)
    instants: int = 0
    jobs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    broken: list[Task] = field(default_factory=list)

    def add(self, judged: Judged) -> None:
        """One more."""
        self.seeds[judged.task.mix] += 1
        self.instants += judged.instants
        self.jobs += judged.jobs
        self.faults += judged.faults
        self.struck += judged.struck
        if judged.told is not None:
            self.broken.append(judged.task)

    def __str__(self) -> str:
        lines = [
            f"seeds: {_counted(self.seeds)}",
            f"faults: {_counted(self.faults)}",
            f"struck: {_counted(self.struck)}",
            f"{self.seeds.total()} seeds, {self.instants} instants judged, {self.jobs} Jobs created, "
            f"{self.faults.total()} faults, {len(self.broken)} seeds broken",
        ]
        return "\n".join(lines + [f"broken: {task}" for task in self.broken])


def judge(task: Task) -> Judged:
    """Run one seed and judge it; an error in it is told as what broke, so that the others go on."""
    try:
        mix = MIXES[task.mix]
        evidence = runs.minutes_of(mix, seed=task.seed, minutes=task.minutes)
        violations = invariants.check(evidence, mix.rules)
    except Exception:
        return Judged(task=task, told=f"an error; to repeat: {task}\n{traceback.format_exc()}")
    return Judged(
        task=task,
        told=report(str(task), evidence, violations) if violations else None,
        instants=sum(len(course.expected) for course in courses(evidence)),
        jobs=sum(entry.what == "created" for entry in evidence.history),
        faults=Counter(fault.what for fault in evidence.faults),
        struck=Counter({str(name): number for name, number in evidence.struck.items()}),
    )


def tasks(seeds: range, *, mix: str | None = None, minutes: float | None = None) -> Iterator[Task]:
    """The seeds of one mix, or of the mix whose turn it is at each."""
    return (Task(mix=mix or mix_of(seed), seed=seed, minutes=minutes) for seed in seeds)


def run(work: Iterator[Task], say: Callable[[str], None], *, processes: int | None = None) -> Total:
    """Judge all of it, side by side; what breaks is said at once, and how far it is after each block."""
    total, began = Total(), time.monotonic()
    context = multiprocessing.get_context("spawn")  # a fork keeps the locks that other threads hold at that moment
    while block := [task for _, task in zip(range(BLOCK), work, strict=False)]:
        with ProcessPoolExecutor(processes or os.cpu_count(), context, initializer=logging.disable) as pool:
            for future in as_completed([pool.submit(judge, task) for task in block]):
                judged = future.result()
                total.add(judged)
                if judged.told is not None:
                    say(judged.told)
        seeds, minutes = total.seeds.total(), (time.monotonic() - began) / 60
        say(f"... {seeds} seeds in {minutes:.0f} minutes, {total.instants} instants, {len(total.broken)} broken")
    return total


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counter.items()) if number)

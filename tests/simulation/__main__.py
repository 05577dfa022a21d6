"""Runs the simulation by hand.

`python -m tests.simulation --seed 17` shows a trace, `--days 1` measures its speed, `--policies` takes objects under
any mix of policies, `--faults` strikes everything around the replicas, and `--seeds 2000` runs so many seeds from
`--seed` on, on all processors, and says what broke.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.simulation import invariants, runs
from tests.simulation.evidence import Evidence
from tests.simulation.trace import lines_of, report, trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of run, and what must hold in it."""

    run: Callable[..., Evidence]
    rules: tuple[invariants.Rule, ...] = invariants.RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of one seed."""

    told: str | None
    instants: int
    faults: Counter[str]
    struck: Counter[str]


REPLICAS = Kind(run=runs.faulty_minutes)
POLICIES = Kind(run=runs.policy_minutes, rules=invariants.POLICY_RULES)
FAULTS = Kind(run=runs.faults_minutes)


def main() -> int:
    """0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5, help="virtual minutes of faults, printed as a trace")
    parser.add_argument("--days", type=float, help="instead: virtual days with a fault each half hour, measured")
    parser.add_argument("--policies", action="store_true", help="any mix of policies, with requests by annotation")
    parser.add_argument("--faults", action="store_true", help="faults of Redis, API server, watches and processes")
    parser.add_argument("--seeds", type=int, help="instead of a trace: so many seeds, and only what broke")
    parser.add_argument("--quiet", action="store_true", help="no trace, only what broke")
    arguments = parser.parse_args()
    kind = POLICIES if arguments.policies else FAULTS if arguments.faults else REPLICAS
    logging.disable(logging.CRITICAL)  # what replicas say of faults is not what is asked for here
    if arguments.seeds is not None:
        return _many(arguments.seed, arguments.seeds, arguments.minutes, kind)
    began = time.perf_counter()
    if arguments.days is None:
        evidence = kind.run(seed=arguments.seed, minutes=arguments.minutes)
    else:
        evidence = runs.quiet_day(seed=arguments.seed, days=arguments.days)
    took = time.perf_counter() - began
    violations = invariants.check(evidence, kind.rules)
    if arguments.days is None and not arguments.quiet:
        _say(trace(evidence))
    _say(f"seed {arguments.seed}: {len(evidence.history)} things happened to Jobs, {len(evidence.faults)} to replicas")
    days = (evidence.ended - evidence.began).total_seconds() / 86400
    _say(f"{days:.4f} virtual days in {took:.1f} s: {days / took * 60:.2f} virtual days a minute")
    _say(lines_of(violations) if violations else "all invariants held")
    return 1 if violations else 0


def _many(first: int, number: int, minutes: float, kind: Kind) -> int:
    """Runs seed after seed, side by side; 0 if all held."""
    broken, instants = 0, 0
    faults: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count(), initializer=logging.disable) as pool:
        for judged in pool.map(partial(_judge, minutes, kind), range(first, first + number), chunksize=4):
            instants += judged.instants
            faults += judged.faults
            struck += judged.struck
            if judged.told is not None:
                broken += 1
                _say(judged.told)
    _say(f"faults: {_counted(faults)}")
    if struck:
        _say(f"struck: {_counted(struck)}")
    _say(f"{number} seeds of {minutes:g} virtual minutes, {instants} Jobs created, {broken} seeds broken")
    return 1 if broken else 0


def _judge(minutes: float, kind: Kind, seed: int) -> Judged:
    """One seed in a process of its own; an error in it is told as what broke, so that the other seeds go on."""
    try:
        evidence = kind.run(seed=seed, minutes=minutes)
    except Exception as error:
        return Judged(told=f"seed {seed}: {error!r}", instants=0, faults=Counter(), struck=Counter())
    violations = invariants.check(evidence, kind.rules)
    return Judged(
        told=report(seed, evidence, violations) if violations else None,
        instants=sum(entry.what == "created" for entry in evidence.history),
        faults=Counter(fault.what for fault in evidence.faults),
        struck=Counter({str(name): number for name, number in evidence.struck.items()}),
    )


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counter.items()) if number)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

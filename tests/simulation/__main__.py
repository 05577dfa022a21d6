"""Runs the simulation by hand: `python -m tests.simulation --seed 17` for a trace, `--days 1` to measure its speed."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation import invariants, runs
from tests.simulation.trace import lines_of, trace


def main() -> int:
    """0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5, help="virtual minutes of faults, printed as a trace")
    parser.add_argument("--days", type=float, help="instead: virtual days with a fault each half hour, measured")
    parser.add_argument("--quiet", action="store_true", help="no trace, only what broke")
    arguments = parser.parse_args()
    began = time.perf_counter()
    if arguments.days is None:
        evidence = runs.faulty_minutes(seed=arguments.seed, minutes=arguments.minutes)
    else:
        evidence = runs.quiet_day(seed=arguments.seed, days=arguments.days)
    took = time.perf_counter() - began
    violations = invariants.check(evidence)
    if arguments.days is None and not arguments.quiet:
        _say(trace(evidence))
    _say(f"seed {arguments.seed}: {len(evidence.history)} things happened to Jobs, {len(evidence.faults)} to replicas")
    days = (evidence.ended - evidence.began).total_seconds() / 86400
    _say(f"{days:.4f} virtual days in {took:.1f} s: {days / took * 60:.2f} virtual days a minute")
    _say(lines_of(violations) if violations else "all invariants held")
    return 1 if violations else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""Runs the simulation by hand.

`python -m tests.simulation --seed 17` shows a trace, `--days 1` measures its speed, `--policies` takes objects under
any mix of policies, and `--seeds 2000` runs so many seeds from `--seed` on and says what broke.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation import invariants, runs
from tests.simulation.evidence import Evidence
from tests.simulation.trace import lines_of, report, trace


def main() -> int:
    """0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5, help="virtual minutes of faults, printed as a trace")
    parser.add_argument("--days", type=float, help="instead: virtual days with a fault each half hour, measured")
    parser.add_argument("--policies", action="store_true", help="any mix of policies, with requests by annotation")
    parser.add_argument("--seeds", type=int, help="instead of a trace: so many seeds, and only what broke")
    parser.add_argument("--quiet", action="store_true", help="no trace, only what broke")
    arguments = parser.parse_args()
    if arguments.seeds is not None:
        return _many(arguments.seed, arguments.seeds, arguments.minutes, policies=arguments.policies)
    began = time.perf_counter()
    if arguments.days is None:
        evidence = _minutes(arguments.seed, arguments.minutes, policies=arguments.policies)
    else:
        evidence = runs.quiet_day(seed=arguments.seed, days=arguments.days)
    took = time.perf_counter() - began
    violations = invariants.check(evidence, _rules(policies=arguments.policies))
    if arguments.days is None and not arguments.quiet:
        _say(trace(evidence))
    _say(f"seed {arguments.seed}: {len(evidence.history)} things happened to Jobs, {len(evidence.faults)} to replicas")
    days = (evidence.ended - evidence.began).total_seconds() / 86400
    _say(f"{days:.4f} virtual days in {took:.1f} s: {days / took * 60:.2f} virtual days a minute")
    _say(lines_of(violations) if violations else "all invariants held")
    return 1 if violations else 0


def _minutes(seed: int, minutes: float, *, policies: bool) -> Evidence:
    run = runs.policy_minutes if policies else runs.faulty_minutes
    return run(seed=seed, minutes=minutes)


def _rules(*, policies: bool) -> tuple[invariants.Rule, ...]:
    return invariants.POLICY_RULES if policies else invariants.RULES


def _many(first: int, number: int, minutes: float, *, policies: bool) -> int:
    """Runs seed after seed; 0 if all held."""
    broken = 0
    for seed in range(first, first + number):
        evidence = _minutes(seed, minutes, policies=policies)
        if violations := invariants.check(evidence, _rules(policies=policies)):
            broken += 1
            _say(report(seed, evidence, violations))
    _say(f"{number} seeds of {minutes:g} virtual minutes, {broken} broken")
    return 1 if broken else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Runs the simulation by hand.

`python -m tests.simulation --mix faults --seed 17` shows a trace, `--days 1` measures its speed, and `--seeds 2000`
runs so many seeds from `--seed` on, on all processors, and says what broke: of one mix, or of each in turn.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.simulation import campaign, invariants, mutants, runs
from tests.simulation.mixes import MIXES, mix_of
from tests.simulation.trace import lines_of, trace


def main() -> int:
    """0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mix", choices=tuple(MIXES), help="of what; by default the mix whose turn it is at the seed")
    parser.add_argument("--minutes", type=float, help="virtual minutes; by default as many as the mix asks for")
    parser.add_argument("--days", type=float, help="instead: virtual days with a fault each half hour, measured")
    parser.add_argument("--seeds", type=int, help="instead of a trace: so many seeds, and only what broke")
    parser.add_argument("--quiet", action="store_true", help="no trace, only what broke")
    parser.add_argument("--mutants", action="store_true", help="instead: replicas with one fault put in, as a table")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what replicas say of faults is not what is asked for here
    if arguments.mutants:
        return mutants.table(_say)
    if arguments.seeds is not None:
        seeds = range(arguments.seed, arguments.seed + arguments.seeds)
        total = campaign.run(campaign.tasks(seeds, mix=arguments.mix, minutes=arguments.minutes), _say)
        _say(str(total))
        return 1 if total.broken else 0
    return _one(arguments)


def _one(arguments: argparse.Namespace) -> int:
    """One seed, and all that happened in it."""
    mix = MIXES[arguments.mix or mix_of(arguments.seed)]
    began = time.perf_counter()
    if arguments.days is None:
        evidence = runs.minutes_of(mix, seed=arguments.seed, minutes=arguments.minutes)
    else:
        evidence = runs.quiet_day(seed=arguments.seed, days=arguments.days)
    took = time.perf_counter() - began
    violations = invariants.check(evidence, mix.rules)
    if arguments.days is None and not arguments.quiet:
        _say(trace(evidence))
    _say(f"seed {arguments.seed}: {len(evidence.history)} things happened to Jobs, {len(evidence.faults)} to replicas")
    days = (evidence.ended - evidence.began).total_seconds() / 86400
    _say(f"{days:.4f} virtual days in {took:.1f} s: {days / took * 60:.2f} virtual days a minute")
    _say(lines_of(violations) if violations else "all invariants held")
    return 1 if violations else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Strikes faults and prints the table: `python -m tests.faults --only redis kill --seed 7 --folder results`.

Ends with 1 if a rule was broken. The table is written after each run, so that an end in the middle loses nothing, and
a table that is in the folder goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.faults import catalogue, course, rights, summary
from tests.faults.course import Length, Result
from tests.faults.fault import FaultKind
from tests.faults.stage import Stage, stage

TRIES = 3
BUSY = 2.0
"""Load for each core from which on lateness alone says nothing of the replicas."""


def main() -> int:
    """0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="words: faults with one of them in their names")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many for each fault")
    parser.add_argument("--under", type=float, default=Length().under, help="seconds under a fault")
    parser.add_argument("--after", type=float, default=Length().after, help="seconds after healing")
    parser.add_argument("--folder", type=Path, help="for the table, and for the report of each run that broke a rule")
    parser.add_argument("--list", action="store_true", help="only say which faults there are")
    arguments = parser.parse_args()
    faults = catalogue.chosen(arguments.only)
    if arguments.list:
        _say("\n".join(f"{fault.name}: {fault.row}" for fault in faults))
        return 0
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    length = Length(under=arguments.under, after=arguments.after)
    with tempfile.TemporaryDirectory(prefix="dcron-faults-") as temporary:
        folder = arguments.folder or Path(temporary)
        rows, held = summary.read(folder), True
        for result in _runs(faults, seeds, folder, length):
            _tell(result)
            held = held and result.valid
            rows = summary.together(rows, [summary.row_of(result)])
            summary.write(rows, folder)
        _say(summary.text(rows))
    return 0 if held else 1


def _runs(faults: Iterable[FaultKind], seeds: Iterable[int], folder: Path, length: Length) -> Iterator[Result]:
    """Run them on as few stages as their needs allow."""
    with tempfile.TemporaryDirectory(prefix="dcron-faults-") as temporary:
        _say("starting a control plane")
        place = Path(temporary)
        with ControlPlane.start(
            place / "control-plane", scheduler=False, kwok=False, guests=[rights.USER]
        ) as control_plane:
            control_plane.apply_crds(PROJECT / "crds")
            ordered = sorted(faults, key=_needs)
            for number, (_, alike) in enumerate(groupby(ordered, key=_needs)):
                same = list(alike)
                home = place / f"stage-{number}"
                home.mkdir()
                with same[0].redis(home) as redis, stage(control_plane, redis, home, same[0].variables) as there:
                    for fault in same:
                        for seed in seeds:
                            yield _taken(there, fault, seed, folder, length)


def _taken(there: Stage, fault: FaultKind, seed: int, folder: Path, length: Length) -> Result:
    """Run it; and again if it shows no more than that the machine had too much else to do."""
    for number in range(1, TRIES + 1):
        result = course.run(there, fault, seed, folder, length)
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        if result.valid or not result.only_late or busy < BUSY or number == TRIES:
            break
        _say(f"{fault.name} (seed {seed}): late only, at {busy:.1f} times what the machine can do; once more")
    return replace(result, tries=number)


def _needs(fault: FaultKind) -> str:
    """What tells stages apart."""
    return f"{fault.redis.__module__}.{fault.redis.__qualname__} {sorted(fault.variables.items())}"


def _tell(result: Result) -> None:
    worst = f"{max(result.under, default=None)}"
    verdict = "held" if result.valid else f"BROKEN, see {result.report}"
    _say(f"{result.fault.name} (seed {result.seed}): worst lateness {worst}; {verdict}")
    for complaint in result.complaints[:8]:
        _say(f"  {complaint}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Strikes faults and prints the table: `python -m tests.faults --only redis kill --seed 7 --folder results`.

Ends with 1 if a rule was broken. The table is written after each run, so that an end in the middle loses nothing, and
a table that is in the folder goes on.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import NoReturn

from deploy.local.errors import LocalError
from tests.faults import catalogue, course, stages, summary
from tests.faults.course import Length
from tests.faults.fault import FaultKind
from tests.faults.stage import Stage
from tests.faults.summary import Row

_TOLD = 8
"""So many complaints are told at once; the table's JSON has them all."""


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
    signal.signal(signal.SIGTERM, _end)
    faults = catalogue.chosen(arguments.only)
    if arguments.list:
        _say("\n".join(f"{fault.name}: {fault.row}" for fault in faults))
        return 0
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    length = Length(under=arguments.under, after=arguments.after)
    with tempfile.TemporaryDirectory(prefix="dcron-faults-") as temporary:
        folder = arguments.folder or Path(temporary)
        rows, held = summary.read(folder), True
        for row in _runs(faults, seeds, folder, length):
            _tell(row)
            held = held and not row.complaints
            rows = summary.together(rows, [row])
            summary.write(rows, folder)
        _say(summary.text(rows))
    return 0 if held else 1


def _end(number: int, _: object) -> NoReturn:
    """Leave as after Ctrl-C: what was started is stopped, and files are cleared away."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def _runs(faults: Iterable[FaultKind], seeds: Iterable[int], folder: Path, length: Length) -> Iterator[Row]:
    """Run them on as few stages as their needs allow."""
    with tempfile.TemporaryDirectory(prefix="dcron-faults-") as temporary:
        _say("starting a control plane")
        place = Path(temporary)
        with stages.control_plane(place / "control-plane") as control_plane:
            for number, alike in enumerate(stages.grouped(faults)):
                home = place / f"stage-{number}"
                home.mkdir()
                with stages.opened(control_plane, alike[0], home) as stage:
                    for fault, seed in product(alike, seeds):
                        yield _row(stage, fault, seed, folder, length)


def _row(stage: Stage, fault: FaultKind, seed: int, folder: Path, length: Length) -> Row:
    """The row of one run; one that breaks off must not take the others with it."""
    try:
        return summary.row_of(course.taken(stage, fault, seed, folder, length, say=_say))
    except (AssertionError, LocalError, OSError) as error:
        return summary.failed(fault, seed, error)


def _tell(row: Row) -> None:
    _say(f"{row.fault} (seed {row.seed}): worst lateness {row.under_worst} s; {row.verdict}")
    for complaint in row.complaints[:_TOLD]:
        _say(f"  {complaint}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.bench`: a table of goals and figures. The exit status is 0 whatever they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from tests.bench.measures import Measure, measures


def main(taken: Iterable[Measure], say: Callable[[str], None] = print) -> int:
    """Print a table of measures; gives the exit status."""
    met = []
    say(_row("what", "goal", "measured", "", "ratio", "reference of the same run"))
    for measure in taken:
        met.append(measure.is_met)
        reference = f"{_time(measure.reference)}, {measure.reference_name}"
        goal, figure = f"<= {_time(measure.goal)}", _time(measure.figure)
        say(_row(measure.name, goal, figure, "met" if met[-1] else "NOT MET", f"{measure.ratio:.3g}", reference))
    say(f"{sum(met)} of {len(met)} goals met on this machine")
    return 0


def _row(what: str, goal: str, figure: str, met: str, ratio: str, reference: str) -> str:
    return f"{what:<75} {goal:>9} {figure:>9}  {met:<7} {ratio:>8}  {reference}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1_000:.3g} ms"


if __name__ == "__main__":
    sys.exit(main(measures()))

"""The table of all faults that were struck: for the terminal, as Markdown, and as JSON.

A table that is in the folder already goes on: a fault that is struck again, from the same seed, takes its row's place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.checker import report
from tests.checker.verdicts import Kind
from tests.faults.course import Result
from tests.faults.fault import FaultKind

MARKDOWN, JSON = "faults.md", "faults.json"
HEAD = {
    "fault": "fault",
    "stands_for": "row",
    "seed": "seed",
    "instants": "instants",
    "missed": "missed",
    "twice": "twice",
    "skipped": "skipped",
    "given_up": "given up",
    "under_half": "under: p50 s",
    "under_worst": "under: worst s",
    "allowed": "allowed s",
    "after_half": "after: p50 s",
    "after_worst": "after: worst s",
    "load": "load",
    "tries": "tries",
    "verdict": "verdict",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is kept of one run.

    Attributes:
        stands_for: The row of the fault table of INVARIANTS.
        skipped: Instants without a Job because the policy or a suspension asks for that, as the evidence shows.
        given_up: Instants without a Job because it was too late for their catch-up policy or their deadline, or because
            of an edit, a refused template or the end of the object, as the evidence shows.
        under_half: Seconds that half of the firings were late under the fault at most.
        under_worst: The most: F as measured.
        allowed: F of INVARIANTS with the allowance for a busy machine, in seconds; the parts of a fault may have less.
        load: Load average of the machine over the last minute of the run.
        tries: How often it was run: again if firings were only late, on a machine with more to do than it could.
    """

    fault: str
    stands_for: str
    seed: int
    struck_at: str
    instants: int
    missed: int
    twice: int
    skipped: int
    given_up: int
    under_half: float | None
    under_worst: float | None
    allowed: float
    after_half: float | None
    after_worst: float | None
    load: float
    tries: int
    complaints: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Whether all rules held, in words."""
        return "held" if not self.complaints else f"BROKEN: {len(self.complaints)} complaints"

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in the table."""
        return tuple(_written(getattr(self, name)) for name in HEAD)


def row_of(result: Result) -> Row:
    """The row of a run that has just ended."""
    excuses = (verdict.reason for verdict in result.judgment.verdicts if verdict.kind is Kind.EXCUSED)
    skipped = sum(reason.startswith("Skipped") for reason in excuses)
    return Row(
        fault=result.fault.name,
        stands_for=result.fault.row,
        seed=result.seed,
        struck_at=result.since.isoformat(timespec="seconds"),
        instants=len(result.judgment.verdicts),
        missed=result.count(Kind.MISSED),
        twice=result.count(Kind.DUPLICATE),
        skipped=skipped,
        given_up=result.count(Kind.EXCUSED) - skipped,
        under_half=_seconds(result.under, 0.5),
        under_worst=_seconds(result.under, 1),
        allowed=round((result.fault.within + result.spare).total_seconds(), 1),
        after_half=_seconds(result.after, 0.5),
        after_worst=_seconds(result.after, 1),
        load=round(os.getloadavg()[0], 1),
        tries=result.tries,
        complaints=list(result.complaints),
    )


def failed(fault: FaultKind, seed: int, error: BaseException) -> Row:
    """The row of a run that came to no end."""
    told = f"the run came to no end: {type(error).__name__}: {error}"
    return Row(
        fault=fault.name,
        stands_for=fault.row,
        seed=seed,
        struck_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}",
        instants=0,
        missed=0,
        twice=0,
        skipped=0,
        given_up=0,
        under_half=None,
        under_worst=None,
        allowed=fault.within.total_seconds(),
        after_half=None,
        after_worst=None,
        load=round(os.getloadavg()[0], 1),
        tries=1,
        complaints=[told],
    )


def together(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """All rows in their order; a new one takes the place of the old one of its fault and seed."""
    found = {(row.fault, row.seed): row for row in old}
    found.update({(row.fault, row.seed): row for row in new})
    return list(found.values())


def preface(rows: Sequence[Row]) -> str:
    """What a reader must know of the machine and the figures."""
    instants, held = sum(row.instants for row in rows), sum(not row.complaints for row in rows)
    times = sorted(row.struck_at for row in rows)
    span = f"from {times[0]} to {times[-1]}" if times else "never"
    return (
        f"{held} of {len(rows)} runs held; {instants} instants checked, {sum(row.missed for row in rows)} missed, "
        f"{sum(row.twice for row in rows)} fired twice. Struck {span}, on {os.cpu_count()} cores shared with "
        f"everything else that runs there: load is the load average.\n\n"
        f"Lateness is in seconds from an instant until its Job was there, by the API server's own record. Under: "
        f"instants due from the strike until F after healing; its worst is F as measured. After: later ones. Skipped: "
        f"by Forbid, or suspended. Given up: too late for their catch-up policy or their deadline, as where nobody can "
        f"fire, or for longer than the late window; also refused, and edited away. Allowed: "
        f"F of INVARIANTS, and what is added for a busy machine: 4 s, or 1 s for each task that waits for a core. "
        f"Tries: a run in which firings came late and nothing else was wrong, at a load that the machine could not "
        f"carry, is taken again."
    )


def text(rows: Sequence[Row]) -> str:
    """For the terminal."""
    return "\n".join([preface(rows), "", *report.table([tuple(HEAD.values()), *(row.cells for row in rows)])])


def markdown(rows: Sequence[Row]) -> str:
    """For a page."""
    table = [tuple(HEAD.values()), ("---",) * len(HEAD), *(row.cells for row in rows)]
    lines = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    return f"# Faults on real processes\n\n{preface(rows)}\n\n{lines}\n"


def read(folder: Path) -> list[Row]:
    """The rows that are in a folder already."""
    file = folder / JSON
    return [Row(**told) for told in json.loads(file.read_text())] if file.exists() else []


def write(rows: Sequence[Row], folder: Path) -> None:
    """Write Markdown and JSON into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKDOWN).write_text(markdown(rows))
    (folder / JSON).write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def _written(value: object) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def _seconds(late: Sequence[timedelta], share: float) -> float | None:
    return round(report.quantile(late, share).total_seconds(), 3) if late else None

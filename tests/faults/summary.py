"""The table of all faults that were struck: for the terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.checker import report
from tests.checker.verdicts import Kind
from tests.faults.bounds import BUSY_MACHINE
from tests.faults.course import Result

HEAD = (
    "fault",
    "row",
    "seed",
    "instants",
    "missed",
    "twice",
    "excused",
    "under: p50 s",
    "under: worst s",
    "allowed s",
    "after: p50 s",
    "after: worst s",
    "verdict",
)
MARKDOWN, JSON = "faults.md", "faults.json"


def rows(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """One row for each run."""
    return [
        (
            result.fault.name,
            result.fault.row,
            str(result.seed),
            str(len(result.judgment.verdicts)),
            str(result.count(Kind.MISSED)),
            str(result.count(Kind.DUPLICATE)),
            str(result.count(Kind.EXCUSED)),
            _seconds(result.under, 0.5),
            _seconds(result.under, 1),
            f"{result.fault.within.total_seconds():g}",
            _seconds(result.after, 0.5),
            _seconds(result.after, 1),
            "held" if result.valid else f"BROKEN: {len(result.complaints)} complaints",
        )
        for result in results
    ]


def preface(results: Sequence[Result]) -> str:
    """What a reader must know of the machine."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    instants = sum(len(result.judgment.verdicts) for result in results)
    held = sum(result.valid for result in results)
    allowance = f"{BUSY_MACHINE.total_seconds():g} s"
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores shared with everything that runs here, load "
        f"average {load}; {held} of {len(results)} runs held, {instants} instants checked.\n"
        f"Lateness is in seconds from an instant until its Job was there, by the API server's own record. Under: "
        f"instants due from the strike until F after healing; its worst is F as measured. After: later ones. Allowed: "
        f"F of INVARIANTS and {allowance} for a busy machine."
    )


def text(results: Sequence[Result]) -> str:
    """For the terminal."""
    return "\n".join([preface(results), "", *report.table([HEAD, *rows(results)])])


def write(results: Sequence[Result], folder: Path) -> None:
    """Write Markdown and JSON into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [" | ".join(row) for row in (HEAD, ("---",) * len(HEAD), *rows(results))]
    table = "\n".join(f"| {line} |" for line in lines)
    (folder / MARKDOWN).write_text(f"# Faults on real processes\n\n{preface(results)}\n\n{table}\n")
    told = [
        dict(zip(HEAD, row, strict=True)) | {"complaints": list(result.complaints)}
        for row, result in zip(rows(results), results, strict=True)
    ]
    (folder / JSON).write_text(json.dumps({"preface": preface(results), "runs": told}, indent=2) + "\n")


def _seconds(late: Sequence[timedelta], share: float) -> str:
    return f"{report.quantile(late, share).total_seconds():.2f}" if late else "-"

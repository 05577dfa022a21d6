"""What a person reads of a judged run: a text, and beside it the timeline, in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.checker import timeline
from tests.checker.history import Fault, Felt
from tests.checker.rules import Judgment
from tests.checker.verdicts import Kind, Verdict
from tests.checker.words import clock, seconds

TEXT, PICTURE = "report.txt", "timeline.svg"
_LISTED = 40
"""So many lines of a kind are shown; more of them say no more."""
_SHOWN = (Kind.LATE, Kind.EXCUSED, Kind.OPEN)
_SHARES = (0.5, 0.99)


def write(judgment: Judgment, folder: Path) -> Path:
    """Write the text and the timeline into a folder; gives the path of the text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TEXT).write_text(told(judgment))
    (folder / PICTURE).write_text(timeline.drawn(judgment))
    return folder / TEXT


def headline(judgment: Judgment) -> str:
    """The run in one line."""
    number, kinds = len(judgment.verdicts), judgment.kinds
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in Kind if kinds[kind])
    verdict = "VALID" if judgment.valid else f"INVALID, {len(judgment.complaints)} complaints"
    worst = f", worst lateness {seconds(judgment.worst)}" if judgment.late else ""
    return f"{verdict}: {number} instants of {len(judgment.history.objects)} objects: {counts or 'none'}{worst}"


def told(judgment: Judgment) -> str:
    """The whole report."""
    run = judgment.history
    window = f"instants after {clock(run.began)} up to {clock(run.until)} UTC on {run.until:%Y-%m-%d}"
    bounds = f"D = {run.calm.total_seconds():g} s, F = {run.recovery.total_seconds():g} s"
    parts = [f"{headline(judgment)}\n{window}; {bounds}; evidence up to {clock(run.ended)}"]
    if judgment.complaints:
        parts.append(_listed("broken", judgment.complaints))
    if run.faults:
        parts.append(_listed("faults", [_fault(judgment, number) for number in range(len(run.faults))]))
    parts.append("objects\n" + "\n".join(f"  {line}" for line in table(_rows(judgment))))
    told_of = {kind: [one.sentence for one in judgment.verdicts if one.kind is kind] for kind in _SHOWN}
    parts += [_listed(str(kind), lines) for kind, lines in told_of.items() if lines]
    return "\n\n".join(parts) + "\n"


def quantile(late: Sequence[timedelta], share: float) -> timedelta:
    """The lateness that this share of the firings does not pass; the least must come first."""
    return late[min(len(late) - 1, int(len(late) * share))] if late else timedelta(0)


def table(rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines with columns of equal width; numbers stand to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in cells]


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)


def _rows(judgment: Judgment) -> Iterable[Sequence[object]]:
    kinds = [kind for kind in Kind if judgment.kinds[kind] or kind in (Kind.OK, Kind.MISSED, Kind.DUPLICATE)]
    yield ("object", "schedule", "instants", *kinds, "p50 ms", "p99 ms", "worst ms")
    by_object: dict[str, list[Verdict]] = {thing.uid: [] for thing in judgment.history.objects}
    for verdict in judgment.verdicts:
        by_object[verdict.thing.uid].append(verdict)
    for thing in judgment.history.objects:
        mine = by_object[thing.uid]
        yield (str(thing), schedule(thing.versions[-1].spec), len(mine), *_counts(mine, kinds), *_lateness(mine))
    if len(by_object) > 1:
        yield ("all", "", len(judgment.verdicts), *_counts(judgment.verdicts, kinds), *_lateness(judgment.verdicts))


def schedule(spec: Mapping[str, Any]) -> str:
    """What an object fires at, in short."""
    texts = [spec.get("schedule")] if spec.get("schedule") else list(spec.get("schedules") or ["?"])
    return str(texts[0]) + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def _counts(verdicts: Iterable[Verdict], kinds: Iterable[Kind]) -> list[int]:
    counted = Counter(verdict.kind for verdict in verdicts)
    return [counted[kind] for kind in kinds]


def _lateness(verdicts: Iterable[Verdict]) -> list[str]:
    late = sorted(verdict.lateness for verdict in verdicts if verdict.lateness is not None)
    if not late:
        return ["-"] * (len(_SHARES) + 1)
    return [f"{at.total_seconds() * 1000:.0f}" for at in (*(quantile(late, share) for share in _SHARES), late[-1])]


def _fault(judgment: Judgment, number: int) -> str:
    fault = judgment.history.faults[number]
    within = judgment.history.recovery if fault.within is None else fault.within
    span = clock(fault.since) if fault.until == fault.since else f"{clock(fault.since)} to {clock(fault.until)}"
    return f"{span}  {fault.what}; firings may be late {_felt(fault, within)}"


def _felt(fault: Fault, within: timedelta) -> str:
    allowed = f"{within.total_seconds():g} s"
    match fault.felt:
        case Felt.BY_NO_OTHER:
            return "in no case"
        case Felt.EACH_TIME:
            return f"for {allowed}, each"
        case Felt.AT_ITS_EDGES if fault.until > fault.since:
            return f"for {allowed} from its begin and its end"
        case _:
            return f"until {clock(fault.until + within)}"


def _listed(head: str, lines: Sequence[str]) -> str:
    more = [f"... and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n".join([head, *(f"  {line}" for line in (*lines[:_LISTED], *more))])

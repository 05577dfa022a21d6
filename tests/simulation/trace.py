"""What happened in a run, for people: one line for each thing, in order; and of a run that broke, only what matters.

Of a status only what is new in it is told. The report of a violation shows the faults around it, what the author last
wished, what became of the very instant, and of all else that happened to the object the lines that are nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.course import Violation
from tests.simulation.evidence import Evidence, Fault
from tests.simulation.news import news, wish

BEFORE, AFTER = timedelta(seconds=12), timedelta(seconds=10)
"""How much of a run is shown around a violation."""
VIOLATIONS_SHOWN = 5
NEAREST_SHOWN = 16
"""How many lines are shown that only lie near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened.

    Attributes:
        until: When it was over, if it took a while.
        uid: The object that it happened to; empty: all.
        instants: The instants that it speaks of.
        telling: It is shown wherever it lies near enough: a fault, a wish.
    """

    at: datetime
    text: str
    until: datetime | None = None
    uid: str = ""
    instants: frozenset[str] = frozenset()
    telling: bool = False

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S.%f}  {self.text}"


def report(command: str, evidence: Evidence, violations: list[Violation]) -> str:
    """What broke in a run, how to repeat it, and the least that tells how it came."""
    lines = [f"{len(violations)} violations; to repeat: {command}"]
    lines += [f"  {violation}" for violation in violations[:VIOLATIONS_SHOWN]]
    if violations and violations[0].at is not None:
        lines += [f"    {line}" for line in _around(evidence, violations[0].uid, violations[0].at)]
    return "\n".join(lines)


def trace(evidence: Evidence, uid: str | None = None) -> str:
    """The whole run, or that of one object."""
    return "\n".join(str(line) for line in _lines(evidence) if not line.uid or uid in (None, line.uid))


def lines_of(violations: Iterable[Violation]) -> str:
    """Violations alone."""
    return "\n".join(str(violation) for violation in violations)


def _around(evidence: Evidence, uid: str, struck_at: datetime) -> list[Line]:
    """What has to do with a violation."""
    lines = [line for line in _lines(evidence) if line.uid in ("", uid)]
    begin, end = struck_at - BEFORE, struck_at + AFTER
    near = [line for line in lines if line.at <= end and (line.until or line.at) >= begin]
    instant = f"{struck_at:%H:%M:%S}"
    chosen = [line for line in near if line.telling or instant in line.instants]
    chosen += [line for line in lines if line.uid and line.telling and line.at < begin][-1:]  # the wish that held
    others = sorted((line for line in near if line not in chosen), key=lambda line: abs(line.at - struck_at))
    return sorted([*chosen, *others[:NEAREST_SHOWN]], key=lambda line: line.at)


def _lines(evidence: Evidence) -> list[Line]:
    return sorted([*map(_fault, evidence.faults), *_wishes(evidence), *_jobs(evidence), *_statuses(evidence)], key=_at)


def _at(line: Line) -> datetime:
    return line.at


def _fault(fault: Fault) -> Line:
    healed = "" if fault.until is None else f", until {fault.until:%H:%M:%S.%f}"
    return Line(at=fault.at, until=fault.until, text=f"-- {fault.what} {fault.node}{healed}", telling=True)


def _wishes(evidence: Evidence) -> Iterator[Line]:
    for edit in evidence.edits:
        text = f"{edit.key.name}: {wish(edit.spec)}, generation {edit.generation}"
        yield Line(at=edit.at, uid=edit.uid, text=text, telling=True)
    for one in evidence.annotated:
        said = ", ".join(f"{name.removeprefix('dcron.io/')}={value}" for name, value in one.annotations.items())
        born = " from the start" if one.born else ""
        yield Line(at=one.at, uid=one.uid, text=f"{one.key.name}: annotated {said or 'nothing'}{born}", telling=True)


def _jobs(evidence: Evidence) -> Iterator[Line]:
    for entry in evidence.history:
        by = "" if entry.node is None else f" by {entry.node}"
        instant = entry.job.scheduled_at
        instants = frozenset() if instant is None else frozenset({f"{instant:%H:%M:%S}"})
        yield Line(at=entry.at, uid=entry.job.owner_uid, text=f"{entry.job.name}: {entry.what}{by}", instants=instants)


def _statuses(evidence: Evidence) -> Iterator[Line]:
    names = {edit.uid: edit.key.name for edit in evidence.edits}
    last: dict[str, Any] = {}
    for told in evidence.told:
        new = news(last.get(told.uid, {}), told.status)
        last[told.uid] = told.status
        if new.text:
            text = f"{names[told.uid]}: {new.text}"
            yield Line(at=told.at, uid=told.uid, text=text, instants=new.instants)

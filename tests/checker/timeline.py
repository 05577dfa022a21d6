"""The run as a picture: a row for each object, its instants below, its Jobs above, and the faults behind them.

A self-contained SVG: no script, no font, nothing from elsewhere. A slanted line leads from an instant to a Job that
came late. A pointer on a mark shows its sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html import escape

from tests.checker.history import CronObject, Fault
from tests.checker.rules import Judgment
from tests.checker.verdicts import Kind, Verdict
from tests.checker.words import clock

MAX_ROWS = 60
"""More objects than one can look at; those with something to see come first."""
_ROW, _JOBS_AT, _INSTANTS_AT = 24, 8, 18
_LEFT, _RIGHT, _TOP = 190, 210, 78
_LANE = 16
_PER_SECOND, _LEAST, _MOST = 10.0, 900.0, 2400.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_LABEL_WIDTH = 72
"""Pixels between two labels of the axis, at least."""
_LETTER = 6.2
_VISIBLE = timedelta(seconds=0.5)
"""A lateness that a line leads along."""
_SHAPES = {
    Kind.OK: "M-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0z",
    Kind.LATE: "M0-4.2L4.2 0L0 4.2L-4.2 0z",
    Kind.EXCUSED: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    Kind.OPEN: "M-2.5 0h5",
    Kind.MISSED: "M-4-4L4 4M-4 4L4-4",
    Kind.DUPLICATE: "M-5.5-4h5v8h-5zM.5-4h5v8h-5z",
    Kind.EARLY: "M4-4.5L-4 0L4 4.5z",
    Kind.INVENTED: "M-3.5-3.5h7v7h-7z",
    Kind.UNWANTED: "M-4.5 3.5L0-4.5L4.5 3.5z",
}
_MEANING = {
    Kind.OK: "in time",
    Kind.LATE: "late",
    Kind.EXCUSED: "no Job, excused",
    Kind.OPEN: "still open",
    Kind.MISSED: "missed",
    Kind.DUPLICATE: "duplicate",
    Kind.EARLY: "early",
    Kind.INVENTED: "invented",
    Kind.UNWANTED: "while suspended",
}
_STYLE = """
text{font:12px system-ui,"DejaVu Sans",Arial,sans-serif;fill:#24292f}
.head{font-size:15px;font-weight:600}.small{font-size:11px;fill:#57606a}.bad{fill:#c1121f}.right{text-anchor:end}
.middle{text-anchor:middle}.grid{stroke:#d8dee4;stroke-width:1}.line{stroke:#eaeef2}.odd{fill:#f6f8fa}
.tick{stroke:#6e7781;stroke-width:1.2;fill:none}.fan{stroke:#d97706;stroke-width:1;opacity:.55;fill:none}
.fan.broken{stroke:#c1121f}.fault{fill:#475569;opacity:.26}.after{fill:#475569;opacity:.09}
.edge{stroke:#334155;stroke-width:1.6}.ok{fill:#2a9d6e}.late{fill:#f59e0b;stroke:#92400e;stroke-width:.8}
.late.broken{fill:#c1121f;stroke:#7f0d15}.excused{fill:#fff;stroke:#6e7781;stroke-width:1.2}
.open{stroke:#6e7781;stroke-width:1.5}.missed{stroke:#c1121f;stroke-width:2.4;fill:none}
.duplicate{fill:#9333ea;stroke:#581c87;stroke-width:.8}.early{fill:#0284c7}.invented{fill:#111}.unwanted{fill:#be185d}
""".replace("\n", "")


class _Plot:
    """Where things stand."""

    def __init__(self, judgment: Judgment) -> None:
        run = judgment.history
        moments = [run.until, *(verdict.made_at for verdict in judgment.verdicts if verdict.made_at)]
        moments += [fault.until for fault in run.faults if fault.until <= run.ended]
        self.begin = run.began.replace(microsecond=0)
        self.end = max(moments) + timedelta(seconds=1)
        length = (self.end - self.begin).total_seconds()
        self.width = min(_MOST, max(_LEAST, length * _PER_SECOND))
        self.scale = self.width / length
        self.objects, self.hidden = _chosen(judgment)
        self.lanes = _lanes(run.faults, self)
        self.top = _TOP + _LANE * (max(self.lanes, default=-1) + 1)
        self.bottom = self.top + _ROW * len(self.objects)

    def x(self, at: datetime) -> float:
        """Where a moment stands, inside the plot."""
        passed = (at - self.begin).total_seconds()
        return round(_LEFT + min(self.width, max(0.0, passed * self.scale)), 1)


def drawn(judgment: Judgment) -> str:
    """The picture."""
    plot = _Plot(judgment)
    width, height = _LEFT + plot.width + _RIGHT, plot.bottom + (58 if plot.hidden else 40)
    marks: dict[str, list[Verdict]] = {thing.uid: [] for thing in judgment.history.objects}
    for verdict in judgment.verdicts:
        marks[verdict.thing.uid].append(verdict)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img"><title>{escape(_title(judgment))}</title>',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        *_head(judgment, plot),
        *_stripes(plot),
        *_faults(judgment, plot),
        *_axis(plot),
        *(line for number, thing in enumerate(plot.objects) for line in _row(plot, number, thing, marks[thing.uid])),
    ]
    if plot.hidden:
        lines.append(_text(_LEFT, plot.bottom + 48, f"and {plot.hidden} more objects, not drawn", "small"))
    return "\n".join([*lines, "</svg>", ""])


def _title(judgment: Judgment) -> str:
    broken = f"INVALID: {len(judgment.complaints)} complaints" if not judgment.valid else "VALID"
    return f"{broken}, {len(judgment.verdicts)} instants of {len(judgment.history.objects)} objects"


def _head(judgment: Judgment, plot: _Plot) -> Iterator[str]:
    run = judgment.history
    yield _text(16, 26, _title(judgment), "head" if judgment.valid else "head bad")
    bounds = f"D = {run.calm.total_seconds():g} s, F = {run.recovery.total_seconds():g} s"
    day = f"{plot.begin.astimezone(UTC):%Y-%m-%d}, {clock(plot.begin)} to {clock(plot.end)} UTC; {bounds}"
    yield _text(16, 44, day, "small")
    x = 16.0
    shown = [kind for kind in Kind if judgment.kinds[kind] or kind in (Kind.OK, Kind.LATE, Kind.MISSED, Kind.DUPLICATE)]
    yield f'<path class="tick" d="M{x + 4} 56v7"/>' + _text(x + 12, 64, "instant", "small")
    x += 66
    for kind in shown:
        yield _mark(kind, x + 5, 60, "") + _text(x + 15, 64, _MEANING[kind], "small")
        x += 30 + _LETTER * len(_MEANING[kind])
    for name, meaning in (("fault", "fault"), ("after", "lateness allowed by it")) if run.faults else ():
        yield f'<rect class="{name}" x="{x}" y="54" width="14" height="12"/>' + _text(x + 19, 64, meaning, "small")
        x += 34 + _LETTER * len(meaning)


def _stripes(plot: _Plot) -> Iterator[str]:
    for number in range(len(plot.objects)):
        if number % 2:
            y = plot.top + number * _ROW
            yield f'<rect class="odd" x="0" y="{y}" width="{_LEFT + plot.width + _RIGHT:.0f}" height="{_ROW}"/>'


def _faults(judgment: Judgment, plot: _Plot) -> Iterator[str]:
    """Behind the rows: where lateness is allowed, lightly; the faults, darker, with their names above."""
    height = plot.bottom - plot.top
    for since, until, fault in judgment.history.disturbances():
        yield _band(plot, "after", since, until, plot.top, height, fault)
    for lane, fault in zip(plot.lanes, judgment.history.faults, strict=True):
        y = _TOP + lane * _LANE
        x = plot.x(fault.since)
        yield _band(plot, "fault", fault.since, fault.until, y + 13, plot.bottom - y - 13, fault)
        yield f'<path class="edge" d="M{x} {y + 2}V{plot.bottom}"/>' + _text(x + 5, y + 11, _named(fault), "small")


def _band(plot: _Plot, name: str, since: datetime, until: datetime, y: float, height: float, fault: Fault) -> str:
    x, end = plot.x(since), plot.x(until)
    title = f"<title>{escape(fault.what)}, {clock(since)} to {clock(until)}</title>"
    return f'<rect class="{name}" x="{x}" y="{y}" width="{end - x:.1f}" height="{height}">{title}</rect>'


def _axis(plot: _Plot) -> Iterator[str]:
    step = next((step for step in _STEPS if step * plot.scale >= _LABEL_WIDTH), _STEPS[-1])
    first = -(-plot.begin.timestamp() // step) * step
    for number in range(int((plot.end.timestamp() - first) // step) + 1):
        at = datetime.fromtimestamp(first + number * step, UTC)
        x = plot.x(at)
        yield f'<path class="grid" d="M{x} {plot.top}V{plot.bottom + 5}"/>'
        yield _text(x, plot.bottom + 18, clock(at), "small middle")
    yield _text(_LEFT - 44, plot.bottom + 18, "UTC", "small right")
    yield f'<path class="grid" d="M{_LEFT} {plot.bottom}h{plot.width:.0f}"/>'


def _row(plot: _Plot, number: int, thing: CronObject, verdicts: list[Verdict]) -> Iterator[str]:
    y = plot.top + number * _ROW
    broken = any(verdict.broken for verdict in verdicts)
    name = str(thing)
    shown = name if len(name) <= 27 else f"…{name[-26:]}"
    yield _text(_LEFT - 10, y + 16, shown, "right bad" if broken else "right", title=name)
    ticks = "".join(f"M{plot.x(verdict.due_at)} {y + _INSTANTS_AT - 3}v6" for verdict in verdicts)
    yield f'<path class="tick" d="{ticks}"/>'
    jobs, instants = y + _JOBS_AT, y + _INSTANTS_AT
    for verdict in verdicts:
        for job in verdict.jobs if verdict.kind is not Kind.OK else ():
            if job.created_at - verdict.due_at > _VISIBLE:
                style = "fan broken" if verdict.broken else "fan"
                line = f"M{plot.x(verdict.due_at)} {instants}L{plot.x(job.created_at)} {jobs}"
                yield f'<path class="{style}" d="{line}"/>'
    for verdict in verdicts:
        at = verdict.due_at if not verdict.jobs else verdict.jobs[-1].created_at
        yield _mark(verdict.kind, plot.x(at), jobs, verdict.sentence, broken=verdict.broken)
    counted = Counter(verdict.kind for verdict in verdicts)
    counts = ", ".join(f"{counted[kind]} {kind}" for kind in Kind if counted[kind])
    yield _text(_LEFT + plot.width + 12, y + 16, counts, "small bad" if broken else "small")


def _mark(kind: Kind, x: float, y: float, sentence: str, *, broken: bool = False) -> str:
    style = f"{kind} broken" if broken else str(kind)
    title = f"<title>{escape(sentence)}</title>" if sentence else ""
    return f'<path class="{style}" transform="translate({x} {y})" d="{_SHAPES[kind]}">{title}</path>'


def _text(x: float, y: float, text: str, style: str, title: str = "") -> str:
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<text class="{style}" x="{x:.1f}" y="{y}">{escape(text)}{told}</text>'


def _named(fault: Fault) -> str:
    length = (fault.until - fault.since).total_seconds()
    return f"{fault.what}, {length:.0f} s" if length >= 1 else fault.what


def _chosen(judgment: Judgment) -> tuple[list[CronObject], int]:
    """The objects that are drawn, in their order, and how many are not."""
    things = list(judgment.history.objects)
    dull = {thing.uid for thing in things} - {
        verdict.thing.uid for verdict in judgment.verdicts if verdict.kind is not Kind.OK
    }
    first = sorted(things, key=lambda thing: thing.uid in dull)[:MAX_ROWS]
    chosen = {thing.uid for thing in first}
    return [thing for thing in things if thing.uid in chosen], len(things) - len(first)


def _lanes(faults: Iterable[Fault], plot: _Plot) -> list[int]:
    """For each fault, the line above the rows that its name stands in: so that no two names meet."""
    ends: list[float] = []
    found = []
    for fault in faults:
        x = plot.x(fault.since)
        lane = next((number for number, end in enumerate(ends) if end < x), len(ends))
        ends[lane : lane + 1] = [x + 12 + _LETTER * len(_named(fault))]
        found.append(lane)
    return found

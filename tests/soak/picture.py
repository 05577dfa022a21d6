"""The run as a picture: memory, its blocks, file descriptors and tasks of each replica over time, a line for each life.

A self-contained SVG, as the checker's timeline is: no script, no font, nothing from elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tests.soak.samples import Sample
from tests.soak.slope import Slope, lives

_LEFT, _RIGHT, _TOP, _WIDTH = 64, 24, 76, 900
_HEIGHT, _GAP = 170, 46
_TICKS = 4
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240)
_LABELS = 8
_STARTING_SECONDS = 20.0
"""So much of each life is not drawn: a start is a steep line in every panel, and hides what comes after it."""
_COLOURS = ("#1f6feb", "#d97706", "#2a9d6e", "#9333ea", "#be185d")
_STYLE = """
text{font:12px system-ui,"DejaVu Sans",Arial,sans-serif;fill:#24292f}.head{font-size:15px;font-weight:600}
.small{font-size:11px;fill:#57606a}.right{text-anchor:end}.middle{text-anchor:middle}.name{font-weight:600}
.grid{stroke:#e6eaef}.restart{stroke:#94a3b8;stroke-dasharray:3 3}.life{fill:none;stroke-width:1.5}
.fit{stroke:#c1121f;stroke-width:1.6;stroke-dasharray:7 4}.warm{fill:#475569;opacity:.07}
""".replace("\n", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One quantity over time.

    Attributes:
        value: Of a sample; None: it has none.
        low: The lower end of the axis,
        step: and the distance of its lines.
    """

    name: str
    top: int
    value: Callable[[Sample], float | None]
    low: float
    step: float
    seconds: float

    def x(self, seconds: float) -> float:
        return round(_LEFT + _WIDTH * seconds / self.seconds, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.step * _TICKS)
        return round(self.top + _HEIGHT * (1 - share), 1)


def drawn(
    samples: Sequence[Sample], restarts: Sequence[tuple[float, str]], slope: Slope | None, warm_up: float, title: str
) -> str:
    """The picture.

    Args:
        samples: Of all replicas, in order of time.
        restarts: When which replica was restarted, in seconds since the begin.
        slope: Of the kept replica, if there is one.
        warm_up: Seconds that do not count for it.
        title: The headline.
    """
    nodes = sorted({sample.node for sample in samples})
    shown = [_started(life) for life in lives(samples)]
    panels = list(_panels([sample for life in shown for sample in life] or samples, samples[-1].seconds))
    height = panels[-1].top + _HEIGHT + 40
    width = _LEFT + _WIDTH + _RIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{escape(title)}</title>',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        _text(16, 24, title, "head"),
        *_legend(nodes, bool(restarts), slope),
    ]
    for panel in panels:
        lines += _axes(panel)
        lines += (_restart(panel, *restart) for restart in restarts)
        lines += (_life(panel, life, _COLOURS[nodes.index(life[0].node) % len(_COLOURS)]) for life in shown if life)
    if slope is not None:
        lines += _fit(panels[0], slope, warm_up)
    return "\n".join([*lines, "</svg>", ""])


def _started(life: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in life if sample.seconds - life[0].seconds >= _STARTING_SECONDS]


def _panels(samples: Sequence[Sample], seconds: float) -> Iterator[_Panel]:
    quantities: tuple[tuple[str, Callable[[Sample], float | None]], ...] = (
        ("resident memory, MB", lambda sample: sample.rss / 1e6),
        ("blocks of memory that Python has allocated, thousands", _thousands),
        ("file descriptors", lambda sample: sample.fds),
        ("tasks of the event loop", lambda sample: sample.tasks),
    )
    number = 0
    for name, value in quantities:
        values = [found for sample in samples if (found := value(sample)) is not None]
        if not values:
            continue
        low, step = _scale(min(values), max(values))
        top = _TOP + number * (_HEIGHT + _GAP)
        number += 1
        yield _Panel(name=name, top=top, value=value, low=low, step=step, seconds=seconds)


def _thousands(sample: Sample) -> float | None:
    return None if sample.blocks is None else sample.blocks / 1e3


def _scale(least: float, most: float) -> tuple[float, float]:
    """The lower end of an axis and the distance of its lines, in round numbers."""
    step = (most - least) / _TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(step))
    for round_ in (1, 2, 5, 10, 20):
        low = math.floor(least / (round_ * power)) * round_ * power
        if low + _TICKS * round_ * power >= most:
            return low, round_ * power
    raise AssertionError("twenty times the distance is always enough")


def _legend(nodes: Sequence[str], restarted: bool, slope: Slope | None) -> Iterator[str]:
    x = 16
    for number, node in enumerate(nodes):
        yield f'<path class="life" stroke="{_COLOURS[number % len(_COLOURS)]}" d="M{x} 40h18"/>'
        yield _text(x + 23, 44, node, "small")
        x += 40 + 7 * len(node)
    more = [("restart", "a replica is restarted")] if restarted else []
    if slope is not None:
        more.append(("fit", f"{slope.node}: {slope.mb_per_hour:+.2f} MB an hour, after the warm-up"))
    for style, meaning in more:
        yield f'<path class="{style}" d="M{x} 40h18"/>' + _text(x + 23, 44, meaning, "small")
        x += 40 + 7 * len(meaning)


def _axes(panel: _Panel) -> Iterator[str]:
    bottom = panel.top + _HEIGHT
    yield _text(_LEFT, panel.top - 8, panel.name, "small name")
    for number in range(_TICKS + 1):
        value = panel.low + number * panel.step
        y = panel.y(value)
        yield f'<path class="grid" d="M{_LEFT} {y}h{_WIDTH}"/>' + _text(_LEFT - 8, y + 4, f"{value:g}", "small right")
    minutes = panel.seconds / 60
    step = next((step for step in _STEPS if minutes / step <= _LABELS), _STEPS[-1])
    for minute in range(0, int(minutes) + 1, step):
        x = panel.x(minute * 60)
        yield f'<path class="grid" d="M{x} {panel.top}V{bottom + 4}"/>'
        yield _text(x, bottom + 17, f"{minute} min", "small middle")


def _restart(panel: _Panel, seconds: float, node: str) -> str:
    line = f'<path class="restart" d="M{panel.x(seconds)} {panel.top}v{_HEIGHT}">'
    return f"{line}<title>{escape(node)} is restarted</title></path>"


def _life(panel: _Panel, life: Sequence[Sample], colour: str) -> str:
    points = [(panel.x(one.seconds), panel.value(one)) for one in life]
    path = " ".join(f"{x} {panel.y(value)}" for x, value in points if value is not None)
    return f'<path class="life" stroke="{colour}" d="M{path}"/>' if path else ""


def _fit(panel: _Panel, slope: Slope, warm_up: float) -> Iterator[str]:
    begin, end = panel.seconds - slope.seconds, panel.seconds
    half = slope.mb_per_hour * slope.seconds / 3600 / 2
    yield f'<rect class="warm" x="{_LEFT}" y="{panel.top}" width="{panel.x(warm_up) - _LEFT:.1f}" height="{_HEIGHT}"/>'
    yield _text(_LEFT + 6, panel.top + _HEIGHT - 8, "warm-up", "small")
    line = f"M{panel.x(begin)} {panel.y(slope.mean_mb - half)}L{panel.x(end)} {panel.y(slope.mean_mb + half)}"
    yield f'<path class="fit" d="{line}"/>'


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'

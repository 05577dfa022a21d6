"""How late the Jobs of each arm were, as a picture: the share that was made by a time, a line for each arm.

A self-contained SVG: no script, no font, nothing from elsewhere. Time is logarithmic, since the arms differ by tens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from tests.bench.outcome import Outcome

_LEFT, _TOP, _WIDTH, _HEIGHT, _RIGHT = 64, 52, 640, 360, 290
_LEAST = 0.02
"""Seconds: what is sooner is drawn there."""
ROUND = (1, 2, 5)
_SHARES = (0, 25, 50, 75, 99)
COLOURS = ("#57606a", "#94a3b8", "#be185d", "#d97706", "#2a9d6e", "#1f6feb", "#9333ea")
_POINTS = 200
STYLE = """
text{font:12px system-ui,"DejaVu Sans",Arial,sans-serif;fill:#24292f}.head{font-size:15px;font-weight:600}
.small{font-size:11px;fill:#57606a}.right{text-anchor:end}.middle{text-anchor:middle}
.grid{stroke:#e6eaef}.arm{fill:none;stroke-width:2}
""".replace("\n", "")


def drawn(outcomes: Sequence[Outcome], title: str) -> str:
    """The picture.

    Args:
        outcomes: Of the arms, in the order of the legend.
        title: The headline.
    """
    most = max((one.lateness[-1] for one in outcomes if one.lateness), default=1.0)
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{escape(title)}</title>',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        text(16, 24, title, "head"),
        *_axes(most),
        *(_arm(one, colour, most) for one, colour in zip(outcomes, COLOURS, strict=False)),
        *(_legend(number, one) for number, one in enumerate(outcomes)),
    ]
    return "\n".join([*lines, "</svg>", ""])


def _x(seconds: float, most: float) -> float:
    span = math.log(most / _LEAST)
    return round(_LEFT + _WIDTH * math.log(max(seconds, _LEAST) / _LEAST) / span, 1)


def _y(share: float) -> float:
    return round(_TOP + _HEIGHT * (1 - share), 1)


def _axes(most: float) -> Iterator[str]:
    for percent in _SHARES:
        y = _y(percent / 100)
        yield f'<path class="grid" d="M{_LEFT} {y}h{_WIDTH}"/>' + text(_LEFT - 8, y + 4, f"{percent} %", "small right")
    exponents = range(math.floor(math.log10(_LEAST)), math.ceil(math.log10(most)) + 1)
    for seconds in (digit * 10.0**exponent for exponent in exponents for digit in ROUND):
        if _LEAST <= seconds <= most:
            x = _x(seconds, most)
            yield f'<path class="grid" d="M{x} {_TOP}v{_HEIGHT + 4}"/>'
            yield text(x, _TOP + _HEIGHT + 17, f"{seconds:g} s", "small middle")
    yield text(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 36, "after the second at which all are due", "small middle")


def _arm(outcome: Outcome, colour: str, most: float) -> str:
    """A step line would have as many points as Jobs: some are enough."""
    late, due = outcome.lateness, outcome.due
    places = sorted({round(number * (len(late) - 1) / _POINTS) for number in range(_POINTS + 1)}) if late else []
    points = " ".join(f"{_x(late[place], most)} {_y((place + 1) / due)}" for place in places)
    return f'<path class="arm" stroke="{colour}" d="M{points}"><title>{escape(outcome.arm)}</title></path>'


def _legend(number: int, outcome: Outcome) -> str:
    y, colour = _TOP + 10 + 34 * number, COLOURS[number % len(COLOURS)]
    x = _LEFT + _WIDTH + 20
    made = "" if outcome.whole else f", {len(outcome.lateness)} of {outcome.due} made"
    figures = f"p50 {outcome.quantile(0.5):.2f} s, p99 {outcome.quantile(0.99):.2f} s{made}"
    line = f'<path class="arm" stroke="{colour}" d="M{x} {y}h18"/>'
    return line + text(x + 24, y + 4, outcome.arm, "") + text(x + 24, y + 18, figures, "small")


def text(x: float, y: float, words: str, style: str) -> str:
    """A piece of text."""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'

"""How something grows, as a picture: a line for each arm, both axes logarithmic, so that proportion is a straight line.

A self-contained SVG, in the style of `picture`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from tests.bench.picture import COLOURS, ROUND, STYLE, text

Points = Sequence[tuple[float, float]]
_LEFT, _TOP, _WIDTH, _HEIGHT, _RIGHT = 64, 52, 560, 360, 220


def drawn(lines: Mapping[str, Points], title: str, *, across: str, up: str) -> str:
    """The picture.

    Args:
        lines: By name, the points of a line; all above zero.
        title: The headline.
        across: What the horizontal axis counts,
        up: and the vertical one.
    """
    points = [point for line in lines.values() for point in line]
    scale = _Scale([x for x, _ in points], [y for _, y in points])
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + 52
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{escape(title)}</title>',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        text(16, 24, title, "head"),
        *scale.grid(),
        text(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 40, across, "small middle"),
        text(_LEFT, _TOP - 10, up, "small"),
    ]
    for number, ((name, line), colour) in enumerate(zip(lines.items(), COLOURS, strict=False)):
        parts += _line(name, line, colour, scale, number)
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Where values are on the picture."""

    def __init__(self, across: Sequence[float], up: Sequence[float]) -> None:
        self._across = (min(across), max(across))
        self._up = (min(up), max(up))

    def x(self, value: float) -> float:
        return round(_LEFT + _WIDTH * _share(value, *self._across), 1)

    def y(self, value: float) -> float:
        return round(_TOP + _HEIGHT * (1 - _share(value, *self._up)), 1)

    def grid(self) -> Iterator[str]:
        """Lines at round values."""
        for value in _round_values(*self._across):
            yield f'<path class="grid" d="M{self.x(value)} {_TOP}v{_HEIGHT + 4}"/>'
            yield text(self.x(value), _TOP + _HEIGHT + 18, f"{value:,g}", "small middle")
        for value in _round_values(*self._up):
            yield f'<path class="grid" d="M{_LEFT} {self.y(value)}h{_WIDTH}"/>'
            yield text(_LEFT - 8, self.y(value) + 4, f"{value:g}", "small right")


def _share(value: float, least: float, most: float) -> float:
    return math.log(value / least) / math.log(most / least) if most > least else 0.5


def _round_values(least: float, most: float) -> list[float]:
    exponents = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    return [value for e in exponents for digit in ROUND if least <= (value := digit * 10.0**e) <= most]


def _line(name: str, line: Points, colour: str, scale: _Scale, number: int) -> Iterator[str]:
    places = [(scale.x(x), scale.y(y)) for x, y in line]
    yield f'<path class="arm" stroke="{colour}" d="M{" ".join(f"{x} {y}" for x, y in places)}"/>'
    for x, y in places:
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    left, top = _LEFT + _WIDTH + 20, _TOP + 10 + 22 * number
    yield f'<path class="arm" stroke="{colour}" d="M{left} {top}h18"/>' + text(left + 24, top + 4, name, "")

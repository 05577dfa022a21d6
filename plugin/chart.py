"""A day as a picture of text: a line for each hour, a block for each minute, higher where more fires."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from rich.text import Text

_BLOCKS = " ▁▂▃▄▅▆▇█"
_STYLES = ((0.9, "bold red"), (0.5, "yellow"), (0.0, "green"))
_HOUR = 60


def chart(counts: Sequence[int], since: datetime, zone: tzinfo) -> list[Text]:
    """The lines of the picture.

    Args:
        counts: By minute.
        since: The first of them.
        zone: Whose hours stand at the left.
    """
    top, local = max(counts, default=0), since.astimezone(zone)
    before = local.minute  # the first hour has begun
    lines = [Text(f"{'':<13}0        10        20        30        40        50         sum   most", style="dim")]
    for begin in range(-before, len(counts), _HOUR):
        row = counts[max(begin, 0) : begin + _HOUR]
        at = (since + timedelta(minutes=begin)).astimezone(zone)
        line = Text(f"{at:%a %H:%M}    ", style="dim")
        line.append(" " * -min(begin, 0))
        for count in row:
            line.append(*_block(count, top))
        line.append(" " * min(begin + _HOUR - len(counts), _HOUR) if begin + _HOUR > len(counts) else "")
        line.append(f"{sum(row):>9}{max(row):>7}", style="")
        lines.append(line)
    return lines


def _block(count: int, top: int) -> tuple[str, str]:
    if not count:
        return _BLOCKS[0], ""
    share = count / top
    height = max(1, round(share * (len(_BLOCKS) - 1)))
    return _BLOCKS[height], next(style for least, style in _STYLES if share >= least)

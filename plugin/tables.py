"""Tables for people, in kubectl's manner: no frames, and nothing cut off where no terminal limits it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 1_000
"""Columns of an output that is no terminal."""
_STYLES = {
    "Ready": "green",
    "Created": "green",
    "succeeded": "green",
    "New": "cyan",
    "running": "cyan",
    "Suspended": "yellow",
    "Paused": "yellow",
    "Completed": "dim",
    "CircuitOpen": "bold red",
    "Blocked": "bold red",
    "failed": "bold red",
    "CreateFailed": "bold red",
    "MissedDeadline": "red",
    "MissedCatchUp": "red",
}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None = None) -> str:
    """A table with its heads in capitals.

    Args:
        heads: What stands above the columns.
        rows: The cells.
        width: Columns of the terminal; None: as many as are needed.
    """
    drawn = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for head in heads:
        drawn.add_column(head.upper(), no_wrap=width is None, overflow="fold")
    for cells in rows:
        drawn.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    return rendered(drawn, width=width)


def rendered(*parts: object, width: int | None = None) -> str:
    """Something of rich as text, with colours only if standard output is a terminal."""
    terminal = width is not None
    buffer = io.StringIO()
    console = Console(file=buffer, width=width or _UNBOUNDED, force_terminal=terminal, highlight=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().rstrip("\n").split("\n"))


def terminal_width() -> int | None:
    """How many columns standard output has; None if it is no terminal."""
    return Console().width if sys.stdout.isatty() else None

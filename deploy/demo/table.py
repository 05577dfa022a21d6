"""The demo on a terminal: a heading, the replicas, and a table with a row for each object, drawn anew as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Group, JustifyMethod
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deploy.demo.scene import lateness

if TYPE_CHECKING:
    from datetime import timedelta

    from rich.console import Console, RenderableType

    from deploy.demo.evidence import Firing
    from deploy.demo.scene import Node, Row, Scene

_FRESH_SECONDS = 0.7  # so long a new firing is bright
_FINE_SECONDS = 0.5
_SLOW_SECONDS = 2.0
_OTHER_LINES = 6  # of the terminal's height: heading, blank lines, head of the table, the line below it, the cursor
_FIXED: tuple[tuple[str, int, JustifyMethod], ...] = (
    ("instant", 8, "left"),
    ("node", 9, "left"),
    ("lateness", 8, "right"),
    ("fired/due", 9, "right"),
)


class LiveTable:
    """A screen that draws."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Nothing: the scene has it too."""

    def fired(self, label: str, firing: Firing) -> None:
        """Nothing: the table shows it."""

    def show(self, scene: Scene) -> None:
        """Draw the moment."""
        self._live.update(self._drawn(scene), refresh=True)

    def _drawn(self, scene: Scene) -> RenderableType:
        room = max(3, self._console.height - _OTHER_LINES - len(scene.nodes))
        shown, hidden = scene.rows[:room], scene.rows[room:]
        below = [Text(f"  and {len(hidden)} more: {', '.join(row.label for row in hidden)}", "dim")] if hidden else []
        return Group(_heading(scene), _nodes(scene), "", _table(scene, shown), *below)


def _heading(scene: Scene) -> RenderableType:
    clock = f"{_minutes(scene.now - scene.began)} of {_minutes(scene.whole)}"
    return Text.assemble((" DistributedCronJob demo ", "bold reverse"), f"  {clock}  ", (_news(scene), "bold"))


def _news(scene: Scene) -> str:
    if scene.kill is None:
        left = scene.began + scene.whole / 2 - scene.now
        return f"{len(scene.nodes)} replicas share {len(scene.rows)} objects; one is killed in {_minutes(left)}"
    waiting = sum(row.owner == scene.kill.node and row.in_all > 0 for row in scene.rows)
    if waiting:
        return f"{scene.kill.node} killed; {waiting} of its objects are not yet taken over"
    return f"{scene.kill.node} killed; the others have taken over"


def _nodes(scene: Scene) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for node in scene.nodes:
        style = "green" if node.alive else "bold red"
        grid.add_row(
            Text("●" if node.alive else "✗", style),
            Text(node.name, style),
            Text(f"serves {node.serves:>2}" if node.alive else ""),
            Text(f"fired {node.fired:>3}"),
            Text(_state(node, scene), style),
        )
    return Padding(grid, (0, 0, 0, 1))


def _state(node: Node, scene: Scene) -> str:
    if node.alive:
        return "runs"
    if scene.kill is None or scene.kill.node != node.name:
        return "has ended by itself"
    return f"KILLED with kill -9 at {scene.kill.at:%H:%M:%S}; objects it served: {len(scene.kill.objects)}"


def _table(scene: Scene, rows: tuple[Row, ...]) -> RenderableType:
    # On a narrow terminal the schedules and the notes give way, and nothing else.
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("object", no_wrap=True, min_width=max((len(row.label) for row in rows), default=0))
    table.add_column("schedule", no_wrap=True, overflow="ellipsis", max_width=19)
    for name, width, side in _FIXED:
        table.add_column(name, no_wrap=True, min_width=width, justify=side)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*_cells(row, scene))
    return table


def _cells(row: Row, scene: Scene) -> tuple[Text, ...]:
    last = row.last
    if last is None or last.instant is None:
        return tuple(Text(cell, "dim") for cell in (row.label, row.schedule, "-", row.owner, "-", "-", row.note))
    bright = "bold" if (scene.now - last.made_at).total_seconds() < _FRESH_SECONDS else ""
    return (
        Text(row.label, bright),
        Text(row.schedule),
        Text(f"{last.instant:%H:%M:%S}", bright),
        Text(last.node, bright),
        Text(lateness(last.lateness), _colour(last.lateness)),
        Text(f"{row.fired}/{row.due}"),
        Text(row.note, "dim"),
    )


def _colour(late: timedelta) -> str:
    seconds = late.total_seconds()
    if seconds < _FINE_SECONDS:
        return "green"
    return "yellow" if seconds < _SLOW_SECONDS else "bold red"


def _minutes(duration: timedelta) -> str:
    seconds = max(0, int(duration.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"

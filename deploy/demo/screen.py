"""What a person sees: a live table in a terminal, plain lines anywhere else, and the summary at the end."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from deploy.demo.evidence import Firing
    from deploy.demo.verdict import Account, Verdict

_ROWS = 16
_LATE_SECONDS = 1.0


class Screen:
    """Shows firings as they happen."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._last: deque[tuple[Firing, str, str]] = deque(maxlen=_ROWS)
        self._heading = ""
        self._live: Live | None = None

    @property
    def is_live(self) -> bool:
        """Whether a live table is shown, and not lines."""
        return self._live is not None

    def say(self, line: str) -> None:
        """A line of its own."""
        self._console.print(line, markup=False, soft_wrap=True)

    def follow(self) -> AbstractContextManager[Any]:
        """While entered, firings are shown as a live table, if this is a terminal."""
        if not self._console.is_terminal:
            return nullcontext()
        self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=4)
        return self._live

    def heading(self, text: str) -> None:
        """What is going on now."""
        if self._live is None and text != self._heading:
            self.say(f"--- {text}")
        self._heading = text

    def fired(self, firing: Firing, schedule: str, node: str) -> None:
        """One more firing."""
        self._last.append((firing, schedule, node))
        if self._live is None:
            late = firing.lateness.total_seconds()
            self.say(f"{firing.instant:%H:%M:%S}  {firing.cron_job:<16} {node:<10} {late:7.3f} s late")

    def summary(self, verdict: Verdict, summed_up: str) -> None:
        """The verdict, object by object and in all."""
        table = Table(title="What was due, and what was fired", title_justify="left", show_footer=True, padding=(0, 0))
        rows = [_row(account) for account in verdict.accounts]
        sums = [str(sum(int(row[column]) for row in rows)) for column in range(2, 7)]
        table.add_column("object", "all", no_wrap=True, max_width=16)
        table.add_column("schedule", no_wrap=True, max_width=22)
        for head, foot in zip(("due", "fired", "skipped", "missed", "twice"), sums, strict=True):
            table.add_column(head, foot, justify="right", no_wrap=True, min_width=len(head))
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)
        self.say(summed_up)

    def _table(self) -> Group:
        table = Table(expand=False)
        for head in ("instant", "object", "schedule", "node", "late"):
            table.add_column(head, justify="right" if head == "late" else "left", no_wrap=True)
        for firing, schedule, node in self._last:
            late = firing.lateness.total_seconds()
            style = "yellow" if late > _LATE_SECONDS else ""
            cells = (f"{firing.instant:%H:%M:%S}", firing.cron_job, schedule, node, f"{late:.3f} s")
            table.add_row(*(Text(cell) for cell in cells), style=style)
        return Group(Text(self._heading, style="bold"), table)


def _row(account: Account) -> tuple[str, ...]:
    fired = len({firing.instant for firing in account.firings})
    numbers = (len(account.due), fired, account.skipped, len(account.missed), len(account.twice))
    return (account.name, account.schedule, *map(str, numbers))

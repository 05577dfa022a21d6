"""One moment of the demo, as a value; and who shows it: `table` on a terminal, `lines` elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy.demo.evidence import Firing
    from deploy.demo.objects import CronObject
    from deploy.demo.verdict import Kill

WAITS = "waits"
"""The note of a row whose next instant is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object.

    Attributes:
        note: What its firings do not tell, in words: why there are none, or that some were skipped.
        owner: The replica that serves it, by its status.
        due: How many instants have passed.
        in_all: How many instants there are until the end of the demo.
        fired: How many Jobs were made.
        last: Its newest firing.
    """

    label: str
    schedule: str
    note: str
    owner: str
    due: int
    in_all: int
    fired: int
    last: Firing | None

    @classmethod
    def of(cls, found: CronObject, firings: Iterable[Firing], *, now: datetime, ends_at: datetime) -> Row:
        """The row of an object."""
        mine = [firing for firing in firings if firing.object_uid == found.uid]
        instants = found.due(ends_at)
        return cls(
            label=found.label,
            schedule=found.schedule,
            note=_note(found, idle=not instants),
            owner=found.owner,
            due=sum(instant <= now for instant in instants),
            in_all=len(instants),
            fired=len(mine),
            last=mine[-1] if mine else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One replica.

    Attributes:
        serves: How many objects name it in their status.
        fired: How many Jobs it made.
    """

    name: str
    alive: bool
    serves: int
    fired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is to be seen now. The rows that fire most come first."""

    now: datetime
    began: datetime
    whole: timedelta
    kill: Kill | None
    nodes: tuple[Node, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(
        cls,
        objects: Sequence[CronObject],
        firings: Sequence[Firing],
        nodes: Mapping[str, bool],
        kill: Kill | None,
        *,
        now: datetime,
        began: datetime,
        whole: timedelta,
    ) -> Scene:
        """The scene of a moment.

        Args:
            objects: As read last.
            firings: All so far.
            nodes: By name of each replica, whether it runs.
            kill: If it has been.
            now: The moment.
            began: When all objects were applied.
            whole: How long the demo takes.
        """
        serves, fired = Counter(found.owner for found in objects), Counter(firing.node for firing in firings)
        rows = [Row.of(found, firings, now=now, ends_at=began + whole) for found in objects]
        return cls(
            now=now,
            began=began,
            whole=whole,
            kill=kill,
            nodes=tuple(
                Node(name=name, alive=alive, serves=serves[name], fired=fired[name]) for name, alive in nodes.items()
            ),
            rows=tuple(sorted(rows, key=lambda row: -row.in_all)),
        )


class Screen(Protocol):
    """Where the demo is shown; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def say(self, text: str) -> None:
        """Something that happened once, in a sentence."""

    def fired(self, label: str, firing: Firing) -> None:
        """A new firing of an object."""

    def show(self, scene: Scene) -> None:
        """The present moment; called several times a second."""


def lateness(late: timedelta | None) -> str:
    """A lateness for people: milliseconds below a second."""
    if late is None:
        return "-"
    seconds = late.total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _note(found: CronObject, *, idle: bool) -> str:
    if found.suspended:
        return "suspended"
    if idle:
        return f"next {found.next_at:%b %d %H:%M}Z" if found.next_at else WAITS
    skipped = sum(reason.startswith("Skipped") for reason in found.recorded.values())
    return f"{skipped} skipped ({found.policy})" if skipped else ""

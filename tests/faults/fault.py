"""A fault as a value: what it is called, what it stands for, how it is struck, and how late firings may be for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from deploy.local.redis_server import RedisServer
from tests.checker.history import Felt
from tests.cluster.fleet import SharedRedis
from tests.faults.bounds import RECOVERY
from tests.faults.chance import Chance
from tests.faults.stage import Stage

Strike = Callable[[Stage, Chance], AbstractContextManager[None]]
"""Breaks something when it is entered, and has healed it when it is left. In between the stage is left alone."""
RedisOf = Callable[[Path], AbstractContextManager[SharedRedis]]
"""Starts what replicas share, with its files in a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One way in which the world breaks.

    Attributes:
        name: In words, with hyphens; unique.
        row: The row of the fault table of INVARIANTS that it stands for.
        felt: How long it excuses lateness; `Stage.happened` may tell it finer while it is struck.
        within: F: for how long after an edge of it, or after healing.
        seconds: How long it lasts; None: as long as a run asks for.
        divides: Whether replicas may have different rings while it lasts.
        stalls_watch: Whether an author's act may be seen late because of it.
        on_its_way: So long a request may be on its way under it.
        redis: What the replicas share. Proxies stand before a plain server only: with others, clients look for
            addresses themselves.
        variables: More settings of all replicas.
    """

    name: str
    row: str
    strike: Strike
    felt: Felt = Felt.AT_ITS_EDGES
    within: timedelta = RECOVERY
    seconds: float | None = None
    divides: bool = False
    stalls_watch: bool = False
    on_its_way: timedelta = timedelta(0)
    redis: RedisOf = RedisServer.start
    variables: Mapping[str, str] = field(default_factory=dict)

"""Hand-made objects and firings for the tests of the demo's count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deploy.demo.evidence import Firing
from deploy.demo.objects import CronObject

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNTIL = NOON + timedelta(seconds=5)

TICKER = CronObject(
    uid="uid-ticker",
    namespace="default",
    name="ticker",
    created_at=NOON,
    schedules=("* * * * * *",),
    zone="UTC",
    policy="Allow",
    suspended=False,
    deadline=None,
    start_at=None,
    end_at=None,
    owner="replica-1",
    next_at=None,
    recorded={},
)
"""Due at each of the five seconds after noon."""


def at(second: float) -> datetime:
    """An instant so many seconds after noon."""
    return NOON + timedelta(seconds=second)


def fired(second: float, *, late: float = 0.02, node: str = "replica-1", job: str = "") -> Firing:
    """A firing of the ticker."""
    return Firing(
        object_uid=TICKER.uid,
        instant=at(second),
        job=job or f"ticker-{second}",
        node=node,
        made_at=at(second + late),
    )


def recorded(reasons: dict[int, str], policy: str = "Allow") -> CronObject:
    """The ticker whose status says why some seconds got no Job."""
    return replace(TICKER, policy=policy, recorded={at(second): reason for second, reason in reasons.items()})

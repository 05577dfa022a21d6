"""How instants and durations are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.instants import span
from plugin.telling import ago, wall

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-3, "0s"),
        (0, "0s"),
        (42, "42s"),
        (60, "1m"),
        (190, "3m10s"),
        (12 * 60 + 5, "12m"),
        (7_500, "2h5m"),
        (14 * 3_600 + 60, "14h"),
        (3 * 86_400 + 4 * 3_600, "3d4h"),
        (40 * 86_400, "40d"),
    ],
)
def test_a_duration_is_told_in_at_most_two_units(seconds: int, told: str) -> None:
    assert span(timedelta(seconds=seconds)) == told


def test_distance_has_a_direction() -> None:
    assert ago(NOW - timedelta(seconds=5), NOW) == "5s ago"
    assert ago(NOW + timedelta(seconds=5), NOW) == "in 5s"
    assert ago(None, NOW) == "-"


def test_a_wall_shows_the_offset() -> None:
    assert wall(NOW, UTC) == "Wed 2026-07-01 10:00:00Z"
    assert wall(NOW, ZoneInfo("Asia/Kolkata")) == "Wed 2026-07-01 15:30:00 +05:30"
    assert wall(NOW, ZoneInfo("America/New_York")) == "Wed 2026-07-01 06:00:00 -04:00"

"""The straight line through one life's memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.soak.samples import Sample
from tests.soak.slope import lives, slopes


def life(pid: int, seconds: range, mb_per_hour: float, *, node: str = "north", noise: float = 0.0) -> list[Sample]:
    """A life whose memory grows evenly, up and down by the noise."""
    return [
        Sample(
            seconds=at,
            node=node,
            pid=pid,
            rss=round((100 + mb_per_hour * at / 3600 + (noise if number % 2 else -noise)) * 1e6),
            fds=20,
            tasks=30,
        )
        for number, at in enumerate(seconds)
    ]


def test_even_growth_is_found_again() -> None:
    slope = slopes(life(1, range(0, 3600, 5), 4.0))[0]
    assert slope.mb_per_hour == pytest.approx(4.0, abs=1e-3)
    assert slope.error == pytest.approx(0, abs=1e-3)


def test_noise_does_not_move_the_line_but_its_error() -> None:
    slope = slopes(life(1, range(0, 3600, 5), 0.5, noise=2.0))[0]
    assert slope.mb_per_hour == pytest.approx(0.5, abs=0.2)
    assert 0.1 < slope.error < 1.0


def test_the_warm_up_does_not_count() -> None:
    warming = life(1, range(0, 900, 5), 400.0)
    steady = life(1, range(900, 3600, 5), 0.0)
    assert slopes([*warming, *steady])[0].mb_per_hour == pytest.approx(0, abs=1e-6)


def test_a_restart_begins_a_new_line_and_a_short_life_has_none() -> None:
    samples = life(1, range(0, 3600, 5), 0.0) + life(2, range(3600, 4500, 5), 50.0)
    assert [len(one) for one in lives(samples)] == [720, 180]
    assert [slope.pid for slope in slopes(samples)] == [1]


def test_blocks_that_stay_are_told_beside_memory_that_grows() -> None:
    samples = [replace(sample, blocks=700_000) for sample in life(1, range(0, 3600, 5), 30.0)]
    slope = slopes(samples)[0]
    assert (round(slope.mb_per_hour), slope.blocks_per_hour) == (30, 0)
    assert slopes(life(1, range(0, 3600, 5), 30.0))[0].blocks_per_hour is None

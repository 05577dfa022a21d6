"""Which clock is believed: two outvote the third, and no step of one clock moves the time."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from controller.timekeeper import Reading, Timekeeper, exactly, trusted
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.simulation.loop import Simulation, simulate
from tests.unit.doubles import Numbers

MINUTES_5 = 300.0


def reading(off: float, doubt: float = 0.0) -> Reading:
    middle, half = EPOCH + timedelta(seconds=off), timedelta(seconds=doubt)
    return Reading(earliest=middle - half, latest=middle + half)


@pytest.mark.parametrize(
    ("system", "redis", "api_server", "expected"),
    [
        pytest.param(0.3, 0, 0, 0, id="all agree: Redis, the finest that all replicas share"),
        pytest.param(MINUTES_5, 0, 0, 0, id="the system is wrong"),
        pytest.param(0, MINUTES_5, 0, 0, id="Redis is wrong"),
        pytest.param(0, -MINUTES_5, 0, 0, id="Redis is wrong, behind"),
        pytest.param(0.3, 0, MINUTES_5, 0, id="the API server is wrong"),
        pytest.param(2 * MINUTES_5, MINUTES_5, 0, MINUTES_5, id="no two agree: Redis, which is nearer"),
        pytest.param(4, MINUTES_5, 0, -0.5, id="no two agree, and the system is nearer: the API server, one for all"),
        pytest.param(MINUTES_5, 0, None, 0, id="the API server has not answered yet"),
        pytest.param(0.3, None, 0, 0.3, id="no Redis: the system, of finer resolution"),
        pytest.param(0.8, None, 0, 0.5, id="no Redis: the system, as far as the API server does not contradict it"),
        pytest.param(MINUTES_5, None, 0, -0.5, id="no Redis, and the API server disagrees: rather late than early"),
        pytest.param(MINUTES_5, None, None, MINUTES_5, id="nobody else to ask"),
    ],
)
def test_two_that_agree_outvote_the_third(
    system: float, redis: float | None, api_server: float | None, expected: float
) -> None:
    others = [None if off is None else reading(off, 0.5) for off in (redis, api_server)]
    assert trusted(reading(system), *others).middle == reading(expected).middle


def test_what_a_reading_leaves_open_is_no_difference() -> None:
    assert trusted(reading(4), reading(0, doubt=2.5), reading(4)).middle == reading(0).middle
    assert trusted(reading(5), reading(0, doubt=2.5), reading(5)).middle == reading(5).middle


def test_two_readings_of_one_clock_narrow_it_down() -> None:
    both = reading(0, doubt=2).narrowed(reading(3, doubt=2))
    assert (both.earliest, both.latest) == (reading(1).middle, reading(2).middle)
    assert reading(0, doubt=1).narrowed(reading(3, doubt=1)) == reading(3, doubt=1)
    assert both.nearest(reading(0).middle) == both.earliest
    assert both.nearest(reading(1.5).middle) == reading(1.5).middle
    assert exactly(EPOCH).agrees(reading(3, doubt=1))
    assert not exactly(EPOCH).agrees(reading(3.1, doubt=1))


class Keeping:
    """A timekeeper whose servers answer at once, with true time unless told otherwise."""

    def __init__(self, simulation: Simulation, skew: float = 0.0) -> None:
        self.clock = SimulatedClock(simulation.loop, skew=timedelta(seconds=skew))
        self.numbers = Numbers()
        self.keeper = Timekeeper(self.clock, self.numbers)

    async def redis(self, ahead: float = 0.0, takes: float = 0.002, midway: float = 0.5) -> None:
        """Redis answers after some seconds, with the time at this share of the way."""
        asked_at = self.clock.elapsed()
        await self.clock.sleep(timedelta(seconds=takes * midway))
        shown = self.clock.true_now() + timedelta(seconds=ahead)
        await self.clock.sleep(timedelta(seconds=takes * (1 - midway)))
        self.keeper.redis_showed(shown, asked_at=asked_at)

    def api_server(self) -> None:
        self.keeper.api_server_showed(self.clock.true_now().replace(microsecond=0), asked_at=self.clock.elapsed())

    @property
    def off(self) -> float:
        """How far the believed time is ahead of the true one, in seconds."""
        return round((self.clock.now() - self.clock.true_now()).total_seconds(), 6)


def test_a_wrong_clock_is_reported_once_and_once_when_it_is_right_again(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation)
        await keeping.redis()
        assert not caplog.messages
        keeping.clock.step(timedelta(seconds=90))
        for _ in range(3):
            await keeping.redis()
            keeping.keeper.compare()
        assert caplog.messages == ["a clock is wrong"]
        assert keeping.numbers.skews["system"] == 90
        keeping.clock.step(timedelta(seconds=-90))
        await keeping.redis()
        assert caplog.messages == ["a clock is wrong", "a clock is right again"]
        assert keeping.numbers.skews["system"] == 0

    caplog.set_level(logging.WARNING)
    simulate(scenario)


def test_a_redis_whose_clock_is_another_after_a_failover_moves_nothing() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation)
        await keeping.redis()
        keeping.api_server()
        await keeping.clock.sleep(timedelta(seconds=1))
        await keeping.redis(ahead=MINUTES_5)
        assert keeping.off == 0
        assert keeping.numbers.skews["redis"] == MINUTES_5
        await keeping.redis()
        assert keeping.off == 0
        assert keeping.numbers.skews["redis"] == 0

    simulate(scenario)


def test_what_redis_measured_before_goes_on_when_its_clock_is_wrong_also_if_the_system_is_a_little_off() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation, skew=1.8)
        keeping.api_server()
        await keeping.redis()
        assert keeping.off == 0
        for _ in range(5):
            await keeping.clock.sleep(timedelta(seconds=1))
            await keeping.redis(ahead=-MINUTES_5)
            keeping.api_server()
            assert keeping.off == 0

    simulate(scenario)


def test_a_machine_that_was_frozen_without_redis_asks_the_api_server() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation)
        keeping.api_server()
        await keeping.redis()
        keeping.clock.freeze(timedelta(hours=1))
        keeping.keeper.compare()
        assert keeping.off == -3600
        keeping.api_server()
        assert keeping.off == 0

    simulate(scenario)


def test_without_redis_the_time_goes_on_as_it_was_measured() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation, skew=MINUTES_5)
        await keeping.redis()
        for _ in range(10):
            await keeping.clock.sleep(timedelta(minutes=1))
            keeping.clock.step(timedelta(seconds=-37))
            keeping.keeper.compare()
            assert abs(keeping.off) <= 0.001

    simulate(scenario)


def test_without_any_redis_a_system_clock_that_is_right_is_followed_to_the_last_bit() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation)
        await keeping.clock.sleep(timedelta(seconds=0.5))
        for step in (0.05, -0.02, -0.3):  # as a time service slews it, or sets it right
            keeping.clock.step(timedelta(seconds=step))
            keeping.api_server()
            assert keeping.off == round(keeping.clock.skew.total_seconds(), 6)

    simulate(scenario)


def test_without_any_redis_the_api_server_keeps_a_wrong_system_clock_from_firing_early() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation, skew=MINUTES_5)
        for _ in range(20):
            await keeping.clock.sleep(timedelta(seconds=1.07))
            keeping.api_server()
            assert -1 <= keeping.off <= 0
        assert keeping.off >= -0.1, "each answer has narrowed it down"

    simulate(scenario)


def test_a_slow_answer_does_not_blur_what_a_quick_one_has_told() -> None:
    async def scenario(simulation: Simulation) -> None:
        keeping = Keeping(simulation, skew=7)
        await keeping.redis(takes=0.002)
        assert abs(keeping.off) <= 0.001
        await keeping.redis(takes=1.0, midway=0.9)
        assert abs(keeping.off) <= 0.001
        keeping.clock.step(timedelta(minutes=1))
        keeping.keeper.compare()
        assert abs(keeping.off) <= 0.001

    simulate(scenario)

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from controller.clock import SLICE, SystemClock, system_time
from controller.ports import Clock
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.simulation.loop import Simulation, simulate

SECOND = timedelta(seconds=1)


def test_now_is_the_system_time_in_utc() -> None:
    clock: Clock = SystemClock()
    assert abs(system_time() - clock.now()) < SECOND
    assert clock.now().tzinfo is clock.system().tzinfo is UTC


def test_the_last_belief_counts_and_goes_on_by_the_loop_whatever_the_system_shows() -> None:
    noon, seconds = datetime(2026, 3, 1, 12, tzinfo=UTC), 100.0
    clock = SystemClock(lambda: noon, lambda: seconds)
    clock.believe(noon + 5 * SECOND)
    clock.believe(noon - 2 * SECOND)
    assert clock.now() == noon - 2 * SECOND
    seconds += 10
    assert clock.now() == noon + 8 * SECOND
    assert clock.system() == noon


async def test_on_a_real_loop_a_sleeper_wakes_at_its_instant_and_not_before() -> None:
    clock = SystemClock()
    for instant in [clock.now() + timedelta(milliseconds=number) for number in range(1, 31, 3)]:
        await clock.sleep_until(instant)
        assert instant <= clock.now() < instant + timedelta(seconds=2)


async def test_on_a_real_loop_elapsed_time_covers_a_sleep() -> None:
    clock = SystemClock()
    before = clock.elapsed()
    await clock.sleep(timedelta(milliseconds=5))
    # A loop may fire a timer early by its own resolution.
    assert clock.elapsed() - before >= timedelta(milliseconds=4.9)


def test_a_sleeper_wakes_exactly_at_a_far_instant() -> None:
    async def scenario(simulation: Simulation) -> datetime:
        clock = SimulatedClock(simulation.loop)
        await clock.sleep_until(EPOCH + timedelta(hours=5, milliseconds=250))
        return clock.true_now()

    assert simulate(scenario) == EPOCH + timedelta(hours=5, milliseconds=250)


def test_an_instant_in_the_past_lets_others_run_and_takes_no_time() -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        others_turn = asyncio.Event()
        simulation.loop.call_soon(others_turn.set)
        await clock.sleep_until(EPOCH - SECOND)
        assert others_turn.is_set()
        assert simulation.loop.time() == 0

    simulate(scenario)


def test_a_negative_sleep_takes_no_time() -> None:
    async def scenario(simulation: Simulation) -> float:
        await SimulatedClock(simulation.loop).sleep(-SECOND)
        return simulation.loop.time()

    assert simulate(scenario) == 0


def test_a_clock_that_is_ahead_wakes_its_replica_early_by_true_time() -> None:
    async def scenario(simulation: Simulation) -> datetime:
        clock = SimulatedClock(simulation.loop, skew=3 * SECOND)
        await clock.sleep_until(EPOCH + 10 * SECOND)
        return clock.true_now()

    assert simulate(scenario) == EPOCH + 7 * SECOND


def test_a_belief_undoes_the_skew() -> None:
    async def scenario(simulation: Simulation) -> datetime:
        clock = SimulatedClock(simulation.loop, skew=3 * SECOND)
        clock.believe(EPOCH)
        await clock.sleep_until(EPOCH + 10 * SECOND)
        return clock.true_now()

    assert simulate(scenario) == EPOCH + 10 * SECOND


@pytest.mark.parametrize("step", [timedelta(minutes=5), timedelta(minutes=-5)], ids=["forward", "back"])
def test_a_step_of_the_system_clock_moves_nothing_by_itself(step: timedelta) -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        simulation.loop.call_at(9.5, clock.step, step)
        await clock.sleep_until(EPOCH + 10 * SECOND)
        assert clock.now() == clock.true_now() == EPOCH + 10 * SECOND
        assert clock.system() == EPOCH + 10 * SECOND + step

    simulate(scenario)


def test_a_time_that_is_set_back_makes_its_sleeper_wait_on() -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        simulation.loop.call_at(9.5, clock.believe, EPOCH + 4.5 * SECOND)
        await clock.sleep_until(EPOCH + 10 * SECOND)
        assert clock.now() == EPOCH + 10 * SECOND
        assert clock.true_now() == EPOCH + 15 * SECOND

    simulate(scenario)


def test_a_time_that_is_set_forward_is_noticed_within_a_slice() -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        simulation.loop.call_at(100.3, clock.believe, EPOCH + timedelta(hours=1))
        await clock.sleep_until(EPOCH + timedelta(minutes=30))
        assert timedelta(seconds=100.3) <= clock.elapsed() <= timedelta(seconds=100.3) + SLICE

    simulate(scenario)


def test_a_sleep_for_a_duration_does_not_care_for_steps() -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        simulation.loop.call_at(5, clock.step, timedelta(hours=-1))
        await clock.sleep(10 * SECOND)
        assert clock.elapsed() == 10 * SECOND

    simulate(scenario)


def test_clocks_of_one_loop_share_the_true_time() -> None:
    async def scenario(simulation: Simulation) -> None:
        ahead = SimulatedClock(simulation.loop, skew=SECOND)
        behind = SimulatedClock(simulation.loop, skew=-SECOND)
        await asyncio.sleep(2)
        assert ahead.true_now() == behind.true_now() == EPOCH + 2 * SECOND
        assert ahead.now() - behind.now() == 2 * SECOND

    simulate(scenario)

import asyncio
import socket
from datetime import timedelta

import pytest

from tests.simulation.loop import (
    Deadlock,
    OutOfTime,
    SimulatedLoop,
    Simulation,
    SimulationError,
    TimeStandsStill,
    simulate,
)


def test_a_virtual_year_passes_at_once() -> None:
    async def scenario(simulation: Simulation) -> float:
        await asyncio.sleep(365 * 86400)
        return simulation.loop.time()

    assert simulate(scenario, time_limit=timedelta(days=400)) == 365 * 86400


def test_timers_still_fire_after_virtual_years() -> None:
    async def scenario(simulation: Simulation) -> float:
        await asyncio.sleep(10 * 365 * 86400 + 0.3)
        for _ in range(10):
            await asyncio.sleep(0.1)
        return simulation.loop.time()

    assert simulate(scenario, time_limit=timedelta(days=4000)) == pytest.approx(10 * 365 * 86400 + 1.3, abs=1e-5)


def test_tasks_wake_in_the_order_of_their_timers() -> None:
    async def scenario(simulation: Simulation) -> list[tuple[float, str]]:
        woken = []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append((simulation.loop.time(), name))

        async with asyncio.TaskGroup() as group:
            for name, seconds in (("late", 3.0), ("early", 1.0), ("between", 2.0)):
                group.create_task(sleeper(name, seconds))
        return woken

    assert simulate(scenario) == [(1.0, "early"), (2.0, "between"), (3.0, "late")]


def test_a_time_out_is_virtual_too() -> None:
    async def scenario(simulation: Simulation) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        return simulation.loop.time()

    assert simulate(scenario) == 5


def test_a_seed_repeats_its_run_and_another_seed_makes_another() -> None:
    async def scenario(simulation: Simulation) -> list[tuple[float, int]]:
        trace: list[tuple[float, int]] = []

        async def walker(number: int) -> None:
            for _ in range(50):
                await asyncio.sleep(simulation.random.random())
                trace.append((simulation.loop.time(), number))

        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(walker(number))
        return trace

    assert simulate(scenario, seed=7) == simulate(scenario, seed=7)
    assert simulate(scenario, seed=7) != simulate(scenario, seed=8)


def test_tasks_of_a_group_are_cancelled_in_the_order_they_were_made() -> None:
    cancelled = []

    async def waits(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(number)

    async def fails() -> None:
        await asyncio.sleep(1)
        raise LookupError("on purpose")

    async def scenario(_: Simulation) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            for number in range(20):
                group.create_task(waits(number))

    with pytest.raises(ExceptionGroup):
        simulate(scenario)
    assert cancelled == list(range(20))


def test_tasks_are_named_afresh_in_each_run() -> None:
    async def scenario(_: Simulation) -> list[str]:
        tasks = [asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.sleep(0), name="mine")]
        await asyncio.gather(*tasks)
        return [task.get_name() for task in tasks]

    assert simulate(scenario) == simulate(scenario) == ["task-2", "mine"]


def test_waiting_for_what_nobody_will_do_is_a_deadlock_that_names_the_task_and_its_line() -> None:
    async def inner(event: asyncio.Event) -> None:
        await event.wait()

    async def scenario(_: Simulation) -> None:
        await asyncio.create_task(inner(asyncio.Event()), name="forgotten")

    with pytest.raises(Deadlock, match=r"forgotten: .*inner at .*test_loop") as caught:
        simulate(scenario, seed=42)
    assert caught.value.__notes__ == ["simulated with seed=42"]


def test_a_task_that_never_sleeps_is_caught() -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with (
        asyncio.Runner(loop_factory=lambda: SimulatedLoop(max_turns_in_place=100)) as runner,
        pytest.raises(TimeStandsStill, match="spin"),
    ):
        runner.run(spin())


def test_time_past_the_limit_is_caught_even_if_heartbeats_go_on() -> None:
    async def scenario(_: Simulation) -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(OutOfTime, match="3600 s"):
        simulate(scenario, time_limit=timedelta(hours=1))


def test_an_exception_in_a_callback_fails_the_run() -> None:
    def callback() -> None:
        raise LookupError("nobody looks")

    async def scenario(simulation: Simulation) -> None:
        simulation.loop.call_later(1, callback)
        await asyncio.sleep(2)

    with pytest.raises(SimulationError, match="callback") as caught:
        simulate(scenario)
    assert isinstance(caught.value.__cause__, LookupError)


def test_an_exception_in_a_task_that_nobody_awaits_fails_the_run() -> None:
    async def fails() -> None:
        raise LookupError("nobody looks")

    async def scenario(simulation: Simulation) -> None:
        simulation.loop.create_task(fails())
        await asyncio.sleep(1)

    with pytest.raises(SimulationError, match="never retrieved"):
        simulate(scenario)


def test_tasks_left_behind_are_cancelled_and_may_take_time_over_it() -> None:
    ended = []

    async def lingers() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(60)
            ended.append(True)

    async def scenario(simulation: Simulation) -> None:
        left_behind.append(simulation.loop.create_task(lingers()))
        await asyncio.sleep(1)

    left_behind: list[asyncio.Task[None]] = []
    simulate(scenario)
    assert ended == [True]


def test_a_socket_is_refused() -> None:
    async def scenario(simulation: Simulation) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            await simulation.loop.sock_recv(ours, 1)

    with pytest.raises(SimulationError, match="no sockets"):
        simulate(scenario)

"""An event loop whose time is virtual: it never waits, it moves to the next timer.

Whole replicas run side by side on one such loop, a virtual day in seconds, and two runs from the same seed do the same
things in the same order. A test of this kind is a plain function::

    def test_a_tick_comes_every_second() -> None:
        async def scenario(simulation: Simulation) -> None:
            await asyncio.sleep(3600)
            assert simulation.loop.time() == 3600

        simulate(scenario, seed=1)

What would make a run hang or differ is refused with an error that says so: sockets, waiting for nothing, a task that
spins without ever sleeping, time that runs on past the limit. What would only be logged, such as an exception in
a callback or in a task that nobody awaits, fails the run. Any failure carries its seed as a note.

The order in which Python iterates over a set of strings is not under control here: it depends on `PYTHONHASHSEED`.
Code under test that is to be repeatable between processes sorts.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar, TypeVarTuple

from tests.simulation.processes import Callback, process_in

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

DEFAULT_TIME_LIMIT = timedelta(days=3)
"""Virtual time after which a run is given up: no scenario means to go on for longer than a day or two."""

MAX_TURNS_IN_PLACE = 1_000_000
"""Turns of the loop without time moving, some seconds of work: ten thousand keys due at once need fewer."""

CLOCK_RESOLUTION_SECONDS = 1e-7
"""How early a timer may fire. asyncio takes 1e-9, which after a virtual year is less than a float of seconds can show:
a timer would be due and never fire."""

_ASYNCIO_FOLDER = str(Path(asyncio.__file__).parent)

_TASKS_SHOWN = 20


class SimulationError(Exception):
    """A scenario did what a simulation cannot, or must not."""


class Deadlock(SimulationError):
    """All tasks wait and no timer is set: in reality they would wait for ever."""


class TimeStandsStill(SimulationError):
    """Some task runs again and again without sleeping, so that virtual time cannot move."""


class OutOfTime(SimulationError):
    """Virtual time ran past the limit: the scenario waits for something that does not come."""


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which starts at 0.

    Args:
        time_limit: Virtual time after which `OutOfTime` is raised.
        max_turns_in_place: Turns at one instant after which `TimeStandsStill` is raised.
    """

    def __init__(
        self, *, time_limit: timedelta = DEFAULT_TIME_LIMIT, max_turns_in_place: int = MAX_TURNS_IN_PLACE
    ) -> None:
        self._virtual = _TimeMachine(self, time_limit.total_seconds(), max_turns_in_place)
        self._tasks_made = 0
        super().__init__(self._virtual)
        self._clock_resolution = CLOCK_RESOLUTION_SECONDS

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.now

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        """A task that is numbered and hashed by this loop and not by its address, so that runs are repeatable."""
        self._tasks_made += 1
        number = self._tasks_made
        label = f"task-{number}" if name is None else str(name)
        return _NumberedTask(number, coro, loop=self, name=label, context=context, **options)

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio has it; what belongs to a process waits while that is stopped."""
        process = process_in(context)
        if process is None or isinstance(callback, Callback):
            return super().call_soon(callback, *args, context=context)
        guarded = Callback(process, callback, context)
        guarded.handle = super().call_soon(guarded, *args, context=context)
        return guarded.handle

    def call_at(
        self, when: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio has it; what belongs to a process waits while that is stopped."""
        process = process_in(context)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        guarded = Callback(process, callback, context)
        handle = guarded.handle = super().call_at(when, guarded, *args, context=context)
        return handle


class _NumberedTask(asyncio.Task[T]):
    """A task whose place in a set does not depend on memory: a TaskGroup cancels its set of tasks in its order."""

    def __init__(self, number: int, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], **options: Any) -> None:
        self._number = number  # first: the base hashes the task while it is made
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class _TimeMachine(selectors.BaseSelector):
    """A selector that moves time on by what it is asked to wait, at once, and never reports a socket."""

    def __init__(self, loop: SimulatedLoop, limit: float, max_turns_in_place: int) -> None:
        self.now = 0.0
        self._loop = loop
        self._limit = limit
        self._max_turns_in_place = max_turns_in_place
        self._turns_in_place = 0
        self._keys: dict[int, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self.now += timeout
            self._turns_in_place = 0
            if self.now > self._limit:
                self._give_up(OutOfTime, f"virtual time has run past {self._limit:.0f} s")
        elif timeout is None:
            self._give_up(Deadlock, "nothing is ready and no timer is set")
        else:
            self._turns_in_place += 1
            if self._turns_in_place > self._max_turns_in_place:
                self._give_up(TimeStandsStill, f"{self._max_turns_in_place} turns of the loop without time moving")
        return []

    def _give_up(self, error: type[SimulationError], message: str) -> NoReturn:
        # Cancelling what is left, when the run is closed, takes turns and may take time of its own.
        self._turns_in_place = 0
        self._limit += DEFAULT_TIME_LIMIT.total_seconds()
        raise error(f"{message}, at {self.now:.6f} s; unfinished tasks:\n{_pending(self._loop)}")

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self._keys:  # the first one is the loop's own pipe to itself
            raise SimulationError("a simulation has no sockets: use the fakes")
        key = selectors.SelectorKey(fileobj, fileobj if isinstance(fileobj, int) else fileobj.fileno(), events, data)
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


def _pending(loop: asyncio.AbstractEventLoop) -> str:
    tasks = sorted(asyncio.all_tasks(loop), key=hash)
    lines = [f"  {task.get_name()}: {_place(task)}" for task in tasks[:_TASKS_SHOWN]]
    if len(tasks) > _TASKS_SHOWN:
        lines.append(f"  and {len(tasks) - _TASKS_SHOWN} more")
    return "\n".join(lines)


def _place(task: asyncio.Task[Any]) -> str:
    """The innermost line of ours at which a task waits; followed by hand, since `get_stack` stops at one coroutine."""
    step: Any = task.get_coro()
    place = repr(step)
    while (frame := getattr(step, "cr_frame", None)) is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_ASYNCIO_FOLDER):
            place = f"{code.co_qualname} at {code.co_filename}:{frame.f_lineno}"
        step = step.cr_await
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a scenario gets.

    Attributes:
        loop: The loop that it runs on.
        seed: What this run was started with.
        random: The run's one source of chance, from the seed.
    """

    loop: SimulatedLoop
    seed: int
    random: random.Random


def simulate(
    scenario: Callable[[Simulation], Awaitable[T]], *, seed: int = 0, time_limit: timedelta = DEFAULT_TIME_LIMIT
) -> T:
    """Run a scenario on virtual time and return what it returns; tasks that it leaves behind are cancelled.

    Args:
        scenario: Called with the simulation; what it raises is raised here, with the seed as a note.
        seed: Makes `Simulation.random`.
        time_limit: Virtual time after which the run is given up.

    Raises:
        SimulationError: The run hung, or something failed that nobody looked at.
    """
    strays: list[Mapping[str, Any]] = []
    try:
        with asyncio.Runner(loop_factory=lambda: SimulatedLoop(time_limit=time_limit)) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, SimulatedLoop)
            loop.set_exception_handler(lambda _, context: strays.append(context))
            simulation = Simulation(loop=loop, seed=seed, random=random.Random(seed))
            result = runner.run(_run(scenario, simulation))
        _raise_first(strays)
    except BaseException as error:
        error.add_note(f"simulated with seed={seed}")
        raise
    return result


async def _run(scenario: Callable[[Simulation], Awaitable[T]], simulation: Simulation) -> T:
    return await scenario(simulation)


def _raise_first(strays: list[Mapping[str, Any]]) -> None:
    if not strays:
        return
    first = strays[0]
    cause = first.get("exception")
    raise SimulationError(f"{len(strays)} failure(s) that nobody looked at; the first: {first['message']}") from cause

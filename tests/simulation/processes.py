"""What SIGSTOP and SIGCONT do to one of several replicas on one loop: nothing of it runs, then all of it late.

A callback belongs to the process in whose context it was asked for, as tasks inherit their context. The loop asks here
before it runs one. What is outside every process (the API server, the network, the nemesis) is never held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any, Generic, TypeVarTuple

Arguments = TypeVarTuple("Arguments")

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
"""The process that runs; None outside of all."""


class Process:
    """One process that can be stopped and continued.

    Attributes:
        stopped: Nothing of it runs now.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._held: list[tuple[Callback[*tuple[Any, ...]], tuple[Any, ...], Context | None]] = []

    @property
    def waiting(self) -> int:
        """How much would have run meanwhile."""
        return len(self._held)

    def stop(self) -> None:
        """As SIGSTOP: timers run out and answers come in, and nobody looks at them."""
        self.stopped = True

    def resume(self) -> None:
        """As SIGCONT: what would have run meanwhile runs now, in its order."""
        self.stopped = False
        held, self._held = self._held, []
        for callback, arguments, context in held:
            asyncio.get_running_loop().call_soon(callback, *arguments, context=context)

    def hold(self, callback: Callback[*tuple[Any, ...]], arguments: tuple[Any, ...], context: Context | None) -> None:
        """Keep what should have run for later."""
        self._held.append((callback, arguments, context))


class Callback(Generic[*Arguments]):
    """What runs in a process, once it is not stopped, and only if it has not been cancelled by then.

    Attributes:
        handle: By which it is cancelled; set by the loop.
    """

    def __init__(self, process: Process, call: Callable[[*Arguments], object], context: Context | None) -> None:
        self.handle: asyncio.Handle | None = None
        self._process = process
        self._call = call
        self._context = context

    def __call__(self, *arguments: *Arguments) -> None:
        """Run, or be held."""
        if self._process.stopped:
            self._process.hold(self, arguments, self._context)
        elif self.handle is None or not self.handle.cancelled():
            self._call(*arguments)


def process_in(context: Context | None) -> Process | None:
    """The process that a callback with this context belongs to; None for a context: that of the moment."""
    return PROCESS.get() if context is None else context.get(PROCESS)

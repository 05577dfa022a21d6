"""An answer that goes on for ever, such as a watch: its lines, and when they are read.

As long as there is time, a line is read as soon as it comes. While much is to be done, what comes is left to the kernel
for a moment and then read in one gulp, which costs half as much a line as one by one (45 us instead of 90, two
kilobytes each over TLS). In a herd each replica so sees everybody's Jobs a tenth of a second later, and makes its own
sooner. `api` opens such an answer; what stands in it is the caller's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta

import aiohttp

from controller.ports import Clock

GULP = timedelta(milliseconds=100)
"""So long nothing is read. In a herd on two cores some eighty Jobs are made meanwhile; twice as long would save a tenth
more."""
ENOUGH = 2**16
"""So many bytes at once are a gulp already, and the next is read without delay: whoever is slow to read much would be
cut off by the API server."""


async def lines(
    response: aiohttp.ClientResponse, clock: Clock, *, busy: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """The lines as they come, however long: `readline` gives up on those that exceed its buffer.

    Args:
        response: Its headers are there; whoever made it closes it.
        clock: To wait by.
        busy: Asked after what was read has been taken: whether to wait until more is there.
    """
    parts: list[bytes] = []
    async for chunk in response.content.iter_any():
        head, *tail = chunk.split(b"\n")
        parts.append(head)
        for start in tail:
            yield b"".join(parts)
            parts = [start]
        if len(chunk) < ENOUGH and busy():
            await _let_come(response, clock)


async def _let_come(response: aiohttp.ClientResponse, clock: Clock) -> None:
    """Read nothing for a moment. That the other side has ended is then seen after it."""
    connection = response.connection
    transport = None if connection is None else connection.transport
    if transport is None or transport.is_closing():
        return
    transport.pause_reading()
    try:
        await clock.sleep(GULP)
    finally:
        transport.resume_reading()

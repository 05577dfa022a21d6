"""An answer that goes on for ever, such as a watch: its lines, and when they are read.

As long as there is time, a line is read as soon as it comes. While much is to be done, what comes is left unread for a
moment and then taken in one gulp, which costs half as much a line (`python -m tests.adapters.measure_watch`). So each
replica sees the others' Jobs a tenth of a second later in a herd, and makes its own sooner. `api` opens such an answer;
what stands in it is the caller's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta

import aiohttp

from controller.ports import Clock

GULP = timedelta(milliseconds=100)
"""So long nothing is read. In a herd on two cores some eighty Jobs are made meanwhile."""
ENOUGH = 2**15
"""After so many bytes at once the next are read without delay, for more may be waiting: half of what the kernel takes
before it has seen that much comes. The API server cuts off whoever is slow to read much."""


async def lines(
    response: aiohttp.ClientResponse, clock: Clock, *, busy: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """The lines as they come, however long: `readline` gives up on those that exceed its buffer.

    Args:
        response: Its headers are there; whoever made it closes it.
        clock: To wait by.
        busy: Asked after what was read has been taken: whether to wait until more is there.

    Raises:
        aiohttp.ClientError, TimeoutError: The connection has failed, or has been silent for too long.
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
    """Read nothing for a moment.

    If the other side ends meanwhile, then over TLS what has come since is lost (uvloop closes what it has not decrypted
    yet): whoever reads begins again where it stood.
    """
    connection = response.connection
    transport = None if connection is None else connection.transport
    if transport is None or transport.is_closing():
        return
    transport.pause_reading()
    try:
        await clock.sleep(GULP)
    finally:
        transport.resume_reading()

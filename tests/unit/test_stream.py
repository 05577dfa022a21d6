"""Lines of an answer that goes on for ever, read at once or some at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import aiohttp
import pytest

from controller.stream import ENOUGH, GULP, lines
from tests.unit.doubles import HandClock


class Answer:
    """An answer that comes in these pieces, its connection, and what happens to them."""

    def __init__(self, *pieces: bytes, closing: bool = False, lost: bool = False, ended: bool = False) -> None:
        self.happened: list[str] = []
        self.content = self
        self.connection = None if ended else self
        self.transport = None if lost else self
        self._pieces = pieces
        self._closing = closing

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.happened.append("read")
            yield piece

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self.happened.append("paused")

    def resume_reading(self) -> None:
        self.happened.append("resumed")


class Naps(HandClock):
    """A clock that tells an answer of each wait, and lets nobody wait."""

    def __init__(self, answer: Answer, error: BaseException | None = None) -> None:
        super().__init__(datetime(2030, 1, 1, tzinfo=UTC))
        self._answer, self._error = answer, error

    async def sleep(self, duration: timedelta) -> None:
        self._answer.happened.append(f"waited {duration / GULP:g}")
        if self._error is not None:
            raise self._error


async def read(answer: Answer, *busy: bool, error: BaseException | None = None) -> list[bytes]:
    """All its lines; `busy` is what is said after each piece, False in the end."""
    said = iter(busy)
    response = cast(aiohttp.ClientResponse, answer)
    return [line async for line in lines(response, Naps(answer, error), busy=lambda: next(said, False))]


async def test_lines_are_joined_from_pieces_and_what_has_not_ended_is_none() -> None:
    answer = Answer(b"one\ntw", b"", b"o\nthree\n\nfo", b"ur")

    assert await read(answer) == [b"one", b"two", b"three", b""]
    assert answer.happened == ["read"] * 4


async def test_while_much_is_to_be_done_nothing_is_read_for_a_moment() -> None:
    answer = Answer(b"one\n", b"two\n", b"three\n")

    assert await read(answer, True, False) == [b"one", b"two", b"three"]
    assert answer.happened == ["read", "paused", "waited 1", "resumed", "read", "read"]


async def test_after_much_at_once_the_next_is_read_without_delay() -> None:
    answer = Answer(b"x" * ENOUGH, b"x" * (ENOUGH - 1), b"\n")

    assert [len(line) for line in await read(answer, True, True)] == [2 * ENOUGH - 1]
    assert answer.happened == ["read", "read", "paused", "waited 1", "resumed", "read", "paused", "waited 1", "resumed"]


@pytest.mark.parametrize("how", ["closing", "lost", "ended"])
async def test_a_connection_that_is_no_more_is_left_alone(how: str) -> None:
    answer = Answer(b"one\n", b"two\n", **{how: True})

    assert await read(answer, True, True) == [b"one", b"two"]
    assert answer.happened == ["read", "read"]


async def test_whoever_is_cancelled_meanwhile_leaves_the_connection_as_it_was() -> None:
    answer = Answer(b"one\n", b"two\n")

    with pytest.raises(asyncio.CancelledError):
        await read(answer, True, error=asyncio.CancelledError())
    assert answer.happened == ["read", "paused", "waited 1", "resumed"]

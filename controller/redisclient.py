"""Redis, the way `driver` and `recentjobs` want it: one call, one bound, one kind of error.

It exists because the library's own habits are wrong for a heartbeat. With its defaults one call against a black hole
fails after a minute; here every call has one bound for all that it takes (a free connection, connecting, sending, the
answer), nothing is repeated behind the caller's back, and whatever goes wrong leaves as `StoreUnavailable`. A
connection on which a call was given up is dropped, because the answer may still come and the next caller would read it.
After a call that failed it asks whether the address or the credentials have changed, and goes on with the new ones.

It never knows what is stored: scripts and keys belong to its two callers. It never knows where Redis is either:
`redisconnection` makes the library's client, and plain Redis, TLS, Sentinel and Cluster look alike from here, as long
as all the keys of one call share a hash tag.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from redis.asyncio.client import PubSub
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
)

from controller.errors import StoreDenied, StoreUnavailable
from controller.ports import Recorder

Argument = str | int | float

_FAILURES = (RedisError, RedisClusterException, OSError)

# redis-py 8.1.0 lets out errors that are not its own: a TypeError or AttributeError where it writes to a connection
# that the other side has reset (its issue 4287, on CPython 3.12 to 3.14), a KeyError where it subscribes while it has
# forgotten, or never asked, who serves a cluster's slots; and it writes to a connection that is closed already, which
# uvloop answers with a RuntimeError. Only a call into the library is inside, so it is not a bug of ours that is hidden.
_LEAKED = (TypeError, AttributeError, KeyError, RuntimeError)

# A file of a certificate that is missing is among them. A PermissionError is not: a firewall says that too.
_DENIED = (AuthenticationError, AuthorizationError, NoPermissionError, ssl.SSLError, FileNotFoundError)
# Where the library passes on only what another error said: from a sentinel, from a script, from a server that takes a
# long command for an attack before it knows who asks.
_DENIED_WORDS = re.compile(
    r"AuthenticationError|NoPermissionError|certificate verify failed|unauthenticated"
    r"|no permissions|ACL failure|The user executing the script can't"
)


class Library(Protocol):
    """What the library's clients have in common, as far as it is used here."""

    async def execute_command(self, *args: Any) -> Any:
        """Send a command and read its answer."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...

    def pubsub(self, *, ignore_subscribe_messages: bool) -> PubSub:
        """A subscriber, on a connection of its own."""
        ...


@dataclass(frozen=True)
class Script:
    """A Lua script. Redis runs it in one step, and knows it by its digest once it has seen it."""

    text: str

    @cached_property
    def digest(self) -> str:
        """What EVALSHA calls it by."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class RedisClient:
    """Bounded calls on a few connections of its own.

    Args:
        library: The library's client; it connects when it is first used.
        timeout: The bound of a call that brings no shorter one.
        connections: How many calls may be under way; the others wait for their turn, which counts as theirs.
        recorder: Is told of each call.
        reopen: Asked after a call that failed: the library's client made anew if what it was made from has changed,
            None if it has not.
    """

    def __init__(
        self,
        library: Library,
        *,
        timeout: timedelta,
        connections: int,
        recorder: Recorder | None = None,
        reopen: Callable[[], Library | None] = lambda: None,
    ) -> None:
        self._library = library
        self._timeout = timeout
        self._turns = asyncio.Semaphore(connections)
        self._recorder = recorder
        self._reopen = reopen

    async def call(self, *command: Argument, within: timedelta | None = None) -> Any:
        """Send one command and return the answer, texts as str.

        Args:
            within: A shorter bound than the client's own.

        Raises:
            StoreUnavailable: No answer within the bound, or an error.
        """
        async with self._bounded(str(command[0]).lower(), within):
            return await self._library.execute_command(*command)

    async def run(
        self, script: Script, *, keys: Sequence[str], args: Sequence[Argument], within: timedelta | None = None
    ) -> Any:
        """Run a script and return its answer; in one round trip once the server has seen it.

        Args:
            keys: All of one hash tag.
            within: A shorter bound than the client's own.

        Raises:
            StoreUnavailable: As for `call`. The script may have run all the same.
        """
        rest = (len(keys), *keys, *args)
        async with self._bounded("evalsha", within):
            try:
                return await self._library.execute_command("EVALSHA", script.digest, *rest)
            except NoScriptError:  # a server that is new, or was restarted or flushed
                return await self._library.execute_command("EVAL", script.text, *rest)

    def subscription(self, channel: str) -> Subscription:
        """The messages of one channel, on a connection of their own."""
        return Subscription(self._library.pubsub(ignore_subscribe_messages=True), channel, timeout=self._timeout)

    async def aclose(self) -> None:
        """Close every connection. Nothing may be under way."""
        await self._library.aclose()

    @asynccontextmanager
    async def _bounded(self, verb: str, within: timedelta | None) -> AsyncIterator[None]:
        # The time-out cancels the call, and so may our own caller. In both cases the library drops the connection
        # before it goes back to the pool (`Connection.read_response` and `send_packed_command` do, for whatever is
        # raised in them), so that a late answer has no reader. The contract suite proves it with a proxy that holds
        # answers back.
        bound = min(self._timeout, within or self._timeout).total_seconds()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            with _heeding_cancels(), _translated(bound):
                async with asyncio.timeout(bound), self._turns:
                    yield
        except StoreUnavailable as error:
            self._tell(verb, loop.time() - began, error=type(error.__cause__).__name__)
            await self._look_again()
            raise
        self._tell(verb, loop.time() - began, error=None)

    async def _look_again(self) -> None:
        """Go on with other credentials, or at another address, if they have changed. The next call will see."""
        opened = self._reopen()
        if opened is None:
            return
        old, self._library = self._library, opened
        with suppress(*_FAILURES, *_LEAKED):  # calls that are under way there fail, as they would have
            await old.aclose()

    def _tell(self, verb: str, seconds: float, *, error: str | None) -> None:
        if self._recorder is not None:
            self._recorder.request("redis", verb, seconds, error=error)


class Subscription:
    """One channel, heard on one connection.

    Args:
        pubsub: The library's side of it.
        timeout: Bound for connecting and subscribing; waiting for a message has none.
    """

    def __init__(self, pubsub: PubSub, channel: str, *, timeout: timedelta) -> None:
        self._pubsub = pubsub
        self._channel = channel
        self._timeout = timeout.total_seconds()

    async def message(self) -> str:
        """The next message.

        Raises:
            StoreUnavailable: The connection is lost, or there is none. What is sent meanwhile is lost too.
        """
        with _translated(self._timeout):
            while True:
                if not self._pubsub.subscribed:
                    with _heeding_cancels():
                        async with asyncio.timeout(self._timeout):
                            await self._pubsub.subscribe(self._channel)
                message = await self._pubsub.get_message(timeout=None)
                if message is not None:
                    return str(message["data"])

    async def aclose(self) -> None:
        """Give the connection up; `message` makes another one."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # the library's side has no types


@contextmanager
def _heeding_cancels() -> Iterator[None]:
    """Who is cancelled in it leaves as cancelled, whatever the library makes of that.

    It sends by `asyncio.wait_for`, which before Python 3.12 goes on as if nothing had happened where a cancel comes at
    the moment at which all is sent. Who listens would then do so for ever, and nobody end it.

    Two things remain. A bound that ends at such a moment is not heard: the call then ends by the library's own
    time-out, after twice the bound at the most. And where a subscriber connects anew behind `message`, it is the
    library that goes on: who wants it to end cancels until it has.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        yield
    except Exception:
        if task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task.cancelling() > before:
        raise asyncio.CancelledError


@contextmanager
def _translated(bound_seconds: float) -> Iterator[None]:
    """Whatever the library raises leaves as `StoreUnavailable`."""
    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable(f"Redis gave no answer within {bound_seconds:.3g} s") from error
    except (*_FAILURES, *_LEAKED) as error:
        first_line = next(iter(str(error).splitlines()), "no reason given")
        said = f"{first_line} ({type(error).__name__})"
        if _is_denied(error):
            raise StoreDenied(f"Redis does not let us in: {said}") from error
        raise StoreUnavailable(f"Redis: {said}") from error


def _is_denied(error: BaseException) -> bool:
    """Whether it, or what it came from, tells of credentials, rights or certificates."""
    seen: BaseException | None = error
    while seen is not None:
        # A connection that was cut in the middle is an outage and no question of trust.
        if isinstance(seen, _DENIED) and not isinstance(seen, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return True
        if isinstance(seen, _FAILURES) and _DENIED_WORDS.search(str(seen)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False

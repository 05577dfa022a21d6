"""A program that runs: started with its log and process id in a folder, watched, and stopped by that id.

The id is written down together with the time at which the process began, so that another command can stop it later
and never hits a stranger that was given the same number. Nothing here knows what the programs are.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from deploy.local.errors import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GRACE_SECONDS = 10.0
READY_SECONDS = 120.0  # generous: a start takes seconds, but the machine may be busy

_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0  # SIGKILL takes effect at once, but for a process that waits on a disk
_LOG_TAIL_BYTES = 3000

# Runs as the child, becomes the program, and dies with its parent. In a shim and not in `preexec_fn`, which is not safe
# in a process with threads. The second look at the parent closes the window before `prctl`.
_DIE_WITH_PARENT = """
import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One running program.

    Attributes:
        name: Names it in its folder: ``<name>.log`` and ``<name>.pid``.
        folder: Where its log and process id are.
        address: Where it listens, for people; may be empty.
    """

    name: str
    folder: Path
    address: str
    _process: psutil.Process

    @classmethod
    def start(
        cls,
        command: Sequence[str | Path],
        *,
        name: str,
        folder: Path,
        address: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        detached: bool = False,
    ) -> Process:
        """Start a program in a session of its own (Ctrl-C in the terminal does not reach it).

        Args:
            command: An absolute path and its arguments.
            name: Its name in the folder.
            folder: An existing folder for the log and the process id.
            address: Where it will listen, for people.
            env: The whole environment; this process's own if None.
            cwd: Where it runs.
            detached: Outlive this process. Otherwise the kernel kills it when the *thread* that started it ends.
        """
        arguments = [str(part) for part in command]
        if not detached:
            arguments = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *arguments]
        with (folder / f"{name}.log").open("ab") as log:
            child = psutil.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd, start_new_session=True
            )
        process = cls(name=name, folder=folder, address=address, _process=child)
        process._write_down()
        return process

    @property
    def pid(self) -> int:
        """The process id."""
        return int(self._process.pid)

    @property
    def log(self) -> Path:
        """The file with all that it printed."""
        return self.folder / f"{self.name}.log"

    def is_running(self) -> bool:
        """True until it has ended, stopped (SIGSTOP) included."""
        try:
            return bool(self._process.is_running()) and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal; nothing happens if it has ended. After SIGKILL it is gone on return."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.send_signal(signal_number)
        if signal_number == signal.SIGKILL:
            self.wait(_KILL_SECONDS)
            self._pid_file.unlink(missing_ok=True)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False if it still runs after that time."""
        if isinstance(self._process, psutil.Popen):
            return self._wait_for_child(seconds)
        # Another's child stays a zombie for as long as its parent likes (the init of a container may never collect
        # it), and has ended all the same: psutil's own wait would not return.
        deadline = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _wait_for_child(self, seconds: float) -> bool:
        """Our own child: gone only when it is collected, its last thread and open ports included."""
        try:
            self._process.wait(seconds)
        except psutil.TimeoutExpired:
            return False
        return True

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Ask it to end (SIGTERM), and kill it if it has not done so within the grace."""
        self.kill(signal.SIGTERM)
        self.wait(grace_seconds)
        self.kill()

    def wait_until(self, ready: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        """Wait until the probe says yes.

        Raises:
            StartFailed: The process ended, or the time is over; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running():
                raise StartFailed(f"{self.name} ended at once; the end of {self.log}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.name} not ready in {seconds:.0f} s; the end of {self.log}:\n{self.log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def log_tail(self) -> str:
        """The last lines that it printed."""
        return self.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def _write_down(self) -> None:
        record = {"pid": self.pid, "began": _began(self._process), "address": self.address}
        self._pid_file.write_text(json.dumps(record))


def running(folder: Path) -> list[Process]:
    """The processes of a folder that still run, whoever started them, the first started first."""
    files = sorted(folder.glob("*.pid"), key=lambda file: file.stat().st_mtime_ns)
    return [process for process in map(_read, files) if process is not None and process.is_running()]


def ended(folder: Path) -> list[str]:
    """Names of the processes of a folder that ended without being stopped."""
    alive = {process.name for process in running(folder)}
    return sorted(file.stem for file in folder.glob("*.pid") if file.stem not in alive)


def _read(file: Path) -> Process | None:
    record = json.loads(file.read_text())
    try:
        found = psutil.Process(record["pid"])
        began = _began(found)
    except psutil.NoSuchProcess:
        return None
    if began != record["began"]:
        return None
    return Process(name=file.stem, folder=file.parent, address=record["address"], _process=found)


def _began(process: psutil.Process) -> str:
    """When a process began, in a form that two readings of one process share.

    On Linux in clock ticks since boot: psutil's own answer moves with the system clock whenever that is set.
    """
    stat = Path(f"/proc/{process.pid}/stat")
    try:
        # Field 22 of proc(5); the second is the program's name in brackets and may hold spaces.
        return stat.read_text().rpartition(")")[2].split()[19]
    except OSError:
        return str(process.create_time())

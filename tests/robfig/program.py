"""Asks robfig/cron v3: builds the Go program beside this file, once, and puts questions to it.

The build lands in a cache outside the checkout, keyed by the sources and by the Go that builds. Go may know another
version of the tz database than Python, so the program is given the very files that Python reads.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.resources
import json
import os
import shutil
import subprocess
import tempfile
import zoneinfo
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.binaries import cache_root

SOURCES = Path(__file__).parent

NO_END = "the library was still searching after two seconds"
"""Said in place of an error."""

_BUILD_SECONDS = 110
_ANSWER_SECONDS = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    expression: str
    seconds: bool = False
    """Six fields, seconds first; batch/v1 knows five."""
    zone: str = ""
    """Empty: only whether the text is accepted, or in UTC."""
    after: int = 0
    """UTC seconds since 1970."""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    instants: tuple[int, ...]
    """Fewer than asked for when the library gives up."""
    error: str
    """Empty when the expression is accepted."""


def build() -> Path:
    """The program, from the cache or built into it.

    Raises:
        FileNotFoundError: There is no Go.
        CalledProcessError: Go could not build it.
    """
    folder = cache_root().parent / "robfig" / _key()
    program = folder / "robfig"
    if os.access(program, os.X_OK):
        return program
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers build at the same time
        if not os.access(program, os.X_OK):
            with tempfile.TemporaryDirectory(dir=folder) as workshop:
                made = Path(workshop) / "robfig"
                _go("build", "-trimpath", "-ldflags", "-s -w", "-o", str(made), ".")
                made.replace(program)  # a half-written one is never found
    return program


def ask(program: Path, questions: Sequence[Question], zones: Path) -> list[Answer]:
    """One answer for each question, in order.

    Args:
        program: What `build` gave.
        questions: Any number; one process answers them, until the library finds no end.
        zones: A folder that `copy_zones` filled.
    """
    answers: list[Answer] = []
    while len(answers) < len(questions):
        answers += _ask(program, questions[len(answers) :], zones)
        if len(answers) < len(questions):  # the program ends when the library does not
            answers.append(Answer(instants=(), error=NO_END))
    return answers


def _ask(program: Path, questions: Sequence[Question], zones: Path) -> list[Answer]:
    done = subprocess.run(
        [str(program)],
        input="\n".join(json.dumps(asdict(question)) for question in questions),
        env={"ZONEINFO": str(zones)},
        capture_output=True,
        text=True,
        check=True,
        timeout=_ANSWER_SECONDS,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [Answer(instants=tuple(given["instants"] or ()), error=given["error"]) for given in found]


def copy_zones(folder: Path, zones: Sequence[str]) -> None:
    """Copy the files of these zones as Python reads them: from the first folder of its path, or from tzdata."""
    for zone in zones:
        target = folder / zone
        target.parent.mkdir(parents=True, exist_ok=True)
        for place in zoneinfo.TZPATH:
            with contextlib.suppress(OSError):
                shutil.copyfile(Path(place) / zone, target)
                break
        else:
            target.write_bytes((importlib.resources.files("tzdata") / "zoneinfo" / zone).read_bytes())


def _key() -> str:
    digest = hashlib.sha256(_go("env", "GOVERSION", "GOOS", "GOARCH").encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((SOURCES / name).read_bytes())
    return digest.hexdigest()[:16]


def _go(*arguments: str) -> str:
    environ = {**os.environ, "CGO_ENABLED": "0"}  # no C compiler needed
    done = subprocess.run(
        ["go", *arguments], cwd=SOURCES, env=environ, capture_output=True, text=True, check=True, timeout=_BUILD_SECONDS
    )
    return done.stdout

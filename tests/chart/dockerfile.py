"""The Dockerfile, as far as it can be judged and followed without a builder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple

from deploy.chart.places import PROJECT

DOCKERFILE: Final = PROJECT / "Dockerfile"
IGNORED: Final = PROJECT / ".dockerignore"


class Instruction(NamedTuple):
    """One instruction: its word, what follows it, and the number of its stage; -1 before the first."""

    word: str
    rest: str
    stage: int


def instructions(text: str) -> list[Instruction]:
    """All instructions, lines that go on joined, comments left out."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found: list[Instruction] = []
    stage = -1
    for line in re.sub(r"\\\n\s*", " ", kept).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            stage += word == "FROM"
            found.append(Instruction(word, rest.strip(), stage))
    return found


def one(found: list[Instruction], word: str, stage: int = 1) -> str:
    """What follows the only instruction of that word in a stage."""
    (instruction,) = (each for each in found if (each.word, each.stage) == (word, stage))
    return instruction.rest


def as_list(rest: str) -> list[str]:
    """The words of an instruction in its exact form, which no shell reads."""
    words = json.loads(rest)
    assert isinstance(words, list)
    return words


def assignments(rest: str) -> dict[str, str]:
    """The pairs of `ENV` and `LABEL`."""
    return dict(word.split("=", 1) for word in shlex.split(rest))


def sources(found: list[Instruction]) -> list[str]:
    """What the first stage copies out of the project, in order."""
    return [name for each in found if (each.word, each.stage) == ("COPY", 0) for name in each.rest.split()[:-1]]


def sent(folder: Path = PROJECT) -> list[Path]:
    """The files that a builder is given: those that `.dockerignore` lets through, links as links.

    It knows the forms that ours has: `*`, then what is let through by its name, then what is not at any depth.
    """
    lines = [line for line in IGNORED.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    through = [line.removeprefix("!") for line in lines if line.startswith("!")]
    never = [line.removeprefix("**/") for line in lines[1:] if not line.startswith("!")]
    assert len(lines) == 1 + len(through) + len(never)
    files = (path for name in through for path in [folder / name, *sorted((folder / name).rglob("*"))])
    return [path for path in files if not path.is_dir() and not any(_matches(path, folder, name) for name in never)]


def _matches(path: Path, folder: Path, pattern: str) -> bool:
    return any(Path(part).match(pattern) for part in path.relative_to(folder).parts)

"""Blocks of a page that show a shell: what is typed after `$ `, and what comes back.

A command without anything below it shows nothing: it is only said that it succeeds. What differs from run to run (ages,
instants, the names of pods) counts as equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PROMPT: Final = "$ "
_VARIES: Final = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "INSTANT"),
    (re.compile(r"\bdcron-[a-z0-9]+-[a-z0-9]{5}\b"), "POD"),
    (re.compile(r"\b(?:\d+[dhms])+\b"), "AGE"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """One command.

    Attributes:
        command: As it is typed.
        shown: What the page shows below it; empty if nothing.
    """

    command: str
    shown: str


def typed(block: str) -> list[Typed]:
    """The commands of a block, in their order; empty if it does not show a shell."""
    found: list[Typed] = []
    for line in block.splitlines():
        if line.startswith(_PROMPT):
            found.append(Typed(line.removeprefix(_PROMPT), ""))
        elif found:
            last = found.pop()
            found.append(Typed(last.command, f"{last.shown}{line}\n"))
    return found


def alike(one: str, other: str) -> bool:
    """Whether two outputs say the same, but for what differs from run to run."""
    return _steady(one) == _steady(other)


def _steady(text: str) -> list[str]:
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return [line.strip() for line in text.strip().splitlines()]

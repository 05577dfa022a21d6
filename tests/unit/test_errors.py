"""The tree of errors is the one drawn in its room, so that whoever reads it can rely on it."""

from __future__ import annotations

import re

from controller import errors
from controller.errors import DcronError, TerminalError, Throttled


def drawn() -> dict[str, int]:
    """The names in the drawing, with how deep each stands."""
    found = re.findall(r"^([ │]*(?:[├└]── )?)([A-Z]\w+)(?:  .*)?$", errors.__doc__ or "", re.MULTILINE)
    return {name: len(indent) // 4 - 1 for indent, name in found}


def made(error: type[DcronError] = DcronError, depth: int = 0) -> dict[str, int]:
    """The classes, with how deep each stands."""
    found = {error.__name__: depth}
    for child in error.__subclasses__():
        if child.__module__ != errors.__name__:
            continue  # another room's own, never seen outside it
        found |= made(child, depth + 1)
    return found


def test_the_tree_is_as_it_is_drawn() -> None:
    assert made() == drawn()


def test_every_terminal_error_has_its_word_for_the_condition() -> None:
    assert all(error.reason for error in TerminalError.__subclasses__())


def test_a_throttled_request_knows_when_to_come_back() -> None:
    assert Throttled("slow down", retry_after_seconds=1.5).retry_after_seconds == 1.5

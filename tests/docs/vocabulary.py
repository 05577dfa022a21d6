"""The words that the controller tells people, read from its source: reasons, and what probes are answered.

A word is told where it is handed over: as a `reason`, together with the type of an Event, in a table of Events, or as a
`Finding`. The rooms are read and not imported, so that a word cannot hide where no test makes it be told.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.local.replica import PROJECT

ROOMS: Final = PROJECT / "controller"

_WORD: Final = re.compile(r"(?:[A-Z][a-z]+)+")
_NO_WORDS: Final = frozenset({"True", "False", "None"})


def reasons() -> set[str]:
    """Every reason of a condition or an Event, and every type of a condition."""
    told = {word for room in _rooms() for word in _reasons(room)}
    return told | set(_words(_tree(ROOMS / "conditions.py"))) - _NO_WORDS


def findings() -> set[str]:
    """What `/readyz` and `/healthz` say is wrong, as far as it is always the same."""
    return {text for room in _rooms() for text in _findings(room)} | set(_problems(_tree(ROOMS / "health.py")))


def checks() -> set[str]:
    """The names under which `/readyz` tells what is wrong."""
    answers = _function(_tree(ROOMS / "health.py"), "ready")
    return {
        key.value
        for answer in ast.walk(answers)
        if isinstance(answer, ast.Dict)
        for key in answer.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _rooms() -> Iterator[ast.Module]:
    for path in sorted(ROOMS.rglob("*.py")):
        yield _tree(path)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _reasons(room: ast.Module) -> Iterator[str]:
    for node in ast.walk(room):
        match node:
            case ast.keyword(arg="reason"):
                yield from _words(node.value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == "reason" or name.endswith("_EVENTS"):
                yield from _words(value)
            case ast.Call(args=parts) | ast.Tuple(elts=parts) if any(map(_is_event_type, parts)):
                for part in parts:
                    yield from _words(part)


def _is_event_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "EventType"


def _findings(room: ast.Module) -> Iterator[str]:
    for node in ast.walk(room):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding" and node.args:
            yield from _beginning(node.args[0])


def _problems(room: ast.Module) -> Iterator[str]:
    for node in ast.walk(_function(room, "alive")):
        if isinstance(node, ast.List):
            for element in node.elts:
                yield from _beginning(element)


def _beginning(node: ast.expr) -> Iterator[str]:
    """The part of a sentence before anything is filled in."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) else node
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value.strip()


def _words(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _WORD.fullmatch(part.value):
            yield part.value


def _function(room: ast.Module, name: str) -> ast.FunctionDef:
    (found,) = (node for node in ast.walk(room) if isinstance(node, ast.FunctionDef) and node.name == name)
    return found

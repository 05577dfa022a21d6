"""The table of values in the chart's README, made of the comments in `values.yaml`.

A comment that begins with ``# --`` describes the key below it; lines of ``#`` that follow belong to it. A key without
one must have keys below it that are described.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from deploy.chart.places import CHART

VALUES: Final = CHART / "values.yaml"
README: Final = CHART / "README.md"

_BEGIN, _END = "<!-- values -->", "<!-- end of values -->"
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")
_COMMENT = re.compile(r"^ *#(?P<mark> --)? ?(?P<text>.*)$")
_INDENT = 2
_LONGEST = 60


class Undocumented(Exception):
    """A value without a comment; its text is the path of the value."""


class Row(NamedTuple):
    """One value: its path with dots, what it is, and its default."""

    path: str
    text: str
    default: Any


def rows(values: str) -> list[Row]:
    """Each value that is described, in the order of the file.

    Raises:
        Undocumented: A value is not described, nor are all keys below it.
    """
    known = yaml.safe_load(values)
    described = dict(_described(values))
    missing = [path for path in _leaves(known, described) if path not in described]
    if missing:
        raise Undocumented(", ".join(missing))
    return [Row(path, text, _at(known, path)) for path, text in described.items()]


def filled(readme: str, values: str) -> str:
    """A README with the table of these values."""
    lines = ["| value | default | what it is |", "|---|---|---|"]
    lines += [
        f"| `{row.path}` | {_shown(row.default)} | {row.text.replace('|', chr(92) + '|')} |" for row in rows(values)
    ]
    head, _, rest = readme.partition(_BEGIN)
    _, found, tail = rest.partition(_END)
    if not found:
        raise ValueError(f"the README has no place for the table: {_BEGIN} ... {_END}")
    return f"{head}{_BEGIN}\n" + "\n".join(lines) + f"\n{_END}{tail}"


def write() -> None:
    """Write the README's table anew."""
    README.write_text(filled(README.read_text(), VALUES.read_text()))


def _described(values: str) -> Iterator[tuple[str, str]]:
    """Path and description of each key that has one."""
    parents: list[str] = []
    text: list[str] = []
    for line in values.splitlines():
        if comment := _COMMENT.match(line):
            if comment["mark"]:
                text = [comment["text"]]
            elif text:
                text.append(comment["text"])
            continue
        if key := _KEY.match(line):
            parents = [*parents[: len(key["indent"]) // _INDENT], key["key"]]
            if text:
                yield ".".join(parents), " ".join(text)
        text = []


def _leaves(values: dict[str, Any], described: dict[str, str], above: str = "") -> Iterator[str]:
    """Paths of the values that need a description: what lies below a described one belongs to it."""
    for key, value in values.items():
        path = f"{above}{key}"
        if path in described or not (isinstance(value, dict) and value):
            yield path
        else:
            yield from _leaves(value, described, f"{path}.")


def _at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values[key]
    return values


def _shown(default: Any) -> str:
    if default in ("", None, [], {}):
        return "none"
    text = default if isinstance(default, str) else json.dumps(default)
    return f"`{text}`" if len(text) <= _LONGEST else "see `values.yaml`"

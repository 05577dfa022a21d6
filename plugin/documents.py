"""Manifests as text with places: what stands where in a file of YAML or JSON.

Values are read as kubectl reads them: a time is a text, and `12:30` is no number. Every value keeps its place in the
text, so that a mistake has a line, and a change leaves everything around it as the author wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, SequenceNode

from plugin.failures import Unfulfilled

_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_SEXAGESIMAL = re.compile(r".*:")
_DEEPEST = 100
"""No manifest nests deeper: one that does has an anchor that holds itself."""
_LISTS = frozenset({"List", "CronJobList", "DistributedCronJobList"})


class _Loader(yaml.SafeLoader):
    """Reads what kubectl reads."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as its base class declares it
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One object in a file.

    Attributes:
        node: Where it stands.
        value: What it says.
    """

    node: MappingNode
    value: dict[str, Any]

    @property
    def name(self) -> str:
        """The object's name; empty if it has none."""
        meta = self.value.get("metadata")
        return str(meta.get("name") or "") if isinstance(meta, dict) else ""

    def is_a(self, kind: str, *api_versions: str) -> bool:
        """Whether it is of this kind."""
        return self.value.get("kind") == kind and self.value.get("apiVersion") in api_versions


def manifests(text: str, file: str) -> list[Manifest]:
    """The objects in a text, those in lists too, in their order; what is no object is passed over.

    Args:
        text: YAML or JSON.
        file: What it is called, for the sentence.

    Raises:
        Unfulfilled: It cannot be read.
    """
    try:
        roots = [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
        return [found for root in roots for found in _objects(root)]
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Unfulfilled(f"{file}{line}: it is no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise Unfulfilled(f"{file}: it is no YAML: {error}") from error


def entries(node: MappingNode) -> dict[str, tuple[Node, Node]]:
    """By key, the places of a key and its value; what is merged in gives way to what stands there itself."""
    found: dict[str, tuple[Node, Node]] = {}
    merged: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in (one for one in sources if isinstance(one, MappingNode)):
                merged = {**entries(source), **merged}
        else:
            found[str(key.value)] = (key, value)
    return {**merged, **found}


def valued(node: Node, depth: int = 0) -> Any:
    """What stands at a place.

    Raises:
        yaml.YAMLError: It holds itself, or has a tag that no manifest has.
    """
    if depth > _DEEPEST:
        raise yaml.YAMLError(f"it nests deeper than {_DEEPEST} levels")
    if isinstance(node, MappingNode):
        return {name: valued(value, depth + 1) for name, (_, value) in entries(node).items()}
    if isinstance(node, SequenceNode):
        return [valued(value, depth + 1) for value in node.value]
    if node.tag in _NUMBERS and _SEXAGESIMAL.match(node.value):
        return node.value
    return SafeConstructor().construct_object(node)


def child(node: Node, name: str) -> Node | None:
    """The value of a key of a mapping; None if there is none."""
    found = entries(node).get(name) if isinstance(node, MappingNode) else None
    return None if found is None else found[1]


def last_place(node: Node) -> int:
    """Where the text of a value ends. The end that the reader gives lies behind comments that follow."""
    if not isinstance(node, MappingNode | SequenceNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return last_place(last[1] if isinstance(node, MappingNode) else last)


def _objects(node: Node) -> Iterator[Manifest]:
    value = valued(node)
    if not isinstance(node, MappingNode) or not isinstance(value, dict):
        return
    items = child(node, "items")
    if value.get("kind") in _LISTS and isinstance(items, SequenceNode):
        for item in items.value:
            yield from _objects(item)
    else:
        yield Manifest(node=node, value=value)

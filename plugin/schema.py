"""The CRD's schema, held against a manifest: what the API server would refuse, with the line where it stands.

The schema is the CRD itself, shipped with the plugin. Its rules (CEL) are not computed here; what they ask for is
checked by `lint` with the controller's own rooms.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import MappingNode, Node, SequenceNode

from plugin.documents import entries, valued

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_ARTICLES: Final = {"object": "an object", "array": "a list", "integer": "a whole number", "boolean": "true or false"}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mistake:
    """Something that is wrong.

    Attributes:
        line: In the file, from 1.
        path: Where in the object, such as `spec.schedule`.
        serious: It is refused, or never works; otherwise it is only likely not to be meant.
    """

    line: int
    path: str
    sentence: str
    serious: bool = True


def mistakes(node: Node, schema: Mapping[str, Any], path: str = "") -> Iterator[Mistake]:
    """What a schema has against a value, from the outside in.

    Args:
        node: Where the value stands.
        schema: A structural schema of OpenAPI, as a CRD has it.
        path: What leads there.
    """
    value = valued(node)
    if value is None:
        if not schema.get("nullable") and "default" not in schema:
            yield _at(node, path, "it has no value")
        return
    wanted = schema.get("type")
    right = (
        isinstance(value, _TYPES[wanted]) and not (isinstance(value, bool) and wanted != "boolean") if wanted else True
    )
    if not right:
        yield _at(node, path, f"it must be {_ARTICLES.get(str(wanted), f'a {wanted}')}, and is {_shown(value)}")
        return
    yield from (_at(node, path, sentence) for sentence in _bounds(value, schema))
    if isinstance(node, MappingNode):
        yield from _fields(node, schema, path)
    if isinstance(node, SequenceNode) and "items" in schema:
        for index, item in enumerate(node.value):
            yield from mistakes(item, schema["items"], f"{path}[{index}]")


def _fields(node: MappingNode, schema: Mapping[str, Any], path: str) -> Iterator[Mistake]:
    known: Mapping[str, Any] = schema.get("properties", {})
    found = entries(node)
    for name in schema.get("required", ()):
        if name not in found:
            yield _at(node, _join(path, name), "it is missing")
    for name, (key, value) in found.items():
        if name in known:
            yield from mistakes(value, known[name], _join(path, name))
        elif "additionalProperties" in schema:
            yield from mistakes(value, schema["additionalProperties"], _join(path, name))
        elif known and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield _at(key, _join(path, name), "there is no such field" + _perhaps(name, known))


def _bounds(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a value of the right type."""
    if "enum" in schema and value not in schema["enum"]:
        words = [str(word) for word in schema["enum"] if word != ""]
        yield f"it must be one of {', '.join(words)}, and is {_shown(value)}"
    if isinstance(value, str | list):
        yield from _measured(len(value), schema)
    elif isinstance(value, int | float):
        if value < schema.get("minimum", value):
            yield f"it must be at least {schema['minimum']}, and is {value}"
        if value > schema.get("maximum", value):
            yield f"it must be at most {schema['maximum']}, and is {value}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        date = " an instant such as 2026-01-31T08:00:00Z" if schema.get("format") == "date-time" else " of another form"
        yield f"it must be{date}, and is {_shown(value)}"


def _measured(length: int, schema: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the length of a text or a list."""
    for least, most, unit in (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items")):
        if length < schema.get(least, length):
            yield f"it must have at least {schema[least]} {unit}, and has {length}"
        if length > schema.get(most, length):
            yield f"it must have at most {schema[most]} {unit}, and has {length}"


def _at(node: Node, path: str, sentence: str) -> Mistake:
    return Mistake(line=node.start_mark.line + 1, path=path, sentence=sentence)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _perhaps(name: str, known: Mapping[str, Any]) -> str:
    """The field that was meant, if one is near."""
    near = difflib.get_close_matches(name.lower(), {one.lower(): one for one in known}, n=1)
    meant = next((one for one in known if near and one.lower() == near[0]), None)
    return f"; {meant} is meant, perhaps" if meant else ""

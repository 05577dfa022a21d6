"""What is wrong with a manifest, without a cluster: unknown fields, schedules that never fire, zones, annotations.

The schema finds what the API server would refuse for its shape. The schedule and the zone are read by the controller's
own engine, the annotations by its own room: what is accepted here is accepted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import yaml
from yaml.nodes import Node, SequenceNode

from controller import requests
from controller import schedule as schedules
from controller.errors import TerminalError
from controller.instants import parse_written_time
from controller.requests import SUSPEND_REASON, SUSPEND_UNTIL, Unreadable
from controller.spec import API_VERSION, GROUP, KIND
from plugin.adoption import HANDED_OVER
from plugin.documents import Manifest, child, entries, manifests
from plugin.schema import Mistake, mistakes

_STRINGS: Final = {"type": "object", "nullable": True, "additionalProperties": {"type": "string"}}
_META: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("name", "generateName", "namespace", "uid", "selfLink")},
        **{name: {"nullable": True} for name in ("creationTimestamp", "deletionTimestamp", "resourceVersion")},
        **{name: {"nullable": True} for name in ("deletionGracePeriodSeconds", "generation", "managedFields")},
        "labels": _STRINGS,
        "annotations": _STRINGS,
        "finalizers": {"type": "array", "nullable": True},
        "ownerReferences": {"type": "array", "nullable": True},
    },
}
"""The metadata of any object: the CRD leaves it to the API server."""
_KNOWN_MARKS: Final = (*requests.ALL, HANDED_OVER)


def linted(text: str, file: str) -> tuple[int, list[Mistake]]:
    """How many of our objects are in a text, and what is wrong with them, by line.

    Raises:
        Unfulfilled: It cannot be read.
    """
    found = [one for one in manifests(text, file) if _is_ours(one)]
    return len(found), sorted({mistake for one in found for mistake in _judged(one)})


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The schema of our kind, from the CRD that is shipped with the plugin."""
    crd = yaml.safe_load(resources.files("plugin").joinpath("crd.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    elsewhere = {"metadata": _META, "status": {"nullable": True}}  # what is applied as a status is dropped
    return {**found, "properties": {**found["properties"], **elsewhere}, "required": ["metadata", "spec"]}


def _is_ours(one: Manifest) -> bool:
    return one.value.get("kind") == KIND and str(one.value.get("apiVersion", "")).startswith(f"{GROUP}/")


def _judged(one: Manifest) -> Iterator[Mistake]:
    if one.value["apiVersion"] != API_VERSION:
        node = child(one.node, "apiVersion") or one.node
        yield _mistake(node, "apiVersion", f"it must be {API_VERSION}")
        return
    yield from mistakes(one.node, schema())
    meta, spec = child(one.node, "metadata"), child(one.node, "spec")
    if meta is not None and isinstance(one.value.get("metadata"), dict):
        if not one.name and "generateName" not in one.value["metadata"]:
            yield _mistake(meta, "metadata.name", "it is missing")
        yield from _marks(meta, one.value["metadata"].get("annotations"))
    if spec is not None and isinstance(one.value.get("spec"), dict):
        yield from _timing(spec, one.value["spec"], one)


def _marks(meta: Node, annotations: Any) -> Iterator[Mistake]:
    """What our annotations ask for that nobody can follow, or that nobody knows."""
    node = child(meta, "annotations")
    if node is None or not isinstance(annotations, dict):
        return
    ours = {name: str(text) for name, text in annotations.items() if name.startswith(f"{GROUP}/")}
    asked = requests.read(ours)
    for name, request in ((SUSPEND_UNTIL, asked.pause), (requests.BACKFILL, asked.backfill)):
        if isinstance(request, Unreadable):
            yield _mistake(_key(node, name), f"metadata.annotations.{name}", request.sentence)
    for name in ours:
        if name not in _KNOWN_MARKS:
            yield _mistake(_key(node, name), f"metadata.annotations.{name}", "nobody reads it", serious=False)
    for name in (requests.TRIGGER, requests.BACKFILL):
        if ours.get(name):
            sentence = "of a new object it is only noted: nothing runs"
            yield _mistake(_key(node, name), f"metadata.annotations.{name}", sentence, serious=False)
    if SUSPEND_REASON in ours and SUSPEND_UNTIL not in ours:
        sentence = f"without {SUSPEND_UNTIL} it pauses nothing"
        yield _mistake(_key(node, SUSPEND_REASON), f"metadata.annotations.{SUSPEND_REASON}", sentence, serious=False)


def _timing(node: Node, spec: Mapping[str, Any], one: Manifest) -> Iterator[Mistake]:
    """What the schedule engine has against the schedules and the zone, and the bounds against each other."""
    single, several, zone = child(node, "schedule"), child(node, "schedules"), spec.get("timeZone")
    if single is None and several is None:
        yield _mistake(node, "spec.schedule", "a schedule is missing; set schedule, or schedules for several")
    if single is not None and several is not None:
        yield _mistake(several, "spec.schedules", "schedule and schedules are both set; set only one of them")
    places = [("spec.schedule", single)] if single is not None else []
    if isinstance(several, SequenceNode):
        places += [(f"spec.schedules[{index}]", item) for index, item in enumerate(several.value)]
    key = f"{one.value['metadata'].get('namespace') or 'default'}/{one.name}" if one.name else "-"
    for path, place in places:
        if isinstance(place.value, str):
            yield from _refused(place, path, [place.value], None, key)
    if isinstance(zone, str):
        yield from _refused(child(node, "timeZone") or node, "spec.timeZone", ["* * * * *"], zone, key)
    begin, end = (parse_written_time(str(spec.get(name))) for name in ("startTime", "endTime"))
    if begin is not None and end is not None and begin >= end:
        yield _mistake(child(node, "endTime") or node, "spec.endTime", "it must be later than spec.startTime")


def _refused(node: Node, path: str, texts: list[str], zone: str | None, hashed_as: str) -> Iterator[Mistake]:
    try:
        schedules.parse(texts, zone, hashed_as=hashed_as)
    except TerminalError as error:
        yield _mistake(node, path, str(error))


def _key(node: Node, name: str) -> Node:
    """Where an annotation stands."""
    return entries(node)[name][0]  # type: ignore[arg-type]  # it has been read as a mapping


def _mistake(node: Node, path: str, sentence: str, *, serious: bool = True) -> Mistake:
    return Mistake(line=node.start_mark.line + 1, path=path, sentence=sentence, serious=serious)

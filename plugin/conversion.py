"""A CronJob of batch/v1 as a DistributedCronJob: in a file, where everything but two words stays; or as an object.

In a file, comments, order and quoting stay as they are: only `apiVersion` and `kind` are written anew, and what the API
server has put in (a status, a UID) goes. `notes` says what means something else from then on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from controller import schedule as schedules
from controller.errors import TerminalError
from controller.spec import API_VERSION, KIND
from plugin.documents import Manifest, child, entries, last_place, manifests

BATCH_KIND = "CronJob"
BATCH_VERSIONS = ("batch/v1", "batch/v1beta1")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

SERVER_FIELDS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
"""What the API server writes into `metadata`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What has become of a text.

    Attributes:
        names: The objects that were converted.
        notes: What means something else from now on, in sentences.
    """

    text: str
    names: tuple[str, ...]
    notes: tuple[str, ...]


def converted(text: str, file: str) -> Converted:
    """The text with each CronJob in it made a DistributedCronJob; everything else stays.

    Raises:
        Unfulfilled: It cannot be read.
    """
    found = [one for one in manifests(text, file) if one.is_a(BATCH_KIND, *BATCH_VERSIONS)]
    edits = sorted({edit for one in found for edit in _edits(one, text)}, reverse=True)
    new = text
    for begin, end, by in edits:
        new = new[:begin] + by + new[end:]
    return Converted(
        text=new,
        names=tuple(one.name for one in found),
        notes=tuple(f"{one.name}: {note}" for one in found for note in notes(one.value)),
    )


def body(old: Mapping[str, Any], *leaving_out: str) -> dict[str, Any]:
    """The object to create in place of one that the cluster has; it is not suspended.

    Args:
        old: The CronJob.
        leaving_out: Annotations that the new one does not get.
    """
    meta = old["metadata"]
    annotations = {
        name: text
        for name, text in (meta.get("annotations") or {}).items()
        if name != LAST_APPLIED and name not in leaving_out
    }
    kept = {name: meta[name] for name in ("name", "namespace", "labels") if meta.get(name)}
    spec = {name: value for name, value in old["spec"].items() if name != "suspend"}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {**kept, **({"annotations": annotations} if annotations else {})},
        "spec": copy.deepcopy(spec),
    }


def notes(value: Mapping[str, Any]) -> Iterator[str]:
    """What means something else once a CronJob is one of ours."""
    spec = value.get("spec")
    if not isinstance(spec, Mapping):
        return
    text, zone = str(spec.get("schedule", "")), spec.get("timeZone")
    try:
        schedule = schedules.parse([text], zone)
    except TerminalError as error:
        yield f"it will not fire: {error}"
        return
    if schedule.expressions[0].strip().lower().startswith("@every"):
        yield "@every counts from the creation of the object; batch/v1 counts from the run before"
    elif zone is None:
        yield "without timeZone it counts in UTC; batch/v1 counts in the zone of its controller manager"


def _edits(one: Manifest, text: str) -> Iterator[tuple[int, int, str]]:
    """The places to change, with what is to stand there."""
    for name, word in (("apiVersion", API_VERSION), ("kind", KIND)):
        node = child(one.node, name)
        assert isinstance(node, ScalarNode), "it was read a moment ago"
        quote = node.style if node.style in ("'", '"') else ""
        yield node.start_mark.index, node.end_mark.index, f"{quote}{word}{quote}"
    yield from _removals(one.node, ["status"], text)
    meta = child(one.node, "metadata")
    if isinstance(meta, MappingNode):
        annotations = child(meta, "annotations")
        only = isinstance(annotations, MappingNode) and set(entries(annotations)) == {LAST_APPLIED}
        yield from _removals(meta, [*SERVER_FIELDS, *(["annotations"] if only else [])], text)
        if isinstance(annotations, MappingNode) and not only:
            yield from _removals(annotations, [LAST_APPLIED], text)


def _removals(node: MappingNode, names: Iterable[str], text: str) -> Iterator[tuple[int, int, str]]:
    """The places of these keys and their values, as far as they stand here themselves."""
    pairs: list[tuple[Node, Node]] = node.value
    gone = [index for index, (key, _) in enumerate(pairs) if key.value in set(names)]
    for index in gone:
        key, value = pairs[index]
        if not node.flow_style:
            yield _lines(text, key.start_mark.index, last_place(value))
        elif index - 1 not in gone:
            # One place for all that stand side by side: with the comma after them, or, at the end, the one before.
            after = next(number for number in range(index, len(pairs) + 1) if number not in gone)
            if after < len(pairs):
                yield key.start_mark.index, pairs[after][0].start_mark.index, ""
            else:
                begin = last_place(pairs[index - 1][1]) if index else key.start_mark.index
                yield begin, last_place(pairs[-1][1]), ""


def _lines(text: str, begin: int, end: int) -> tuple[int, int, str]:
    """The whole lines of an entry; of one that stands behind the dash of a list, not the dash."""
    line, behind = text.rfind("\n", 0, begin) + 1, _end_of_line(text, end)
    if text[line:begin].strip():
        return begin, behind - text[:behind].endswith("\n"), ""
    return line, behind, ""


def _end_of_line(text: str, place: int) -> int:
    """Behind the line in which a value ends; a block of text ends behind it already."""
    if place and text[place - 1] == "\n":
        return place
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1

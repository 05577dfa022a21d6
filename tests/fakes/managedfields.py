"""`metadata.managedFields` as the API server keeps them, as far as anybody here reads them: who wrote last, and when.

One entry for each manager, with the time of its last write, to the second. A write takes a field from whoever had it.
Taking a field away stamps nobody: the API server does not date a removal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

AUTHOR, ANNOTATOR = "author", "kubectl-annotate"
"""Who applies an object, and who annotates one."""

Entries = list[dict[str, Any]]


def spec_written(entries: Iterable[Mapping[str, Any]], time: str) -> Entries:
    """The entries after the author has written the spec."""
    return _stamped(entries, AUTHOR, time, spec=True, annotations=())


def annotated(
    entries: Iterable[Mapping[str, Any]],
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    manager: str,
    time: str,
) -> Entries:
    """The entries after a manager has turned the annotations from what they were into what they are."""
    written = {name for name, value in after.items() if before.get(name) != value}
    lost = written | (before.keys() - after.keys())
    left = [
        _entry(entry["manager"], entry["time"], spec=_has_spec(entry), annotations=_annotations(entry) - lost)
        for entry in entries
    ]
    left = [entry for entry in left if entry["fieldsV1"]]
    return _stamped(left, manager, time, spec=False, annotations=written) if written else left


def _stamped(
    entries: Iterable[Mapping[str, Any]], manager: str, time: str, *, spec: bool, annotations: Collection[str]
) -> Entries:
    others, owned = [], set(annotations)
    for entry in entries:
        if entry["manager"] == manager:
            spec = spec or _has_spec(entry)
            owned |= _annotations(entry)
        else:
            others.append(dict(entry))
    return [*others, _entry(manager, time, spec=spec, annotations=owned)]


def _entry(manager: str, time: str, *, spec: bool, annotations: Collection[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:spec": {}} if spec else {}
    if annotations:
        fields["f:metadata"] = {"f:annotations": {f"f:{name}": {} for name in sorted(annotations)}}
    operation = "Apply" if manager == AUTHOR else "Update"
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields}


def _has_spec(entry: Mapping[str, Any]) -> bool:
    return "f:spec" in entry["fieldsV1"]


def _annotations(entry: Mapping[str, Any]) -> set[str]:
    found = entry["fieldsV1"].get("f:metadata", {}).get("f:annotations", {})
    return {name.removeprefix("f:") for name in found}

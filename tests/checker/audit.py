"""The API server's own record of writes: which Jobs it made, ended, deleted and refused, and when, to the microsecond.

A Job deleted since still counts, and no replica's word is taken. The record has no bodies: what a Job says of itself is
known from a `watch`, or from its name.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.checker.history import ForeignWrite, Refusal

AGENT = "dcron-controller"
"""How the operator names itself in its requests."""
_OURS = ("jobs", "events", "distributedcronjobs/status")
"""What the operator writes."""
_QUESTIONS = "authorization.k8s.io"
"""A create in this group only asks something."""

Name = tuple[str, str]
"""Namespace and name of a Job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWrite:
    """A write that made, or deleted, a Job.

    Attributes:
        at: When the API server had answered it.
        uid: Known of a deletion; empty if not told.
        by_us: Whether the operator wrote it.
    """

    namespace: str
    name: str
    at: datetime
    uid: str = ""
    by_us: bool = False

    @property
    def job(self) -> Name:
        """What names the Job."""
        return self.namespace, self.name


@dataclass(kw_only=True)
class Record:
    """What the audit log says about Jobs, in order of time."""

    made: list[JobWrite] = field(default_factory=list)
    deleted: list[JobWrite] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    updated: defaultdict[Name, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    foreign: list[ForeignWrite] = field(default_factory=list)


def read(log: Path, namespace: str | None = None) -> Record:
    """What is in the log by now, of one namespace or of all.

    A create whose client died before the answer is recorded as timed out, whether it made the Job or not. It did if the
    Job is heard of afterwards and nobody else had made it.
    """
    record = Record()
    cut_off: dict[Name, JobWrite] = {}
    there: set[Name] = set()
    for entry in _writes(log, namespace):
        where = entry["objectRef"]
        if where.get("resource") != "jobs" or "name" not in where:
            _note_foreign(record, entry)
            continue
        write = _write(entry)
        if entry["verb"] == "create" and _code(entry) == HTTPStatus.GATEWAY_TIMEOUT:
            if write.job not in there:
                cut_off[write.job] = write
            continue
        if not _told_of(entry):
            _note_refusal(record, entry)
            continue
        unknown = cut_off.pop(write.job, None)
        if _went_through(entry, "create"):
            record.made.append(write)
        elif unknown is not None:
            record.made.append(unknown)
        there.add(write.job)
        if _went_through(entry, "delete"):
            record.deleted.append(write)
            there.discard(write.job)
        elif where.get("subresource") == "status":
            record.updated[write.job].append(write.at)
    record.made.sort(key=lambda write: write.at)
    return record


def _writes(log: Path, namespace: str | None) -> Iterator[Mapping[str, Any]]:
    """The writes to Jobs, and all of the operator. The last line may still be on its way."""
    with log.open() as lines:
        for line in lines:
            if not line.endswith("\n") or ('"resource":"jobs"' not in line and f'"{AGENT}"' not in line):
                continue
            if namespace is not None and f'"{namespace}"' not in line:
                continue
            entry = json.loads(line)
            where = entry.get("objectRef")
            if where and "dryRun" not in entry["requestURI"] and namespace in (None, where.get("namespace")):
                yield entry


def _write(entry: Mapping[str, Any]) -> JobWrite:
    where, details = entry["objectRef"], entry["responseStatus"].get("details") or {}
    return JobWrite(
        namespace=where["namespace"],
        name=where["name"],
        at=_at(entry),
        uid=where.get("uid") or details.get("uid", ""),
        by_us=_by_us(entry),
    )


def _told_of(entry: Mapping[str, Any]) -> bool:
    """Whether an answer shows that the Job is there: success, or a create of a name that is taken."""
    taken = (
        entry["verb"] == "create" and _code(entry) == HTTPStatus.CONFLICT and "subresource" not in entry["objectRef"]
    )
    return _code(entry) < HTTPStatus.MULTIPLE_CHOICES or taken


def _went_through(entry: Mapping[str, Any], verb: str) -> bool:
    plain = entry["verb"] == verb and "subresource" not in entry["objectRef"]
    return plain and _code(entry) < HTTPStatus.MULTIPLE_CHOICES


def _note_refusal(record: Record, entry: Mapping[str, Any]) -> None:
    if entry["verb"] == "create" and "subresource" not in entry["objectRef"]:
        write = _write(entry)
        record.refused.append(Refusal(at=write.at, namespace=write.namespace, job=write.name, code=_code(entry)))


def _note_foreign(record: Record, entry: Mapping[str, Any]) -> None:
    where = entry["objectRef"]
    what = "/".join(where[part] for part in ("resource", "subresource") if part in where)
    if _by_us(entry) and what not in _OURS and where.get("apiGroup") != _QUESTIONS:
        name = f"{where.get('namespace', '')}/{where.get('name', '')}".strip("/")
        record.foreign.append(ForeignWrite(at=_at(entry), what=f"{entry['verb']} {what} {name}".strip()))


def _by_us(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("userAgent") == AGENT)


def _code(entry: Mapping[str, Any]) -> int:
    code: int = entry["responseStatus"]["code"]
    return code


def _at(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["stageTimestamp"])

"""The API server's own record of writes: which Jobs it made, ended, deleted and refused, and when, to the microsecond.

A Job deleted since still counts, and no replica's word is taken. The record has no bodies: what a Job says of itself is
known from a `watch`, or from its name.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
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


class Reading:
    """Reads a log that grows, each line once; for runs whose log is too long to be read anew for each window.

    A create whose client died before the answer is recorded as timed out, whether it made the Job or not. It did if the
    Job is heard of afterwards and nobody else had made it.

    Args:
        log: Where the API server writes.
        namespace: Whose writes count; None: of all.
    """

    def __init__(self, log: Path, namespace: str | None = None) -> None:
        self._log = log
        self._namespace = namespace
        self._read_to = 0
        self._record = Record()
        self._cut_off: dict[Name, JobWrite] = {}
        self._there: set[Name] = set()

    def go_on(self) -> Record:
        """What is in the log by now; the record grows at the next call."""
        for entry in self._writes():
            self._take(entry)
        self._record.made.sort(key=lambda write: write.at)
        return self._record

    def forget(self, before: datetime, keep: Container[Name]) -> None:
        """Drop what was written before a moment, but for the Jobs of these names."""
        record = self._record
        record.made = [write for write in record.made if write.at >= before or write.job in keep]
        record.deleted = [write for write in record.deleted if write.at >= before or write.job in keep]
        record.refused = [refusal for refusal in record.refused if refusal.at >= before]
        record.foreign = [write for write in record.foreign if write.at >= before]
        for name in [name for name, times in record.updated.items() if times[-1] < before and name not in keep]:
            del record.updated[name]

    def _take(self, entry: Mapping[str, Any]) -> None:
        record, where = self._record, entry["objectRef"]
        if where.get("resource") != "jobs" or "name" not in where:
            _note_foreign(record, entry)
            _note_unread(record, entry)
            return
        write = _write(entry)
        if entry["verb"] == "create" and _code(entry) == HTTPStatus.GATEWAY_TIMEOUT:
            if write.job not in self._there:
                self._cut_off[write.job] = write
            return
        if not _told_of(entry):
            _note_refusal(record, entry)
            return
        unknown = self._cut_off.pop(write.job, None)
        if _went_through(entry, "create"):
            record.made.append(write)
        elif unknown is not None:
            record.made.append(unknown)
        self._there.add(write.job)
        if _went_through(entry, "delete"):
            record.deleted.append(write)
            self._there.discard(write.job)
        elif where.get("subresource") == "status":
            record.updated[write.job].append(write.at)

    def _writes(self) -> Iterator[Mapping[str, Any]]:
        """The writes to Jobs, and all of the operator, not read yet. The last line may still be on its way."""
        with self._log.open("rb") as lines:
            lines.seek(self._read_to)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._read_to += len(line)
                if b'"resource":"jobs"' not in line and f'"{AGENT}"'.encode() not in line:
                    continue
                if self._namespace is not None and f'"{self._namespace}"'.encode() not in line:
                    continue
                entry = json.loads(line)
                where = entry.get("objectRef")
                in_scope = where and self._namespace in (None, where.get("namespace"))
                if in_scope and "dryRun" not in entry["requestURI"]:
                    yield entry


def read(log: Path, namespace: str | None = None) -> Record:
    """What is in the log by now, of one namespace or of all."""
    return Reading(log, namespace).go_on()


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


def _note_unread(record: Record, entry: Mapping[str, Any]) -> None:
    """A create that was refused before the Job's name was read, as to one who has not the right to it."""
    where = entry["objectRef"]
    of_job = entry["verb"] == "create" and where.get("resource") == "jobs" and "subresource" not in where
    if of_job and _by_us(entry) and _code(entry) == HTTPStatus.FORBIDDEN:
        record.refused.append(Refusal(at=_at(entry), namespace=where["namespace"], job="", code=_code(entry)))


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

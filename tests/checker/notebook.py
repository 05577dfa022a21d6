"""What a watch has seen of objects and Jobs, kept small: no bodies, only what a history needs.

It judges nothing and reads no clock. `watch` fills it, from a thread of its own; `evidence` reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.checker.history import CronObject, MadeJob, Told, Trigger, Version
from tests.checker.lives import time_of

KIND = "DistributedCronJob"
_OURS = "dcron.io/"
_REQUESTS = ("dcron.io/trigger", "dcron.io/suspend-until", "dcron.io/backfill")


@dataclass(kw_only=True)
class SeenObject:
    """An object, as far as it was seen."""

    uid: str
    namespace: str
    name: str
    versions: list[Version] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    deleted_at: datetime | None = None

    def value(self) -> CronObject:
        """What it stands for in a history."""
        return CronObject(
            uid=self.uid,
            namespace=self.namespace,
            name=self.name,
            versions=tuple(self.versions),
            told=tuple(self.told),
            deleted_at=self.deleted_at,
        )


class Notebook:
    """Takes notes of what is seen; safe to read while a watch writes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, SeenObject] = {}
        self._jobs: dict[str, MadeJob] = {}

    def note_object(self, body: Mapping[str, Any], at: datetime, *, gone: bool = False) -> None:
        """An object was seen in this state."""
        meta = body["metadata"]
        with self._lock:
            seen = self._objects.setdefault(
                meta["uid"], SeenObject(uid=meta["uid"], namespace=meta["namespace"], name=meta["name"])
            )
            if gone or "deletionTimestamp" in meta:
                seen.deleted_at = seen.deleted_at or at
            _note_version(seen, body, at)
            status = body.get("status") or {}
            if not seen.told or seen.told[-1].status != status:
                seen.told.append(Told(at=at, generation=meta["generation"], status=status))

    def note_job(self, body: Mapping[str, Any], at: datetime, *, gone: bool = False) -> None:
        """A Job was seen in this state."""
        with self._lock:
            uid = body["metadata"]["uid"]
            job = self._jobs.get(uid) or _job(body, at)
            ended = _end(body)
            if ended is not None and job.finished_at is None:
                job = replace(job, finished_at=at, succeeded=ended)
            if (gone or "deletionTimestamp" in body["metadata"]) and job.deleted_at is None:
                job = replace(job, deleted_at=at)
            self._jobs[uid] = job

    def note_there(self, what: str, uids: set[str], at: datetime) -> None:
        """Only these objects, or Jobs, are there: another one has been deleted since it was seen."""
        with self._lock:
            for uid in ((self._objects if what == "objects" else self._jobs).keys()) - uids:
                if what == "objects":
                    self._objects[uid].deleted_at = self._objects[uid].deleted_at or at
                elif self._jobs[uid].deleted_at is None:
                    self._jobs[uid] = replace(self._jobs[uid], deleted_at=at)

    def forget(self, before: datetime) -> None:
        """Drop what no window that begins after a moment can need: Jobs and objects gone by then, older statuses.

        For runs that are judged window by window, as they are too long to be kept whole.
        """
        with self._lock:
            self._jobs = {uid: job for uid, job in self._jobs.items() if not _gone_by(job.deleted_at, before)}
            self._objects = {uid: seen for uid, seen in self._objects.items() if not _gone_by(seen.deleted_at, before)}
            for seen in self._objects.values():
                old = sum(told.at <= before for told in seen.told)
                del seen.told[: max(0, old - 1)]  # the last one still stood then

    def objects(self) -> list[CronObject]:
        """The objects that were seen, in the order of their creation."""
        with self._lock:
            return [seen.value() for seen in self._objects.values()]

    def jobs(self) -> list[MadeJob]:
        """The Jobs that were seen, made when they were seen."""
        with self._lock:
            return list(self._jobs.values())


def _gone_by(deleted_at: datetime | None, before: datetime) -> bool:
    return deleted_at is not None and deleted_at < before


def _note_version(seen: SeenObject, body: Mapping[str, Any], at: datetime) -> None:
    meta = body["metadata"]
    notes = {name: value for name, value in (meta.get("annotations") or {}).items() if name in _REQUESTS}
    last = seen.versions[-1] if seen.versions else None
    if last is not None and (last.generation, last.annotations) == (meta["generation"], notes):
        return
    if last is not None and "deletionTimestamp" in meta and last.annotations == notes:
        return  # a deletion counts as a generation
    stamps = [
        time_of(entry["time"])
        for entry in meta.get("managedFields", ())
        if "time" in entry and entry.get("subresource") != "status"
    ]
    stamped_at = time_of(meta["creationTimestamp"]) if last is None else max(stamps, default=at.replace(microsecond=0))
    version = Version(
        since=at, stamped_at=stamped_at, generation=meta["generation"], spec=body["spec"], annotations=notes
    )
    seen.versions.append(version)


def _job(body: Mapping[str, Any], at: datetime) -> MadeJob:
    meta = body["metadata"]
    notes = {
        name.removeprefix(_OURS): value
        for name, value in (meta.get("annotations") or {}).items()
        if name.startswith(_OURS)
    }
    owners = [ref["uid"] for ref in meta.get("ownerReferences", ()) if ref["kind"] == KIND and ref.get("controller")]
    return MadeJob(
        uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        owner_uid=owners[0] if owners else "",
        instant=_time(notes.get("scheduled-at")),
        created_at=at,
        trigger=_trigger(notes.get("trigger")),
        request=notes.get("trigger-id"),
        generation=int(notes["generation"]) if notes.get("generation", "").isdigit() else None,
        node=notes.get("fired-by", "?"),
    )


def _trigger(word: str | None) -> Trigger:
    return Trigger(word) if word in list(Trigger) else Trigger.SCHEDULE


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else time_of(text)
    except ValueError:
        return None


def _end(body: Mapping[str, Any]) -> bool | None:
    """Whether a Job has succeeded; None while it runs."""
    for condition in (body.get("status") or {}).get("conditions", ()):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return bool(condition["type"] == "Complete")
    return None

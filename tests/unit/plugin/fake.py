"""A cluster and a clock in memory, for the command line.

The clock moves only when somebody sleeps, and what is to happen meanwhile happens then. `contract` holds what the
fake has in common with a real API server.
"""

from __future__ import annotations

import copy
import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.instants import format_time
from controller.spec import Key
from plugin.__main__ import run
from plugin.failures import Conflicting, Failure, NotFound, Rejected
from plugin.ports import CRON_JOBS, Address, Kind, World

NOW = datetime(2026, 7, 1, 10, 0, 30, tzinfo=UTC)
"""A Wednesday, half a minute after ten."""


class FakeClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._later: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> timedelta:
        return self._now - datetime(1970, 1, 1, tzinfo=UTC)

    def at(self, instant: datetime, act: Callable[[], None]) -> None:
        """Let something happen once the clock has come there."""
        heapq.heappush(self._later, (instant, next(self._numbers), act))

    def sleep(self, duration: timedelta) -> None:
        until = self._now + duration
        while self._later and self._later[0][0] <= until:
            instant, _, act = heapq.heappop(self._later)
            self._now = max(self._now, instant)
            act()
        self._now = until


@dataclass
class FakeCluster:
    """An API server in memory.

    Attributes:
        refusals: By verb and plural, what a request fails with.
        writes: What was written, in order: verb, kind and key.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    namespace: str = "default"
    objects: dict[tuple[str, Key], dict[str, Any]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], Failure] = field(default_factory=dict)
    writes: list[tuple[str, str, Key]] = field(default_factory=list)
    _versions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def now(self) -> datetime:
        return self.clock.now()

    def add(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        """Put an object there, as it is."""
        meta = {"namespace": "default", "resourceVersion": str(next(self._versions)), **body["metadata"]}
        added = {**copy.deepcopy(dict(body)), "metadata": meta}
        self.objects[kind.plural, Key(meta["namespace"], meta["name"])] = added
        return added

    def read(self, kind: Kind, key: Key) -> dict[str, Any]:
        self._may("read", kind)
        return copy.deepcopy(self._found(kind, key))

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        self._may("list", kind)
        wanted = dict(pair.split("=", 1) for pair in labels.split(",") if "=" in pair)
        present = {name for name in labels.split(",") if name and "=" not in name}
        about = dict(pair.split("=", 1) for pair in fields.split(",") if pair)
        return [
            copy.deepcopy(body)
            for (plural, key), body in sorted(self.objects.items())
            if plural == kind.plural
            and namespace in (None, key.namespace)
            and wanted.items() <= (body["metadata"].get("labels") or {}).items()
            and present <= (body["metadata"].get("labels") or {}).keys()
            and all(str(_at(body, path.split("."))) == text for path, text in about.items())
        ]

    def patch(self, kind: Kind, key: Key, change: Mapping[str, Any], *, subresource: str = "") -> dict[str, Any]:
        self._may("patch", kind)
        body = self._found(kind, key)
        version = (change.get("metadata") or {}).get("resourceVersion")
        if version is not None and version != body["metadata"]["resourceVersion"]:
            raise Conflicting("the object has been modified")
        wanted = {"metadata", "status"} if subresource else set(change) - {"status"}
        merged = _merged(body, {name: value for name, value in change.items() if name in wanted})
        if merged != body:
            merged["metadata"] = {**merged["metadata"], "resourceVersion": str(next(self._versions))}
        self.objects[kind.plural, key] = merged
        self.writes.append(("patch", kind.plural, key))
        return copy.deepcopy(merged)

    def create(self, kind: Kind, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        self._may("create", kind)
        key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
        if (kind.plural, key) in self.objects:
            raise Conflicting(f"{kind.plural} {key.name!r} already exists")
        if dry_run:
            return copy.deepcopy(dict(body))
        self.writes.append(("create", kind.plural, key))
        made = {"creationTimestamp": format_time(self.now().replace(microsecond=0)), "generation": 1, "uid": f"u-{key}"}
        return copy.deepcopy(self.add(kind, {**body, "metadata": {**body["metadata"], **made}}))

    def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        self._may("delete", kind)
        found = self.objects.get((kind.plural, key))
        if found is None:
            return
        if found["metadata"]["uid"] != uid:
            raise Rejected("the UID in the precondition is another")
        self.writes.append(("delete", kind.plural, key))
        del self.objects[kind.plural, key]

    def _found(self, kind: Kind, key: Key) -> dict[str, Any]:
        if (kind.plural, key) not in self.objects:
            raise NotFound(f"there is no {kind.singular} {key.name!r} in namespace {key.namespace!r}")
        return self.objects[kind.plural, key]

    def _may(self, verb: str, kind: Kind) -> None:
        if (verb, kind.plural) in self.refusals:
            raise self.refusals[verb, kind.plural]


def world(cluster: FakeCluster) -> World:
    """A world with this cluster at every address."""

    def connect(address: Address) -> FakeCluster:
        cluster.namespace = address.namespace or "default"
        return cluster

    return World(connect=connect, clock=cluster.clock)


def dcron(cluster: FakeCluster, *arguments: str) -> int:
    """Run a command line; gives the exit code."""
    return run(arguments, world(cluster))


def cron_job(name: str = "report", schedule: str | None = "*/5 * * * *", **more: Any) -> dict[str, Any]:
    """A DistributedCronJob as the API server shows it.

    Args:
        name: Its name.
        schedule: Its schedule; None if the spec has several.
        more: `status` and `metadata` beside what is always there; anything else is of the spec.
    """
    status, metadata = more.pop("status", None), more.pop("metadata", {})
    return {
        "apiVersion": CRON_JOBS.api_version,
        "kind": "DistributedCronJob",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-of-{name}",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": "2026-06-01T00:00:00Z",
            **metadata,
        },
        "spec": {**({"schedule": schedule} if schedule else {}), "jobTemplate": {"spec": {}}, **more},
        **({"status": status} if status else {}),
    }


def condition(type_: str, status: bool, reason: str, message: str = "") -> dict[str, Any]:
    """A condition in a status."""
    at = "2026-07-01T09:00:00Z"
    return {"type": type_, "status": str(status), "reason": reason, "message": message, "lastTransitionTime": at}


READY = condition("Ready", True, "Scheduled")


def _at(body: Mapping[str, Any], path: list[str]) -> Any:
    found: Any = body
    for name in path:
        found = (found or {}).get(name)
    return found


def _merged(old: Any, change: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386."""
    result = dict(old) if isinstance(old, Mapping) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value) if isinstance(value, Mapping) else copy.deepcopy(value)
    return result

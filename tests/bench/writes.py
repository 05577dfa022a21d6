"""What a request costs the API server: `python -m tests.bench.writes`.

A Job that is made, and a status that is written, while nobody watches; the same status under our CRD from which
something is left out, to see what that costs; and an object that is read. Processor time of the API server and of etcd
for each.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from controller import conditions, spec, statusbody
from controller.api import FIELD_MANAGER
from controller.outcomes import Outcome, Reason
from controller.status import RECENT_LIMIT, Slot, Status, declare
from deploy.local.replica import PROJECT
from tests.bench import arena, bodies, poster
from tests.bench.arena import NAMESPACE, Arena
from tests.cluster import stage
from tests.cluster.fleet import eventually

HEAD = ("request", "how many", "API server, ms", "etcd, ms")
OBJECTS = 300
"""Each is asked for, or written, once in a round."""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_CRD = PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml"
_PATIENCE_SECONDS = 60.0
_TAKES_HOLD_SECONDS = 5.0
"""The API server goes on with the schema of before for a moment."""

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a kind of request costs: processor time of each, milliseconds."""

    what: str
    count: int
    api_server: float
    etcd: float


def as_it_is(schema: Schema) -> None:
    """Our CRD."""


def owner_of_each_field(schema: Schema) -> None:
    """The API server keeps account of who wrote each field of the status."""
    del schema["properties"]["status"]["x-kubernetes-map-type"]


def no_rules(schema: Schema) -> None:
    """No rule of the spec is looked at (CEL)."""
    schema["properties"]["spec"] = _without(schema["properties"]["spec"], "x-kubernetes-validations")


def no_schema(schema: Schema) -> None:
    """Anything may stand in the status."""
    schema["properties"]["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


VARIANTS: dict[str, Callable[[Schema], None]] = {
    "a status is written": as_it_is,
    "the same, each of its fields with an owner": owner_of_each_field,
    "the same, no rules of the spec": no_rules,
    "the same, without a schema": no_schema,
}


def _without(schema: Any, name: str) -> Any:
    if isinstance(schema, dict):
        return {key: _without(value, name) for key, value in schema.items() if key != name}
    return [_without(one, name) for one in schema] if isinstance(schema, list) else schema


def crd(change: Callable[[Schema], None]) -> dict[str, Any]:
    """Our CRD with a changed schema."""
    changed: dict[str, Any] = copy.deepcopy(yaml.safe_load(_CRD.read_text()))
    change(changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    return changed


def status(body: dict[str, Any], firings: int) -> dict[str, Any]:
    """What an object carries after it has fired so often, once a minute; its last Job runs.

    Args:
        body: The object, as the API server shows it.
    """
    cron_job = spec.parse({**body, "status": {}})
    at = FIRST + firings * MINUTE
    told = range(max(1, firings - RECENT_LIMIT + 1), firings + 1)
    names = {number: f"{cron_job.key.name}-{FIRST + number * MINUTE:%Y%m%d%H%M%S}-0123456789" for number in told}
    after = Status(
        active=(Slot(name=names[firings], scheduled_at=at, uid=cron_job.uid),),
        settled_through=at,
        schedule_hash=cron_job.spec.schedule_hash,
        last_schedule_at=at,
        next_schedule_at=at + MINUTE,
        owner="north",
        observed_generation=cron_job.generation,
        counts={"due": firings, "created": firings, "succeeded": firings - 1},
        recent=tuple(
            Outcome(scheduled_at=FIRST + number * MINUTE, reason=Reason.CREATED, job=names[number]) for number in told
        ),
    )
    ready = conditions.ready(None, checked=True, objection=None, outcomes=(), refusals=[])
    after = declare(after, ready, conditions.suspended(False, None, now=at))
    return statusbody.patch(Status(), after, cron_job, now=at)


def measure(place: Arena, rounds: int) -> Iterator[Cost]:
    """One kind of request after the other."""
    api, path = place.control_plane.api, bodies.OBJECTS.format(NAMESPACE)
    yield _mean([_jobs(place, FIRST + number * MINUTE) for number in range(rounds)])
    poster.post(api, path, bodies.objects(OBJECTS, "0 0 1 1 *"))
    firings = RECENT_LIMIT  # from here on a status grows no more
    for what, change in VARIANTS.items():
        _apply(place, change)
        numbers = range(firings + 1, firings + rounds + 2)
        spent = [_statuses(place, what, number) for number in numbers]
        firings = numbers[-1]
        yield _mean(spent[1:])  # in the first round each has been shaped by the schema before
    yield _mean([_reads(place) for _ in range(rounds)])


def _jobs(place: Arena, at: datetime) -> Cost:
    """As many Jobs as there are objects."""
    jobs, path = bodies.plain_jobs(NAMESPACE, OBJECTS, at), bodies.JOBS.format(NAMESPACE)
    return _cost(place, "a Job is made", OBJECTS, lambda: poster.post(place.control_plane.api, path, jobs))


def _reads(place: Arena) -> Cost:
    """Each object, as it is read before it fires where the watch may lag behind."""
    api, path = place.control_plane.api, bodies.OBJECTS.format(NAMESPACE)
    paths = [f"{path}/{body['metadata']['name']}" for body in api.call("GET", path)["items"]]
    return _cost(place, "an object is read", OBJECTS, lambda: poster.get(api, paths))


def _statuses(place: Arena, what: str, firings: int) -> Cost:
    """The status of each object, as the controller writes it after so many firings."""
    api, path = place.control_plane.api, bodies.OBJECTS.format(NAMESPACE)
    written = [_replaced(path, body, firings) for body in api.call("GET", path)["items"]]
    return _cost(place, what, OBJECTS, lambda: poster.put(api, written))


def _replaced(path: str, body: dict[str, Any], firings: int) -> tuple[str, dict[str, Any]]:
    """Where a status is written, and the body that is sent."""
    meta = {name: body["metadata"][name] for name in ("name", "namespace", "resourceVersion")}
    sent = {"apiVersion": spec.API_VERSION, "kind": spec.KIND, "metadata": meta, "status": status(body, firings)}
    return f"{path}/{meta['name']}/status?fieldManager={FIELD_MANAGER}", sent


def _mean(rounds: Sequence[Cost]) -> Cost:
    return Cost(
        what=rounds[0].what,
        count=sum(one.count for one in rounds),
        api_server=statistics.fmean(one.api_server for one in rounds),
        etcd=statistics.fmean(one.etcd for one in rounds),
    )


def _apply(place: Arena, change: Callable[[Schema], None]) -> None:
    """Put a CRD in force; the API server refuses requests for a moment then."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "crd.yaml").write_text(yaml.safe_dump(crd(change)))
        place.control_plane.apply_crds(Path(folder))
    time.sleep(_TAKES_HOLD_SECONDS)
    path = bodies.OBJECTS.format(NAMESPACE)
    eventually(lambda: place.control_plane.api.holds(path), "the objects are served", _PATIENCE_SECONDS)


def _cost(place: Arena, what: str, count: int, work: Callable[[], None]) -> Cost:
    before = dict(place.cpu())
    work()
    spent = {name: 1000 * (seconds - before[name]) / count for name, seconds in place.cpu().items()}
    return Cost(what=what, count=count, api_server=spent["kube-apiserver"], etcd=spent["etcd"])


def main() -> int:
    """0 once all is measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.writes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help=f"requests for each of {OBJECTS} objects")
    rounds = parser.parse_args().rounds
    with arena.opened(stage.say) as place:
        found = list(measure(place, rounds))
    stage.table(HEAD, [(one.what, one.count, f"{one.api_server:.2f}", f"{one.etcd:.2f}") for one in found])
    return 0


if __name__ == "__main__":
    sys.exit(main())

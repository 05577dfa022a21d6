"""The objects of the demonstration: the examples, and some that fire often enough to be watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from deploy.local.replica import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = PROJECT / "deploy" / "examples"
_FAST: dict[str, dict[str, Any]] = {
    "ticker-a": {"schedule": "* * * * * *"},
    "ticker-b": {"schedule": "* * * * * *"},
    "ticker-c": {"schedule": "* * * * * *"},
    "every-2s": {"schedule": "*/2 * * * * *"},
    "every-3s-paris": {"schedule": "*/3 * * * * *", "timeZone": "Europe/Paris"},
    "no-overlap": {"schedule": "*/5 * * * * *", "concurrencyPolicy": "Forbid"},
    "newest-only": {"schedule": "*/7 * * * * *", "concurrencyPolicy": "Replace"},
    "odd-seconds": {"schedules": ["1-59/10 * * * * *", "3-59/10 * * * * *"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJob:
    """One object, as far as the demonstration needs it."""

    name: str
    schedules: tuple[str, ...]
    zone: str
    suspended: bool
    body: Mapping[str, Any]

    @property
    def shown(self) -> str:
        """Its schedule in one line."""
        return " | ".join(self.schedules)


def examples() -> list[CronJob]:
    """The examples that users are shown."""
    return [_cron_job(yaml.safe_load(path.read_text())) for path in sorted(EXAMPLES.glob("*.yaml"))]


def fast() -> list[CronJob]:
    """Objects that fire every few seconds; their Jobs end at once."""
    return [_cron_job(_body(name, spec)) for name, spec in _FAST.items()]


def _body(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "work", "image": "busybox"}]}
    template = {"spec": {"template": {"spec": pod}}}
    return {
        "apiVersion": "dcron.io/v1",
        "kind": "DistributedCronJob",
        "metadata": {"name": name},
        "spec": {**spec, "jobTemplate": template},
    }


def _cron_job(body: Mapping[str, Any]) -> CronJob:
    spec = body["spec"]
    return CronJob(
        name=body["metadata"]["name"],
        schedules=tuple(spec.get("schedules") or [spec["schedule"]]),
        zone=spec.get("timeZone", "UTC"),
        suspended=spec.get("suspend", False),
        body=body,
    )

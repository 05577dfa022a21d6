"""What happens on stage: objects are applied, firings followed, a replica killed, and at the end all is counted."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from deploy.demo import expected, objects
from deploy.demo.evidence import AuditLog, Firing
from deploy.demo.verdict import Account, Verdict

if TYPE_CHECKING:
    from deploy.demo.screen import Screen
    from deploy.local.playground import Playground

SECONDS = 60
"""How long firings are followed; a replica is killed half-way."""
SETTLE = timedelta(seconds=10)
"""Waited for after the last instant that counts: a hand-over may take 8 s."""
_NAMESPACE = "default"
_JOBS = f"/apis/batch/v1/namespaces/{_NAMESPACE}/jobs"
_CRON_JOBS = f"/apis/dcron.io/v1/namespaces/{_NAMESPACE}/distributedcronjobs"


@dataclass(kw_only=True)
class Stage:
    """One performance."""

    playground: Playground
    screen: Screen
    cron_jobs: dict[str, objects.CronJob] = field(default_factory=dict)
    firings: list[Firing] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    killed_at: datetime | None = None

    def apply(self) -> None:
        """Apply the examples and the fast objects, as a user would."""
        chosen = [*objects.examples(), *objects.fast()]
        self.cron_jobs = {cron_job.name: cron_job for cron_job in chosen}
        documents = "\n---\n".join(json.dumps(cron_job.body) for cron_job in chosen)
        self.playground.cluster.kubectl("apply", "-f", "-", stdin=documents)
        self.screen.say(f"applied {len(chosen)} DistributedCronJobs")

    def play(self) -> datetime:
        """Follow the firings and kill a replica half-way; gives the last instant that counts."""
        log = AuditLog(self.playground.cluster.audit_log)
        began = _now()
        ends = began + timedelta(seconds=SECONDS)
        with self.screen.follow():
            while (now := _now()) < ends + SETTLE:
                if self.killed_at is None and now >= began + timedelta(seconds=SECONDS / 2):
                    self._kill()
                self._show(log.new())
                self.screen.heading(self._heading((ends - now).total_seconds()))
                time.sleep(0.25)
        self._show(log.new())
        return ends

    def judge(self, until: datetime) -> Verdict:
        """Count what was due from the creation of each object on, and hold the firings against it."""
        listed = self._list(_CRON_JOBS)
        accounts = [self._account(body, until) for body in listed if body["metadata"]["name"] in self.cron_jobs]
        return Verdict(accounts=accounts, killed_at=self.killed_at)

    def _account(self, body: dict[str, Any], until: datetime) -> Account:
        cron_job = self.cron_jobs[body["metadata"]["name"]]
        created_at = datetime.fromisoformat(body["metadata"]["creationTimestamp"])
        due = set() if cron_job.suspended else expected.instants(cron_job.schedules, cron_job.zone, created_at, until)
        return Account(
            name=cron_job.name,
            schedule=cron_job.shown,
            due=frozenset(due),
            firings=tuple(f for f in self.firings if f.cron_job == cron_job.name and f.instant <= until),
            skipped=body.get("status", {}).get("counts", {}).get("skipped", 0),
        )

    def _kill(self) -> None:
        """Kill the replica that owns most: what it leaves behind is most to take over."""
        owners = [body.get("status", {}).get("owner", "") for body in self._list(_CRON_JOBS)]
        victim = max(self.playground.replicas, key=lambda replica: owners.count(replica.name))
        victim.kill()
        self.killed_at = _now()
        self.screen.say(f"{self.killed_at:%H:%M:%S}  kill -9 {victim.name}, the owning node of most objects")

    def _heading(self, left: float) -> str:
        if left <= 0:
            return "waiting for the last firings to be settled"
        state = "one of three replicas is dead" if self.killed_at else "three replicas share the schedules"
        return f"{state}; {len(self.firings)} firings" if self.screen.is_live else state

    def _show(self, firings: list[Firing]) -> None:
        if any(firing.job not in self.nodes for firing in firings):
            for body in self._list(_JOBS):
                self.nodes[body["metadata"]["name"]] = body["metadata"].get("annotations", {}).get("dcron.io/fired-by")
        for firing in firings:
            self.firings.append(firing)
            cron_job = self.cron_jobs.get(firing.cron_job)
            self.screen.fired(firing, cron_job.shown if cron_job else "?", self.nodes.get(firing.job) or "?")

    def _list(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.playground.cluster.api.call("GET", path)["items"]
        return items


def _now() -> datetime:
    return datetime.now(UTC)

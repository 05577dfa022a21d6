"""Both controllers on a cluster in memory: batch/v1's, and ours, as far as a change-over can see them.

Each acts in the fake clock's time, a little after what it sees; requests take time too. What has run is counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.instants import format_time
from controller.spec import Key
from plugin.ports import BATCH_CRON_JOBS, CRON_JOBS, JOBS, Kind
from tests.unit.plugin.fake import READY, FakeClock, FakeCluster

KEY = Key("default", "report")
MINUTE = timedelta(minutes=1)
BEGIN = datetime(2026, 7, 1, 10, 0, 0, tzinfo=UTC)


@dataclass
class SlowCluster(FakeCluster):
    """A cluster whose requests take time, meanwhile the world goes on.

    Attributes:
        delay: How long a request takes.
        delays: By verb, of the requests that take longer.
    """

    delay: timedelta = timedelta(milliseconds=20)
    delays: dict[str, timedelta] = field(default_factory=dict)

    def read(self, kind: Kind, key: Key) -> dict[str, Any]:
        self.clock.sleep(self.delays.get("read", self.delay))
        return super().read(kind, key)

    def patch(self, kind: Kind, key: Key, change: Mapping[str, Any], *, subresource: str = "") -> dict[str, Any]:
        self.clock.sleep(self.delays.get("patch", self.delay))
        return super().patch(kind, key, change, subresource=subresource)

    def create(self, kind: Kind, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        self.clock.sleep(self.delays.get("create", self.delay))
        return super().create(kind, body, dry_run=dry_run)


@dataclass
class Stage:
    """A minutely CronJob, its controller, and ours.

    Attributes:
        runs: How long a Job takes.
        lag: How long after an instant batch/v1 fires.
        serves: Whether a replica of ours runs.
        ready: What it says of a new object.
    """

    cluster: SlowCluster
    runs: timedelta = timedelta(seconds=5)
    lag: timedelta = timedelta(milliseconds=300)
    serves: bool = True
    ready: dict[str, Any] = field(default_factory=lambda: READY)
    ran: Counter[datetime] = field(default_factory=Counter)
    by: dict[datetime, str] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime, *, policy: str = "Allow", minutes: int = 12, spec: Any = None, **more: Any) -> Stage:
        """The stage at a moment; both controllers act for some minutes."""
        clock = FakeClock(BEGIN - timedelta(seconds=30))
        stage = cls(cluster=SlowCluster(clock=clock), **more)
        stage.cluster.add(
            BATCH_CRON_JOBS,
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": "report", "uid": "old", "creationTimestamp": format_time(clock.now())},
                "spec": {"schedule": "* * * * *", "concurrencyPolicy": policy, "jobTemplate": {}, **(spec or {})},
            },
        )
        for tick in range(minutes * 60 * 2):
            clock.at(BEGIN + tick * timedelta(milliseconds=500), stage._act)
        clock.sleep(now - clock.now())
        return stage

    @property
    def old(self) -> dict[str, Any]:
        """The CronJob of batch/v1."""
        return self.cluster.objects[BATCH_CRON_JOBS.plural, KEY]

    @property
    def new(self) -> dict[str, Any] | None:
        """Ours, if there is one."""
        return self.cluster.objects.get((CRON_JOBS.plural, KEY))

    def wait(self, until: datetime) -> None:
        """Let time pass."""
        self.cluster.clock.sleep(until - self.cluster.now())

    def active(self, owner: str) -> list[str]:
        """The Jobs of an object that run."""
        bodies = (body for (plural, _), body in self.cluster.objects.items() if plural == JOBS.plural)
        mine = [body for body in bodies if body["metadata"]["ownerReferences"][0]["uid"] == owner]
        return [body["metadata"]["name"] for body in mine if not body["status"]["conditions"]]

    def _act(self) -> None:
        now = self.cluster.now()
        self._end_jobs(now)
        self._batch(now)
        if self.serves and self.new is not None:
            self._ours(self.new, now)

    def _batch(self, now: datetime) -> None:
        """The newest instant that it has missed, unless it is suspended or its policy forbids it."""
        spec, status = self.old["spec"], self.old.setdefault("status", {})
        last = (now - self.lag).replace(second=0, microsecond=0)
        done = status.get("lastScheduleTime")
        if spec.get("suspend") or last < BEGIN or (done is not None and done >= format_time(last)):
            return
        if spec["concurrencyPolicy"] == "Forbid" and self.active("old"):
            return
        self._run(f"report-{int(last.timestamp()) // 60}", "old", last)
        changed = {**status, "lastScheduleTime": format_time(last), "lastSuccessfulTime": format_time(last)}
        self.cluster.objects[BATCH_CRON_JOBS.plural, KEY] = {**self.old, "status": changed}
        self._touch(BATCH_CRON_JOBS)

    def _ours(self, new: dict[str, Any], now: datetime) -> None:
        """Each instant after the creation; a backfill at once."""
        status = dict(new.get("status") or {})
        created = datetime.fromisoformat(new["metadata"]["creationTimestamp"])
        since = datetime.fromisoformat(status.get("settledThrough", format_time(created)))
        instants = [at for at in (BEGIN + number * MINUTE for number in range(60)) if since < at <= now]
        interval = (new["metadata"].get("annotations") or {}).get("dcron.io/backfill")
        if interval and "backfill" not in status:
            begin, end = map(datetime.fromisoformat, interval.split("/"))
            for at in (BEGIN + number * MINUTE for number in range(60)):
                if begin <= at < end:
                    self._run(f"report-b{at:%Y%m%d%H%M%S}", new["metadata"]["uid"], at)
            status["backfill"] = {"interval": interval, "state": "Done"}
        if self.ready["status"] == "True":
            for at in instants:
                self._run(f"report-{at:%Y%m%d%H%M%S}", new["metadata"]["uid"], at)
                status["lastScheduleTime"] = format_time(at)
        status |= {"settledThrough": format_time(max([since, *instants])), "conditions": [self.ready]}
        if status != new.get("status"):
            self.cluster.objects[CRON_JOBS.plural, KEY] = {**new, "status": status}
            self._touch(CRON_JOBS)

    def _touch(self, kind: Kind) -> None:
        body = self.cluster.objects[kind.plural, KEY]
        body["metadata"] = {**body["metadata"], "resourceVersion": f"{kind.plural}-{self.cluster.now()}"}

    def _run(self, name: str, owner: str, at: datetime) -> None:
        self.ran[at] += 1
        self.by[at] = owner
        annotations = {"batch.kubernetes.io/cronjob-scheduled-timestamp": format_time(at)}
        body = {
            "metadata": {"name": name, "ownerReferences": [{"uid": owner}], "annotations": annotations},
            "status": {"conditions": []},
            "ends": self.cluster.now() + self.runs,
        }
        self.cluster.add(JOBS, body)

    def _end_jobs(self, now: datetime) -> None:
        for (plural, _), body in self.cluster.objects.items():
            if plural == JOBS.plural and body["ends"] <= now:
                body["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

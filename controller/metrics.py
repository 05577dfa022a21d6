"""The numbers of one replica, as Prometheus reads them: the `Recorder` behind `/metrics`.

Each object has a registry of its own and nothing is global, because replicas share a process in simulation. It only
counts: what a number means for anybody's health is said by `web`'s neighbours.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from controller.outcomes import Reason

LATENESS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""From what an idle machine does, over the limits of INVARIANTS (2 s without a fault, 8 s with one), to an outage."""
REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Up to the time-out of a request."""
RECONCILE_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LOOP_LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

# Each counter and histogram would have a second series with the time of its making, which nobody asks for. The library
# knows this switch for all registries only; it changes what is shown, and nothing that is counted.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation there


class Metrics:
    """Counters, gauges and histograms of one replica.

    Args:
        version: Of the controller, for `dcron_build_info`.
    """

    def __init__(self, version: str = "unknown") -> None:
        self._registry = CollectorRegistry()
        self._state: str | None = None
        self._redis_up: Gauge | None = None
        self._make_firings()
        self._make_ring_and_queue()
        self._make_work()
        self._gauge("build_info", "1, with the versions.", "version", "python").labels(
            version, platform.python_version()
        ).set(1)
        self._gauge("tasks", "Tasks of the event loop.").set_function(_tasks)
        # Resident memory also grows while the allocator spreads what is alive; these grow only with what is kept.
        self._gauge("memory_blocks", "Blocks of memory that Python has allocated.").set_function(sys.getallocatedblocks)
        ProcessCollector(registry=self._registry)

    def _make_firings(self) -> None:
        self._firings = self._counter("firings", "Due instants by what became of them.", "outcome")
        for reason in Reason:
            self._firings.labels(reason.value)  # shown from the start, as 0: a rate needs the sample before the first
        self._lateness = self._histogram(
            "firing_lateness_seconds", "From an instant until its Job was created.", LATENESS_SECONDS
        )

    def _make_ring_and_queue(self) -> None:
        self._queue_depth = self._gauge("queue_depth", "Keys with a time set.")
        self._queue_overdue = self._gauge("queue_overdue", "Keys whose time has come and who wait for a place.")
        self._members = self._gauge("ring_members", "Nodes on the ring as this node sees it.")
        self._keys_owned = self._gauge("ring_keys_owned", "Keys that this node owns.")
        self._not_ready = self._gauge("objects_not_ready", "Objects of the keys that this node owns with Ready=False.")
        self._blocked = self._gauge("objects_blocked", "Objects of the keys that this node owns with Blocked=True.")
        self._rights_missing = self._gauge("rights_missing", "Rights that the account of this node lacks.")
        self._paused = self._gauge("paused", "1 while everything is paused and this node creates no Job, else 0.")
        self._ring_state = self._gauge("ring_state", "1 for the state that the ring is in, 0 for others.", "state")

    def _make_work(self) -> None:
        self._requests = self._histogram(
            "request_seconds", "Requests to the API server and Redis.", REQUEST_SECONDS, "target", "verb"
        )
        self._request_errors = self._counter("request_errors", "Requests that failed.", "target", "verb", "error")
        self._reconciles = self._histogram("reconcile_seconds", "Looks at one key.", RECONCILE_SECONDS)
        self._reconcile_errors = self._counter("reconcile_errors", "Looks at a key that failed.", "error")
        self._loop_lag = self._histogram(
            "loop_lag_seconds", "How much later than asked a timer of the event loop fired.", LOOP_LAG_SECONDS
        )
        self._clock_skew = self._gauge(
            "clock_skew_seconds",
            "How far a clock (system, redis, api) is ahead of the time that is believed; that of api by whole seconds.",
            "clock",
        )

    def outcome(self, reason: Reason, lateness: timedelta) -> None:
        """One due instant has ended. Lateness counts only if it got a Job; a clock ahead makes it 0, not negative."""
        self._firings.labels(reason.value).inc()
        if reason is Reason.CREATED:
            self._lateness.observe(max(lateness.total_seconds(), 0.0))

    def request(self, target: str, verb: str, seconds: float, *, error: str | None) -> None:
        """One request has ended, well or not."""
        self._requests.labels(target, verb).observe(seconds)
        if error is not None:
            self._request_errors.labels(target, verb, error).inc()

    def reconciled(self, seconds: float, *, error: str | None) -> None:
        """One look at one key has ended, well or not."""
        self._reconciles.observe(seconds)
        if error is not None:
            self._reconcile_errors.labels(error).inc()

    def queue(self, *, waiting: int, overdue: int) -> None:
        """Depth of the work queue now."""
        self._queue_depth.set(waiting)
        self._queue_overdue.set(overdue)

    def ring(self, *, members: int, keys_owned: int, state: str) -> None:
        """The ring as this node sees it now."""
        self._members.set(members)
        self._keys_owned.set(keys_owned)
        if self._state is not None:
            self._ring_state.labels(self._state).set(0)
        self._ring_state.labels(state).set(1)
        self._state = state

    def objects(self, *, not_ready: int, blocked: int) -> None:
        """How many objects say that they are not Ready, or Blocked, of the keys that this node owns now."""
        self._not_ready.set(not_ready)
        self._blocked.set(blocked)

    def loop_lag(self, seconds: float) -> None:
        """How much later than asked a timer of the event loop fired."""
        self._loop_lag.observe(max(seconds, 0.0))

    def clock_skew(self, clock: str, seconds: float) -> None:
        """How far a clock is ahead of the time that is believed."""
        self._clock_skew.labels(clock).set(seconds)

    def redis_up(self, up: bool) -> None:
        """Whether Redis answers this node's heartbeats; not shown until it is told."""
        if self._redis_up is None:
            self._redis_up = self._gauge("redis_up", "1 while Redis answers the heartbeats of this node, else 0.")
        self._redis_up.set(up)

    def paused(self, paused: bool) -> None:
        """Whether everything is paused, as this node sees it."""
        self._paused.set(paused)

    def rights_missing(self, number: int) -> None:
        """How many rights the API server denies to this node's account."""
        self._rights_missing.set(number)

    def render(self) -> tuple[bytes, str]:
        """All numbers in Prometheus's text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def value(self, series: str, **labels: str) -> float | None:
        """One number by the name it has in `render`, such as `dcron_firings_total`; None if there is no such series."""
        return self._registry.get_sample_value(series, labels)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="dcron", registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace="dcron", registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, text, labels, namespace="dcron", buckets=buckets, registry=self._registry)


def _tasks() -> int:
    """How many tasks the running loop has; 0 without one."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0

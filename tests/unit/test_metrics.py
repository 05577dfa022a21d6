import asyncio
import os
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.metrics import Metrics
from controller.outcomes import Reason
from controller.ports import Recorder

SECOND = timedelta(seconds=1)


def shown(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    body, _ = metrics.render()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_every_outcome_is_shown_as_zero_from_the_start() -> None:
    metrics = Metrics()
    assert [metrics.value("dcron_firings_total", outcome=reason.value) for reason in Reason] == [0.0] * len(Reason)


def test_outcomes_are_counted_by_their_reason_word() -> None:
    metrics = Metrics()
    for reason in (Reason.CREATED, Reason.CREATED, Reason.MISSED_DEADLINE):
        metrics.outcome(reason, SECOND)
    assert metrics.value("dcron_firings_total", outcome="Created") == 2
    assert metrics.value("dcron_firings_total", outcome="MissedDeadline") == 1


def test_only_created_firings_count_for_lateness() -> None:
    metrics = Metrics()
    metrics.outcome(Reason.CREATED, timedelta(milliseconds=40))
    metrics.outcome(Reason.MISSED_CATCH_UP, timedelta(hours=3))
    assert metrics.value("dcron_firing_lateness_seconds_count") == 1
    assert metrics.value("dcron_firing_lateness_seconds_sum") == pytest.approx(0.04)
    assert metrics.value("dcron_firing_lateness_seconds_bucket", le="0.025") == 0
    assert metrics.value("dcron_firing_lateness_seconds_bucket", le="0.05") == 1


def test_lateness_is_told_apart_from_5_milliseconds_to_a_minute() -> None:
    bounds = [dict(labels)["le"] for name, labels in shown(Metrics()) if name == "dcron_firing_lateness_seconds_bucket"]
    assert (bounds[0], bounds[-2], bounds[-1]) == ("0.005", "60.0", "+Inf")


def test_a_clock_that_is_ahead_makes_no_negative_lateness() -> None:
    metrics = Metrics()
    metrics.outcome(Reason.CREATED, -SECOND)
    assert metrics.value("dcron_firing_lateness_seconds_sum") == 0


def test_the_queue_is_shown_as_it_is_now() -> None:
    metrics = Metrics()
    metrics.queue(waiting=7, overdue=3)
    metrics.queue(waiting=5, overdue=0)
    assert (metrics.value("dcron_queue_depth"), metrics.value("dcron_queue_overdue")) == (5, 0)


def test_the_ring_is_in_one_state_at_a_time() -> None:
    metrics = Metrics()
    metrics.ring(members=2, keys_owned=40, state="Upgrading")
    metrics.ring(members=3, keys_owned=30, state="Steady")
    assert (metrics.value("dcron_ring_members"), metrics.value("dcron_ring_keys_owned")) == (3, 30)
    assert metrics.value("dcron_ring_state", state="Upgrading") == 0
    assert metrics.value("dcron_ring_state", state="Steady") == 1


def test_a_state_that_lasts_stays_shown() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.ring(members=1, keys_owned=1, state="Steady")
    assert metrics.value("dcron_ring_state", state="Steady") == 1


def test_a_failed_request_counts_as_a_request_and_as_an_error() -> None:
    metrics = Metrics()
    metrics.request("api", "create", 0.02, error=None)
    metrics.request("api", "create", 5.0, error="Timeout")
    assert metrics.value("dcron_request_seconds_count", target="api", verb="create") == 2
    assert metrics.value("dcron_request_errors_total", target="api", verb="create", error="Timeout") == 1


def test_reconciles_are_timed_and_their_errors_counted() -> None:
    metrics = Metrics()
    metrics.reconciled(0.004, error=None)
    metrics.reconciled(0.006, error="Conflict")
    assert metrics.value("dcron_reconcile_seconds_count") == 2
    assert metrics.value("dcron_reconcile_seconds_sum") == pytest.approx(0.01)
    assert metrics.value("dcron_reconcile_errors_total", error="Conflict") == 1


def test_objects_that_are_not_ready_or_blocked_are_one_number_however_many_there_are() -> None:
    metrics = Metrics()
    assert metrics.value("dcron_objects_not_ready") == 0
    for number in (40_000, 3):
        metrics.objects(not_ready=number, blocked=2 * number)
    assert [value for (name, _), value in shown(metrics).items() if name == "dcron_objects_not_ready"] == [3]
    assert [value for (name, _), value in shown(metrics).items() if name == "dcron_objects_blocked"] == [6]


def test_loop_lag_is_a_histogram() -> None:
    metrics = Metrics()
    metrics.loop_lag(0.02)
    metrics.loop_lag(-1e-9)
    assert metrics.value("dcron_loop_lag_seconds_bucket", le="0.01") == 1
    assert metrics.value("dcron_loop_lag_seconds_count") == 2


def test_each_clock_has_its_skew() -> None:
    metrics = Metrics()
    metrics.clock_skew("system", 300.0)
    metrics.clock_skew("redis", -0.5)
    metrics.clock_skew("system", 0.25)
    assert metrics.value("dcron_clock_skew_seconds", clock="system") == 0.25
    assert metrics.value("dcron_clock_skew_seconds", clock="redis") == -0.5


def test_two_replicas_in_one_process_do_not_share_numbers() -> None:
    one, other = Metrics(), Metrics()
    recorder: Recorder = one
    recorder.outcome(Reason.CREATED, SECOND)
    assert other.value("dcron_firings_total", outcome="Created") == 0


def test_what_is_rendered_is_prometheus_text_with_build_and_process() -> None:
    metrics = Metrics("1.2.3")
    _, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=")
    samples = shown(metrics)
    assert [dict(labels)["version"] for name, labels in samples if name == "dcron_build_info"] == ["1.2.3"]
    if os.path.exists("/proc/self/stat"):
        assert samples["process_resident_memory_bytes", ()] > 0
        assert samples["process_open_fds", ()] > 0


def test_no_series_tells_when_it_was_made() -> None:
    metrics = Metrics()
    metrics.outcome(Reason.CREATED, SECOND)
    assert [name for name, _ in shown(metrics) if name.endswith("_created")] == []


async def test_the_tasks_of_the_loop_are_counted_when_asked_for() -> None:
    metrics = Metrics()
    before = shown(metrics)["dcron_tasks", ()]
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(asyncio.Event().wait()) for _ in range(3)]
        assert shown(metrics)["dcron_tasks", ()] == before + 3
        for task in waiting:
            task.cancel()


def test_without_a_loop_there_are_no_tasks() -> None:
    assert Metrics().value("dcron_tasks") == 0


def test_whether_redis_answers_is_shown_once_it_is_told() -> None:
    metrics = Metrics()
    assert metrics.value("dcron_redis_up") is None
    for up in (True, False):
        metrics.redis_up(up)
        assert metrics.value("dcron_redis_up") == up


def test_blocks_of_memory_grow_with_what_is_kept() -> None:
    metrics = Metrics()
    before = metrics.value("dcron_memory_blocks") or 0
    kept = [object() for _ in range(10_000)]
    after = metrics.value("dcron_memory_blocks") or 0
    assert len(kept) * 0.9 < after - before < len(kept) * 2

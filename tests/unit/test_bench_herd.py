"""The comparison of who makes Jobs: what its rows say, and what every arm makes."""

from __future__ import annotations

from datetime import UTC, datetime

from controller import spec
from tests.bench import bodies
from tests.bench.herd import Outcome, rows

DUE_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def outcome(lateness: list[float], *, due: int = 100) -> Outcome:
    return Outcome(arm="ours", due=due, twice=0, lateness=lateness, cpu={"etcd": 1.0, "north": 2.0}, controller_cpu=2.0)


def test_a_quantile_is_of_what_was_due_and_not_of_what_was_made() -> None:
    whole = outcome([number / 100 for number in range(100)])
    assert [whole.quantile(share) for share in (0.5, 0.99, 1)] == [0.5, 0.99, 0.99]
    half = outcome([number / 100 for number in range(50)])
    assert half.quantile(0.4) == 0.4
    assert half.quantile(0.5) == float("inf")
    assert whole.whole
    assert not half.whole


def test_a_row_holds_the_last_job_against_the_limit_and_costs_against_firings() -> None:
    (row,) = rows([outcome([number / 100 for number in range(100)])], limit=0.5)
    assert row == ("ours", 100, 100, 0, "0.500", "0.990", "0.990", "1.98", "20.00", "30.00")


def test_every_arm_makes_the_same_job() -> None:
    (raw,) = bodies.plain_jobs("bench", 1, DUE_AT)
    (ours,) = bodies.objects(1, "0 12 2 3 *")
    (theirs,) = bodies.cron_jobs(1, "0 12 2 3 *")
    assert ours["spec"] == theirs["spec"]
    pod = raw["spec"]["template"]["spec"]
    assert [container.pop("env") is not None for container in pod["containers"]] == [True]
    assert raw["spec"] == ours["spec"]["jobTemplate"]["spec"]
    assert raw["metadata"]["name"].startswith("object-00000-20260302120000-")
    assert raw["metadata"]["ownerReferences"][0]["kind"] == spec.KIND

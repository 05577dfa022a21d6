"""Who fires when, what could use H, and which node serves how many: on values and on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from plugin import herd as herds
from plugin import objects
from plugin.chart import chart
from plugin.failures import Denied
from plugin.hashing import spread
from plugin.ports import CONFIG_MAPS, CRON_JOBS
from tests.unit.plugin.fake import NOW, READY, FakeCluster, condition, cron_job, dcron

SINCE = datetime(2026, 7, 1, 10, 1, tzinfo=UTC)


def herd(*bodies: dict[str, Any]) -> herds.Herd:
    return herds.herd(map(objects.read, bodies), NOW)


def minutes(found: herds.Herd) -> dict[str, int]:
    """By minute, as hours and minutes, how many fire."""
    return {
        f"{found.since + number * timedelta(minutes=1):%H:%M}": count
        for number, count in enumerate(found.counts)
        if count
    }


def test_the_day_begins_with_the_next_minute_and_has_all_of_it() -> None:
    found = herd(cron_job(schedule="* * * * *"))
    assert found.since == SINCE
    assert found.counts == (1,) * 24 * 60


def test_each_firing_counts_in_its_minute() -> None:
    found = herd(cron_job("a", "5 11 * * *"), cron_job("b", "5,6 11 * * *"), cron_job("c", "*/20 5 11 * * *"))
    assert minutes(found) == {"11:05": 5, "11:06": 1}
    assert found.worst[0].at == datetime(2026, 7, 1, 11, 5, tzinfo=UTC)
    assert found.worst[0].who == (("default/c", 3), ("default/a", 1), ("default/b", 1))


def test_zones_and_jitter_are_counted() -> None:
    assert minutes(herd(cron_job(schedule="5 9 * * *", timeZone="Asia/Kolkata"))) == {"03:35": 1}
    late = cron_job(schedule="5 11 * * *", jitterSeconds=3600)
    shift = objects.read(late).cron_job.shift
    assert list(minutes(herd(late))) == [f"{datetime(2026, 7, 1, 11, 5, tzinfo=UTC) + shift:%H:%M}"]


def test_the_last_minute_of_the_day_belongs_to_it() -> None:
    assert minutes(herd(cron_job(schedule="0 10 * * *"))) == {"10:00": 1}
    assert sum(herd(cron_job(schedule="1 10 * * *")).counts) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"suspend": True},
        {"schedule": "61 * * * *"},
        {"status": {"conditions": [condition("CircuitOpen", True, "x")]}},
        {"status": {"conditions": [condition("Completed", True, "x")]}},
    ],
)
def test_what_fires_nothing_is_only_counted(more: dict[str, Any]) -> None:
    found = herd(cron_job(**more))
    assert (sum(found.counts), found.silent, found.worst) == (0, 1, ())


def test_a_pause_silences_until_its_end() -> None:
    marks = {"annotations": {"dcron.io/suspend-until": "2026-07-01T12:00:00Z"}}
    found = herd(cron_job(schedule="0 * * * *", metadata=marks))
    assert next(iter(minutes(found))) == "12:00"
    assert found.silent == 0


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("0 * * * *", "H * * * *"),
        ("0 3 * * *", "H 3 * * *"),
        ("*/5 * * * *", "H/5 * * * *"),
        ("0/5 * * * *", "H/5 * * * *"),
        ("0 0 3 * * *", "H H 3 * * *"),
        ("@hourly", "H * * * *"),
        ("@Daily", "H H * * *"),
        ("@monthly", "H H 1 * *"),
        ("* * * * *", None),
        ("*/1 * * * *", None),
        ("17 3 * * *", None),
        ("0,30 * * * *", None),
        ("*/10 0 * * * *", None),
        ("H 3 * * *", None),
        ("@every 5m", None),
        ("@at 2030-01-31T06:00:00Z", None),
        ("", None),
    ],
)
def test_h_goes_where_any_minute_would_do(text: str, instead: str | None) -> None:
    assert spread(text) == (instead or text)


def test_who_could_use_h_is_told_with_what_it_would_help() -> None:
    bodies = [cron_job(f"report-{number}", "0 * * * *") for number in range(30)]
    found = herd(*bodies, cron_job("meant", "17 * * * *"), cron_job("jittered", "0 * * * *", jitterSeconds=60))
    assert max(found.counts) >= 30
    assert {one.key for one in found.advice} == {f"default/report-{number}" for number in range(30)}
    assert found.advice[0].instead == "H * * * *"
    assert found.worst_then <= 5


def test_one_alone_is_no_herd() -> None:
    assert herd(cron_job(schedule="0 * * * *")).advice == ()


def test_of_several_schedules_each_is_looked_at() -> None:
    several = cron_job("several", None, schedules=["0 * * * *", "30 4 * * *"])
    found = herd(several, cron_job("another", "0 * * * *"))
    (advice,) = (one for one in found.advice if one.key == "default/several")
    assert advice.instead == "H * * * * | 30 4 * * *"


def test_the_picture_has_a_line_for_each_hour() -> None:
    counts = [0] * 24 * 60
    counts[0], counts[59], counts[60] = 8, 1, 4
    lines = [line.plain for line in chart(counts, SINCE, UTC)]
    assert len(lines) == 1 + 25
    head, first, second, *_, last = lines
    assert first[:14] == "Wed 10:00     "
    assert first[head.index("0") + 1] == "█", "minute 1"
    assert second[head.index("0")] == "▁", "minute 0"
    assert second[head.index("0") + 1] == "▄", "minute 1"
    assert first.split()[-2:] == ["8", "8"]
    assert second.split()[-2:] == ["5", "4"]
    assert len({len(line) for line in lines[1:]}) == 1, last


def test_hours_are_those_of_the_zone() -> None:
    lines = [line.plain for line in chart([1] * 24 * 60, SINCE, ZoneInfo("Asia/Kolkata"))]
    assert lines[1].startswith("Wed 15:00")


def test_an_empty_day_has_a_picture_too() -> None:
    assert all("█" not in line.plain for line in chart([0] * 24 * 60, SINCE, UTC))


def cluster() -> FakeCluster:
    found = FakeCluster()
    for number in range(4):
        namespace = {"namespace": "other"} if number == 3 else {}
        owner = {} if number == 0 else {"owner": "south" if number == 1 else "north"}
        wrote = [{"subresource": "status", "time": f"2026-07-01T10:00:0{number}Z"}, {"manager": "x"}]
        found.add(
            CRON_JOBS,
            cron_job(
                f"report-{number}",
                "0 * * * *",
                metadata={**namespace, "managedFields": wrote},
                status={**owner, "conditions": [READY]},
            ),
        )
    return found


def test_herd_shows_the_whole_cluster_unless_a_namespace_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(cluster(), "herd", "-o", "json") == 0
    assert sum(json.loads(capsys.readouterr().out)["counts"]) == 4 * 24
    dcron(cluster(), "herd", "-n", "other", "-o", "json")
    assert sum(json.loads(capsys.readouterr().out)["counts"]) == 24


def test_herd_for_people_has_picture_minutes_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(cluster(), "herd", "--tz", "Europe/Berlin")
    told = capsys.readouterr().out
    assert "Wed 12:00" in told
    assert "Wed 2026-07-01 13:00   4      default/report-0, default/report-1, default/report-2 and 1 more" in told
    assert "default/report-0   0 * * * *   H * * * *" in told
    assert "instead of 4" in told


def test_where_nothing_could_use_h_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    found = FakeCluster()
    found.add(CRON_JOBS, cron_job(schedule="17 * * * *"))
    found.add(CRON_JOBS, cron_job("silent", suspend=True))
    dcron(found, "herd")
    told = capsys.readouterr().out
    assert told.endswith("nothing in the worst minutes could use H\n1 objects fire nothing as they are\n")


def test_a_silent_cluster_has_no_herd(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(FakeCluster(), "herd")
    assert capsys.readouterr().out == "nothing fires within a day\n"


def test_the_ring_is_told_by_the_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(cluster(), "ring", "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(node["node"], node["objects"], node["share"]) for node in found["nodes"]] == [
        ("north", 2, 0.6667),
        ("south", 1, 0.3333),
    ]
    assert found["nodes"][0]["wroteAt"] == "2026-07-01T10:00:03Z"
    assert found["unserved"] == ["default/report-0"]
    assert found["spread"] == 1.333
    assert found["epoch"] is None
    dcron(cluster(), "ring")
    told = capsys.readouterr().out
    assert "the largest share is 1.33 times an even one" in told
    assert "1 not served yet: default/report-0" in told


def test_a_ring_that_serves_nothing_is_not_seen(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(FakeCluster(), "ring")
    assert capsys.readouterr().out == "no object names a node that serves it\n"


def pause(name: str, text: str | None, controller: str = "dcron") -> dict[str, Any]:
    """The ConfigMap of an installation."""
    labels = {"dcron.io/pauses": controller}
    return {
        "metadata": {"name": name, "namespace": "system", "labels": labels},
        "data": {"paused": text} if text else {},
    }


@pytest.mark.parametrize(
    ("text", "value", "sentence"),
    [
        ("false", False, None),
        (
            "True\n",
            True,
            "all objects of controller dcron are paused by the ConfigMap system/dcron-pause: replicas follow it within "
            "a minute or so",
        ),
        (
            "treu",
            None,
            "the ConfigMap system/dcron-pause says 'treu', neither true nor false: the replicas of",
        ),
        (None, None, "the ConfigMap system/dcron-pause says '', neither true nor false"),
    ],
)
def test_the_ring_tells_of_an_emergency_pause(
    text: str | None, value: bool | None, sentence: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    there = cluster()
    there.add(CONFIG_MAPS, pause("dcron-pause", text))
    there.add(CONFIG_MAPS, {"metadata": {"name": "another", "namespace": "system"}, "data": {"paused": "true"}})
    dcron(there, "ring", "-o", "json")
    told = {"controllerName": "dcron", "configMap": "system/dcron-pause", "paused": value}
    assert json.loads(capsys.readouterr().out)["pauses"] == [told]
    dcron(there, "ring")
    shown = " ".join(capsys.readouterr().out.split())
    assert ("pause" in shown) == (sentence is not None)
    assert sentence is None or sentence in shown


def test_two_installations_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    there = cluster()
    there.add(CONFIG_MAPS, pause("b-pause", "true", controller="team-b"))
    there.add(CONFIG_MAPS, pause("a-pause", "false", controller="team-a"))
    dcron(there, "ring", "-o", "json")
    told = json.loads(capsys.readouterr().out)["pauses"]
    assert [(one["controllerName"], one["paused"]) for one in told] == [("team-a", False), ("team-b", True)]


def test_who_may_not_list_config_maps_is_told_that_a_pause_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    there = cluster()
    there.refusals["list", "configmaps"] = Denied("configmaps is forbidden")
    assert dcron(there, "ring", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["pauses"] is None
    assert dcron(there, "ring") == 0
    assert "whether everything is paused is not known: configmaps is forbidden" in capsys.readouterr().out

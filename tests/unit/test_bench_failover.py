"""The comparison with dcron, the Go library: what its lines say, and how firings around a change are counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tests.bench import calls, contenders, failover, gaps, guard, library
from tests.bench.gaps import Firing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT = NOON + timedelta(seconds=1.5)
"""A node dies, half a second after the second second."""
SECOND = timedelta(seconds=1)
JOBS = ("a", "b")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def fired(job: str, *seconds: float, late: float = 0.25) -> list[Firing]:
    """Firings in turn, all so late."""
    return [Firing(job=job, instant=at(second), at=at(second + late)) for second in seconds]


def again(job: str, second: float) -> Firing:
    """A call outside the job's turn."""
    return Firing(job=job, instant=None, at=at(second))


def counted(*firings: Iterable[Firing]) -> gaps.Gap:
    """Of both jobs, from the second before the event until the tenth."""
    return gaps.counted([one for some in firings for one in some], JOBS, since=at(1), until=at(10), event=EVENT)


# --- lines ------------------------------------------------------------------------------------------------------------


def test_a_line_of_the_program_is_a_firing_of_the_instant_before_it() -> None:
    nanoseconds = 1_772_452_800_123_456_789
    (found,) = library.heard([f"fired object-00007 {nanoseconds} north turn"], every=SECOND)
    assert found.job == "object-00007"
    assert found.node == "north"
    assert found.instant == NOON
    assert found.lateness == pytest.approx(0.123456)
    (of_minute,) = library.heard([f"fired object-00007 {nanoseconds + 7_000_000_000} north turn"], timedelta(minutes=1))
    assert of_minute.instant == NOON


def test_a_call_out_of_turn_has_no_instant() -> None:
    (found,) = library.heard(["fired object-00007 1772452800123456789 north again"], every=SECOND)
    assert found.instant is None


def test_other_lines_of_the_program_and_one_that_was_cut_off_by_its_death_are_no_firings() -> None:
    lines = ["started north", "[dcron] 2026/03/02 12:00:00 [ERROR] allow this node run error", "", "fired object-00"]
    assert library.heard(lines, every=SECOND) == []


def test_the_version_is_the_one_that_is_built() -> None:
    pins = (library.SOURCES / "go.mod").read_text()
    assert f"github.com/libi/dcron v{library.version()}\n" in pins


# --- counting ---------------------------------------------------------------------------------------------------------


def test_without_a_gap_all_go_on_at_once() -> None:
    found = counted(fired("a", *range(12)), fired("b", *range(12)))
    assert (found.due, found.missed, found.late, found.again, found.twice) == (18, 0, 0, 0, 0)
    assert found.worst == 0.25
    assert found.over == 0


def test_instants_that_nobody_fired_are_missed_and_end_when_all_fire() -> None:
    found = counted(fired("a", *range(12)), fired("b", 0, 1, 5, *range(7, 12)))
    assert (found.due, found.missed, found.twice) == (18, 4, 0)
    assert found.over == 5.5, "from half past the first second to the seventh, the first of which all fire"


def test_what_was_never_fired_again_is_never_over() -> None:
    found = counted(fired("a", *range(12)), fired("b", 0, 1))
    assert found.missed == 8
    assert found.over == float("inf")


def test_an_instant_that_is_fired_twice_is_counted_for_each_time_too_many() -> None:
    found = counted(fired("a", *range(12)), fired("a", 3, 4), fired("a", 4), fired("b", *range(12)))
    assert (found.missed, found.twice) == (0, 3)


def test_an_instant_that_was_fired_late_is_not_missed() -> None:
    found = counted(fired("a", *range(12)), fired("b", 0, 1, *range(4, 12)), fired("b", 2, 3, late=3.0))
    assert (found.missed, found.late, found.twice) == (0, 2, 0)
    assert found.worst == 3.0
    assert found.over == 2.5


def test_a_call_out_of_turn_makes_good_the_last_instant_that_was_missed_before_it() -> None:
    in_turn = (fired("a", *range(12)), fired("b", 0, 1, *range(5, 12)))
    found = counted(*in_turn, [again("b", 5.1), again("b", 5.1)])
    assert (found.missed, found.again, found.twice) == (1, 2, 0)
    assert found.worst == pytest.approx(2.1), "the second second is the one that stays missed"
    assert found.over == 3.5, "the fourth second is missed"


def test_a_call_out_of_turn_with_nothing_missed_is_one_too_many() -> None:
    found = counted(fired("a", *range(12)), fired("b", *range(8), *range(9, 12)), [again("b", 5.1), again("c", 5.1)])
    assert (found.missed, found.again, found.twice) == (1, 0, 2)


def test_what_is_due_before_and_after_does_not_count() -> None:
    whole = fired("a", *range(1, 10)), fired("b", *range(1, 10))
    assert counted(*whole) == counted(*whole, fired("a", 0, 0, 10, 10), [again("a", 0.9), again("a", 10.0)])


# --- the table --------------------------------------------------------------------------------------------------------


def test_a_row_says_what_a_change_cost_and_it_is_kept_as_it_is() -> None:
    found = counted(fired("a", *range(12)), fired("b", 0, 1))
    change = failover.Change(arm="theirs", event="kill -9 of one of three", owned=7, gap=found)
    (row,) = failover.rows([change])
    assert row == ("theirs", "kill -9 of one of three", 7, 18, 8, 0, 0, 0, "0.25", "never")
    assert json.loads(json.dumps(change.kept()))["gap"]["missed"] == 8
    assert not change.whole
    assert failover.Change(arm="ours", event="a fourth joins", owned=0, gap=counted(fired("a", 1), [])).whole is False


def test_what_is_kept_shows_that_this_project_missed_nothing() -> None:
    kept = json.loads((guard.KEPT.parent / "failover.json").read_text())
    ours = [change for change in kept["changes"] if change["arm"] == contenders.OURS]
    assert [change["event"] for change in ours] == [failover.KILLED, failover.JOINED]
    assert all(change["gap"]["missed"] == change["gap"]["twice"] == 0 for change in ours)


def test_a_herd_is_late_from_its_minute_on_and_one_too_many_is_seen() -> None:
    heard = [*fired("a", 0, late=0.1), *fired("b", 0, late=0.2), *fired("b", 0, late=0.4), *fired("b", 60, late=0.1)]
    found = calls.outcome(heard, NOON, due=3, cpu={"north": 1.0, "redis": 0.5})
    assert found.lateness == pytest.approx([0.1, 0.2])
    assert (found.due, found.twice) == (3, 1)
    assert found.controller_cpu == 1.0
    assert not found.whole

"""A report of what broke holds what has to do with it, and not the whole run."""

from __future__ import annotations

from tests.simulation.invariants import check
from tests.simulation.news import news
from tests.simulation.stories import Story, at, text
from tests.simulation.trace import report, trace

COMMAND = "python -m tests.simulation --seed 17"


def told(story: Story) -> str:
    return report(COMMAND, story.evidence, check(story.evidence))


def late_in_a_fault() -> Story:
    story = Story().apply().fire(10, 20).trouble(3, 60, what="Redis down").strike(2, "join", whom="node-7")
    return story.create(30, late=7).settle(30, late=7.5).fire(40, 50)


def test_a_report_names_the_command_the_violation_the_wish_and_the_faults_around_it() -> None:
    lines = told(late_in_a_fault()).splitlines()
    assert lines[0] == f"1 violations; to repeat: {COMMAND}"
    assert lines[1] == "  L1 12:00:30.000: ns/report: created 0:00:07 late"
    assert any("applied schedule=*/10" in line for line in lines)  # though it lies long before
    assert any("-- Redis down all, until 12:01:00" in line for line in lines)  # it had begun long before
    assert not any("join" in line for line in lines)  # long over
    assert any("report-30: created by node-1" in line for line in lines)
    assert not any("report-10" in line for line in lines)


def test_a_report_stays_short_however_much_has_happened() -> None:
    story = Story().apply()
    for instant in range(1, 58):
        story.create(instant, late=0.1).create(instant, late=0.2, uid=f"again-{instant}")
    lines = told(story).splitlines()
    assert len(lines) < 30
    assert len(trace(story.evidence).splitlines()) > 100


def test_of_a_status_only_what_is_new_is_told() -> None:
    slot = {"name": "report-10", "scheduledAt": text(at(10))}
    before = {"settledThrough": text(at(10)), "active": [slot], "owner": "node-1"}
    created = {"scheduledAt": text(at(10)), "reason": "Created"}
    after = {**before, "active": [{**slot, "uid": "job-10"}], "recent": [created]}
    assert news({}, before).text == "settled through 12:00:10; active 12:00:10? (by node-1)"
    assert news(before, after).text == "active 12:00:10; 12:00:10 Created (by node-1)"
    assert news(after, {**after, "counts": {"succeeded": 1}}).text == ""
    assert "12:00:10" in news(before, after).instants

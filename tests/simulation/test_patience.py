"""Each thing that a fault excuses, and that it excuses no more than that: hand-made histories."""

from __future__ import annotations

from datetime import datetime

import pytest

from controller.outcomes import Trigger
from tests.fakes.happenings import What
from tests.simulation.invariants import POLICY_RULES, check
from tests.simulation.stories import Story, at, text


def rules(story: Story) -> set[str]:
    return {violation.rule for violation in check(story.evidence)}


def redis_down(*, late: float, died: float | None = 12, again: float = 0.1) -> Story:
    """Redis is gone from 5 s on; a replica dies; the instant of 30 s is late by so much, the one after it again."""
    story = Story().apply().fire(10, 20) if died is None or died > 20 else Story().apply().fire(10)
    story.trouble(5, 55, what="Redis down")
    if died is not None:
        story.strike(died, whom="node-9")
    if died == 12:
        story.create(20, late=0.1).settle(20)
    story.create(30, late=late).settle(30, late=late + 0.5)
    return story.create(40, late=again).settle(40, late=again + 0.5).until(46)


STANDS_IN = {
    "once for the one who died": (redis_down(died=21, late=4.9), set()),
    "not for as long as two would take": (redis_down(died=21, late=5.3), {"L2"}),
    "not for nobody": (redis_down(died=None, late=4.9), {"L1"}),
    "not a second time": (redis_down(died=21, late=4.9, again=4.9), {"L1"}),
    "not once it has been served since": (redis_down(died=12, late=4.9), {"L1"}),
}


@pytest.mark.parametrize(("story", "broken"), STANDS_IN.values(), ids=STANDS_IN)
def test_who_stands_in_behind_the_last_ring_may_be_late(story: Story, broken: set[str]) -> None:
    assert rules(story) == broken


def test_a_stalled_watch_hides_an_edit_for_75_seconds_at_most() -> None:
    def edited(late: float) -> Story:
        story = Story().apply(suspend=True).apply(12, generation=2).trouble(5, 190, what="watch stalled for long")
        story.evidence.ended = at(200)
        return story.create(20, generation=2, late=late).settle(20, late=late + 0.5)

    def at_twenty(story: Story) -> set[str]:
        return {one.rule for one in check(story.evidence) if one.at == at(20)}

    assert "L2" not in at_twenty(edited(late=74))
    assert "L2" in at_twenty(edited(late=76))


def early_by(seconds: float, *, joined: float | None, healed: float = 55) -> set[str]:
    story = Story().apply().fire(10, 20, 30, 40).create(50, late=-seconds).settle(50)
    story.trouble(15, healed, what="Redis down")
    if joined is not None:
        story.strike(joined, "join")
    return rules(story) & {"S3"}


def test_a_replica_that_redis_has_never_told_the_time_knows_it_by_whole_seconds() -> None:
    assert not early_by(0.9, joined=20)
    assert early_by(1.2, joined=20)
    assert early_by(0.9, joined=11)  # it joined before, and was told
    assert early_by(0.9, joined=None)


def test_a_replica_whose_watch_is_slow_asks_redis_once_it_has_shown_all() -> None:
    def early(*, slow_until: float) -> bool:
        story = Story().apply().fire(10, 20, 30, 40).create(50, late=-0.9).settle(50)
        story.trouble(5, slow_until, what="watch slow").trouble(15, 55, what="Redis down").strike(6, "join")
        return "S3" in rules(story)

    assert early(slow_until=10.9)
    assert not early(slow_until=11.1)


def test_redis_has_told_it_by_the_end_of_the_beat_after_the_one_that_met_the_fault() -> None:
    assert not early_by(0.9, joined=20, healed=46.6)  # the Job is of 49.1 s
    assert early_by(0.9, joined=20, healed=46.5)


def blink(seconds: float) -> Story:
    """Suspended just before 20 s and resumed so much later; nobody has written a status meanwhile."""
    story = Story().apply().fire(10)
    story.apply(19.9, generation=2, suspend=True).apply(19.9 + seconds, generation=3, suspend=False)
    return story.create(20, generation=3, late=max(0.1, seconds)).settle(20, generation=3, late=seconds + 0.9)


def test_a_suspension_that_was_over_before_it_had_to_be_seen_leaves_no_trace() -> None:
    assert "S7" not in rules(blink(0.8).fire(30, 40, 50, generation=3))
    assert "S7" in rules(blink(1.6).fire(30, 40, 50, generation=3))
    assert "S7" not in rules(blink(1.6).fire(30, 40, 50, generation=3).trouble(18, 20.5, excuses=True))
    noted = blink(0.8).tell(20, generation=2, settledThrough=text(at(10)), lastScheduleTime=text(at(10)))
    assert "S7" in rules(noted)


def test_a_job_whose_create_met_an_edit_may_be_counted_by_the_next_write() -> None:
    def crossed(due: int) -> Story:
        story = Story().apply().fire(10).apply(19.9, generation=2, schedule="5 * * * * *").create(20)
        counts = {"due": due, "created": due}
        return story.tell(
            25, generation=2, settledThrough=text(at(24)), lastScheduleTime=text(at(20)), counts=counts
        ).until(28)

    assert "L4" not in rules(crossed(2))
    assert "L4" in rules(crossed(3))


def test_under_jitter_jobs_are_ordered_by_when_they_are_due() -> None:
    """An instant of 20 s that is put off to 25 s is younger than a manual run of 23 s."""
    story = Story().apply(jitterSeconds=5, concurrencyPolicy="Replace").put_off(10, 5.1).happen(What.FINISHED, 10, 16)
    story.annotate(22.8, trigger="now").run("now", 23)
    story.happen(
        What.DELETED, 23, 25.2, node="node-1", uid="job-now", name="report-m-now", trigger=Trigger.MANUAL
    ).put_off(20, 5.3)
    assert "S9" not in rules(story.until(28))


def test_who_leaves_and_fires_on_for_a_while_is_nobody_who_stands_in() -> None:
    def left(by: str) -> Story:
        story = Story().apply().fire(10).trouble(5, 55, what="Redis down").strike(19, "stop", whom="node-9")
        story.happen(What.CREATED, 20, 20.1, node=by).settle(20)
        return story.create(30, late=4.9).settle(30, late=5.4).until(38)

    assert not rules(left("node-9"))
    assert rules(left("node-1")) == {"L1"}


def test_the_value_of_a_manual_run_runs_again_after_another_once_nobody_tells_of_it() -> None:
    def again(*, other: str = "b", fault: str = "Redis down") -> set[str]:
        story = Story().apply().annotate(3, trigger="a").run("a", 3.1).fire(10, 20, 30)
        story.annotate(12, trigger=other).run(other, 12.1) if other != "a" else None
        name = {"name": "report-m-a", "trigger": Trigger.MANUAL, "trigger_id": "a"}
        story.happen(What.DELETED, 3, 15, node="node-1", uid="job-a", finished_at=at(5), **name)
        story.trouble(29, 33, what=fault).annotate(31, trigger="a").run("a", 31.1, uid="job-a-again")
        return rules(story.until(38)) & {"S1"}

    assert not again()
    assert again(other="a")
    assert again(fault="API server down")


def test_of_two_nodes_one_may_tell_of_an_instant_as_too_old_while_the_other_creates_it() -> None:
    def crossed(*, by: str, late: float = 10.1) -> set[str]:
        story = Story().apply().fire(10).trouble(18, 29, what="API throttles", excuses=True)
        story.happen(What.CREATED, 20, 20 + late, node="node-1")
        return rules(story.settle(20, "MissedCatchUp", late=10.2, by=by).until(31)) & {"L4"}

    assert not crossed(by="node-2")
    assert crossed(by="node-1")
    assert crossed(by="node-2", late=9.5)


def test_what_another_node_fired_a_little_early_says_nothing_of_the_jitter() -> None:
    def put_off(*, joined: float) -> set[str]:
        story = Story().apply(jitterSeconds=1).put_off(10, 1.05).put_off(20, 1.05)
        story.strike(joined, "join", whom="node-2").trouble(15, 45, what="Redis down")
        story.happen(What.CREATED, 30, 30.2, node="node-2").settle(30, late=0.3, by="node-1")
        return rules(story.put_off(40, 1.05).until(44)) & {"S3"}

    assert not put_off(joined=25)
    assert put_off(joined=11)


def test_what_is_due_at_first_is_counted_by_either_jitter_where_a_clock_may_have_been_a_second_ahead() -> None:
    """An instant of 10 s is due at 14 s or at 15 s, and its object is of 14.5 s."""

    def fits(due: int, *, joined: float = 12) -> bool:
        counts = {"due": due, "created": due}
        story = Story().strike(joined, "join").trouble(10, 45, what="Redis down").apply(14.5, jitterSeconds=5)
        story.tell(14.9, settledThrough=text(at(10)), owner="node-1", counts=counts).create(20, late=4.5)
        story.happen(What.CREATED, 30, 35.1, node="node-2")
        return not any("counted as due" in found.what for found in check(story.until(36).evidence))

    assert fits(0)
    assert fits(1)
    assert not fits(2)
    assert fits(0, joined=3)
    assert not fits(1, joined=3)


def test_jitter_that_only_a_job_in_a_fault_shows_may_be_less_and_its_job_late() -> None:
    """An object of 10.6 s: that of 10 s is due where firings are put off. That of 20 s has its Job 2.9 s later."""

    def fits(due: int, *, struck: float) -> bool:
        story = Story().apply(10.6, jitterSeconds=4).strike(struck, whom="node-9")
        story.tell(11, settledThrough=text(at(10)), counts={"due": due, "created": due}).create(20, late=2.9)
        return not any("counted as due" in found.what for found in check(story.until(25).evidence))

    assert fits(0, struck=20.5)
    assert fits(1, struck=20.5)
    assert fits(0, struck=14.95), "its eight seconds are over just after that Job"
    assert not fits(0, struck=3)

    def seen_late(slow_until: float) -> bool:
        story = Story().apply(10.6, jitterSeconds=4).trouble(0, slow_until, what="watch slow")
        story.tell(11, settledThrough=text(at(10)), counts={"due": 0}).create(20, late=2.9)
        return not any("counted as due" in found.what for found in check(story.until(25).evidence))

    assert seen_late(30)
    assert not seen_late(10)


def unfounded(story: Story) -> list[datetime | None]:
    """The instants without a Job whose reasons nothing bears out."""
    return [found.at for found in check(story.evidence, POLICY_RULES) if "why?" in found.what]


def test_without_a_job_nobody_knows_how_far_an_objects_firings_are_put_off() -> None:
    def edited(story: Story, *, by: float) -> Story:
        """An instant of 10 s is told as missed by an edit, eleven seconds later."""
        story.apply(by, generation=2, jitterSeconds=5, suspend=True)
        return story.settle(10, "MissedEdit", late=11, generation=2).until(28)

    def born() -> Story:
        return Story().apply(jitterSeconds=5)

    assert not unfounded(edited(born(), by=10.2))
    assert unfounded(edited(born(), by=8.5)) == [at(10)]
    assert unfounded(edited(born().put_off(0, 4.5), by=10.2)) == [at(10)]


def test_redis_that_is_deaf_to_one_replica_tells_the_others_the_time() -> None:
    def early(whom: str) -> bool:
        story = Story().apply().fire(10, 20, 30, 40).create(50, late=-0.9).settle(50).strike(14, "join")
        return "S3" in rules(story.trouble(15, 55, what="Redis deaf", whom=whom))

    assert not early("node-1")
    assert early("node-2")


def test_a_contested_job_that_is_kept_may_meet_the_next_fault() -> None:
    def outlives(until: float, *, contested: bool) -> set[str]:
        story = Story().apply(concurrencyPolicy="Replace").fire(10, 20)
        slot = {"name": "report-10", "scheduledAt": text(at(10)), "uid": "job-10", "contested": contested}
        story.tell(21, active=[slot], settledThrough=text(at(20)), lastScheduleTime=text(at(20)))
        story.trouble(24, 28.5, what="API server down")
        return rules(story.happen(What.DELETED, 10, until, node="node-1").until(min(until + 1, 58))) & {"S9"}

    assert not outlives(29.5, contested=True)
    assert outlives(29.5, contested=False)


def given_up_after_a_death(*, late_until: float | None, redis_from: float = 26) -> set[str]:
    """A replica dies at 23.5 s, Redis is gone a moment later, the instant of 20 s is given up after 11 s."""
    story = Story().apply().fire(10).strike(23.5, whom="node-9").trouble(redis_from, 34, what="Redis down")
    if late_until is not None:
        story.trouble(late_until - 4, late_until, what="API requests late")
    story.settle(20, "MissedCatchUp", late=11).until(60)
    return {one.rule for one in check(story.evidence) if one.at == at(20)}


def test_what_waited_when_a_replica_died_may_be_given_up_if_that_drags_on() -> None:
    assert "L2" not in given_up_after_a_death(late_until=19)


def test_what_should_have_been_done_before_it_died_may_not() -> None:
    assert "L1" in given_up_after_a_death(late_until=None)
    assert "L2" in given_up_after_a_death(late_until=15)


def test_nor_may_what_waited_for_a_death_that_was_over() -> None:
    assert "L2" in given_up_after_a_death(late_until=19, redis_from=32)

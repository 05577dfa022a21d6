"""Each fault of Redis, of the API server, of watches and of processes really strikes, and excuses time and no more.

What all of them together come to is in `test_seeds`.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from datetime import timedelta

import pytest

from tests.fakes.happenings import What
from tests.simulation import invariants, runs
from tests.simulation.authors import TEMPLATE
from tests.simulation.evidence import Evidence
from tests.simulation.loop import Simulation, simulate
from tests.simulation.mixes import FAULTS
from tests.simulation.processes import PROCESS
from tests.simulation.stories import Story, at
from tests.simulation.trace import report
from tests.simulation.troubles import BRIEF, LATE
from tests.simulation.world import World

STRIKES = {
    "Redis down": "Redis down",
    "Redis empty": "Redis emptied",
    "Redis black-holed": "Redis silent",
    "Redis deaf": "answer of Redis lost",
    "Redis slow": "Redis silent",
    "Redis loses writes": "acknowledged writes lost",
    "Redis stale": "stale read",
    "API server down": "API server down",
    "API server black-holed": "API server black-holed",
    "API errors": "500 after the write",
    "API requests late": "seconds on its way",
    "API conflicts": "conflict on a status",
    "API throttles": "429",
    "watch slow": "watch slowed",
    "watch stalled": "watch stands still",
    "paused": "callback held",
    "clock stepped": "clock stepped",
    "Redis clock stepped": "clock of Redis stepped",
}
"""By kind of fault, what it is counted as where it strikes."""


def broken(seed: int, evidence: Evidence) -> str | None:
    """What a person needs to know, if an invariant is broken."""
    violations = invariants.check(evidence)
    return report(f"seed {seed}", evidence, violations) if violations else None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", dict.fromkeys((*BRIEF, *LATE)))
def test_a_fault_really_strikes_and_is_withstood(kind: str) -> None:
    struck = 0
    for seed in (1, 2, 3):
        evidence = runs.minutes_of(runs.only(FAULTS, kind), seed=seed)
        struck += evidence.struck.get(STRIKES[kind], 0)
        assert {fault.what for fault in evidence.faults if fault.until} == {kind}
        assert not (told := broken(seed, evidence)), told
    assert struck, f"{kind} has met nobody"


def test_nothing_of_a_stopped_replica_runs_until_it_is_continued() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation, stoppable=True)
        node = world.start()
        world.server.job_duration = lambda job: timedelta(seconds=3)
        world.server.apply("ns", "every-second", {"schedule": "* * * * * *", "jobTemplate": TEMPLATE})
        await world.sleep(10.5)
        node.signals.stop()
        await world.sleep(1)  # what it had sent arrives
        before = world.evidence.history[-1].at
        await world.sleep(6)
        created = [entry for entry in world.evidence.history if entry.at > before and entry.what is What.CREATED]
        assert not created
        assert [entry for entry in world.evidence.history if entry.what is What.FINISHED]
        node.signals.resume()
        await world.sleep(8)
        late = [entry.job.scheduled_at for entry in world.evidence.history if entry.what is What.CREATED]
        assert len(late) == len(set(late)) > 20
        await world.close()

    simulate(scenario)


def test_a_timer_that_is_cancelled_while_its_process_is_stopped_does_not_go_off() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation, stoppable=True)
        node = world.start()
        gone_off: list[float] = []
        await world.sleep(0)

        async def inside() -> asyncio.TimerHandle:
            return simulation.loop.call_later(1, gone_off.append, 1)

        context = copy_context()
        context.run(PROCESS.set, node.signals)
        timer = await simulation.loop.create_task(inside(), context=context)
        node.signals.stop()
        await world.sleep(2)
        timer.cancel()
        node.signals.resume()
        await world.sleep(1)
        assert not gone_off
        await world.close()

    simulate(scenario)


def rules(story: Story) -> set[str]:
    return {violation.rule for violation in invariants.check(story.evidence)}


VALID = {
    "late at the begin of a fault": Story().apply().fire(10).trouble(18, 45).create(20, late=5).settle(20, late=6),
    "late at its healing": Story().apply().fire(10).trouble(5, 19).create(20, late=6).settle(20, late=7),
    "waits for the API server": Story()
    .apply()
    .trouble(8, 32, excuses=True)
    .settle(10, "MissedCatchUp", late=24)
    .settle(20, "MissedCatchUp", late=14)
    .create(30, late=4)
    .settle(30, late=4.5),
}
BROKEN = {
    "late in the midst of a fault that excuses nothing": (
        Story().apply().fire(10).trouble(11, 45).create(20, late=5).settle(20, late=6),
        "L1",
    ),
    "later than the healing allows": (
        Story().apply().fire(10).trouble(5, 19).create(20, late=8).settle(20, late=9),
        "L2",
    ),
    "given up though it was not late when the API server came back": (
        Story().apply().trouble(8, 11, excuses=True).settle(10, "MissedCatchUp", late=5),
        "L2",
    ),
    "given up without any outage": (Story().apply().settle(10, "MissedCatchUp", late=1), "L1"),
    "never made up for": (Story().apply().trouble(8, 32, excuses=True), "L2"),
}


@pytest.mark.parametrize("story", VALID.values(), ids=VALID)
def test_a_fault_excuses_time(story: Story) -> None:
    assert not rules(story.until(29 if story is not VALID["waits for the API server"] else 40))


@pytest.mark.parametrize(("story", "rule"), BROKEN.values(), ids=BROKEN)
def test_a_fault_excuses_no_more_than_that(story: Story, rule: str) -> None:
    assert rule in rules(story.until(60))


def test_an_edit_may_stay_unseen_while_a_watch_stands_still_and_no_longer() -> None:
    def edited_while_stalled(fired_late: float) -> Story:
        story = Story().apply(suspend=True).apply(12, generation=2).trouble(5, 25, what="watch stalled")
        return story.create(20, generation=2, late=fired_late).settle(20, late=fired_late + 0.5).until(60)

    assert "L2" not in {one.rule for one in invariants.check(edited_while_stalled(12).evidence) if one.at == at(20)}
    assert "L2" in {one.rule for one in invariants.check(edited_while_stalled(14).evidence) if one.at == at(20)}

"""Whether the API server answers this node: when others stop counting on it, and what the log says of it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from controller.apipulse import LONGEST_ANSWER, REMEMBERED, ApiPulse
from controller.timekeeper import Timekeeper
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.simulation.loop import Simulation, simulate
from tests.unit.doubles import Numbers

SECOND = timedelta(seconds=1)


def test_one_answer_that_fails_is_no_silence_and_a_silence_is_told_once_and_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        server = FakeApiServer(now=clock.true_now, latency_seconds=(0, 0))
        pulse = ApiPulse(FakeCluster(server, clock, "node-a"), clock, Timekeeper(clock, Numbers()), every=SECOND)

        async def asked(times: int) -> None:
            for _ in range(times):
                await clock.sleep(SECOND)
                await pulse.ask()

        await asked(1)
        server.down = True
        await asked(LONGEST_ANSWER // SECOND)
        assert (pulse.answers, caplog.messages) == (True, [])
        await asked(2)
        assert (pulse.answers, caplog.messages) == (False, ["the API server does not answer"])
        server.down = False
        await asked(2)
        assert pulse.answers
        assert caplog.messages == ["the API server does not answer", "the API server answers again"]

    caplog.set_level(logging.WARNING)
    simulate(scenario)


def test_a_server_that_has_never_answered_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        server = FakeApiServer(now=clock.true_now, latency_seconds=(0, 0))
        server.down = True
        pulse = ApiPulse(FakeCluster(server, clock, "node-a"), clock, Timekeeper(clock, Numbers()), every=SECOND)
        await pulse.ask()
        assert (pulse.answers, caplog.messages) == (False, ["the API server does not answer"])

    caplog.set_level(logging.WARNING)
    simulate(scenario)


def test_the_quickest_of_the_last_answers_shows_what_an_api_server_takes_that_has_little_to_do() -> None:
    async def scenario(simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        server = FakeApiServer(now=clock.true_now, latency_seconds=(0.02, 0.02))
        pulse = ApiPulse(FakeCluster(server, clock, "node-a"), clock, Timekeeper(clock, Numbers()), every=SECOND)
        assert pulse.quickest is None
        await pulse.ask()
        near = pulse.quickest
        assert near is not None
        assert near > timedelta(0)
        server.latency_seconds = (0.3, 0.3)
        for _ in range(REMEMBERED - 1):
            await pulse.ask()
        assert pulse.quickest == near, "a herd does not make it any farther"
        await pulse.ask()
        assert pulse.quickest > 10 * near

    simulate(scenario)

"""An API server that fails a share of all requests: what fires each second is late, and does not fall behind.

`python -m tests.simulation.test_partial_failures` measures more shares and policies than are asserted.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from controller.spec import Key
from tests.fakes.apiserver import Glitch
from tests.fakes.happenings import Happening, What
from tests.simulation.authors import TEMPLATE
from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import World

SECONDS = 60
STARTED, KNOWN, CALM = 5.0, 3.0, 15.0
POLICIES = ("Allow", "Forbid", "Replace", "Queue")
BEHIND = timedelta(seconds=15)
"""Nobody is late by as much. Where each failure lengthened the pauses the worst was 47 s. Where each ended its look
and half of the requests failed it was 39 s, and 97 of 236 instants under Replace had no Job."""
LONG, SHORT = timedelta(seconds=5), timedelta(seconds=0.1)
"""How long a Job under Replace runs, so that each meets the one before; and any other."""


def lateness(glitch: Glitch, share: float, *, seed: int) -> dict[str, list[timedelta | None]]:
    """How late each instant of an object that fires each second was while requests failed; None: it has no Job.

    Returns:
        By concurrency policy, in the order of the instants.
    """

    async def scenario(simulation: Simulation) -> dict[str, list[timedelta | None]]:
        world = World(simulation)
        world.server.job_duration = lambda job: LONG if job.name.startswith("replace") else SHORT
        for _ in range(3):
            world.start()
        await world.sleep(STARTED)
        for policy in POLICIES:
            spec = {"schedule": "* * * * * *", "concurrencyPolicy": policy, "jobTemplate": TEMPLATE}
            world.server.apply(*Key("ns", policy.lower()), spec)
        await world.sleep(KNOWN)
        since = world.now().replace(microsecond=0)
        world.server.glitches = {glitch: share}
        await world.sleep(SECONDS)
        world.server.glitches = {}
        await world.sleep(CALM)
        evidence = await world.close()
        return {policy: _of(evidence.history, policy.lower(), since) for policy in POLICIES}

    return simulate(scenario, seed=seed)


def _of(history: Iterable[Happening], name: str, since: datetime) -> list[timedelta | None]:
    created = {
        entry.job.scheduled_at: entry.at
        for entry in history
        if entry.what is What.CREATED and entry.job.name.startswith(name)
    }
    instants = [since + timedelta(seconds=number) for number in range(1, SECONDS)]
    return [created[instant] - instant if instant in created else None for instant in instants]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("glitch", "share"),
    [(Glitch.THROTTLED, 0.2), (Glitch.ERROR_BEFORE, 0.2), (Glitch.ERROR_BEFORE, 0.5), (Glitch.ERROR_AFTER, 0.5)],
    ids=["429 for a fifth", "500 before a fifth", "500 before half", "500 after half"],
)
def test_with_a_share_of_the_requests_failing_each_instant_has_its_job_and_none_falls_behind(
    glitch: Glitch, share: float, seed: int
) -> None:
    found = lateness(glitch, share, seed=seed)
    for policy in ("Allow", "Replace"):  # what the others skip depends on which Jobs are under way
        late = [one for one in found[policy] if one is not None]
        assert len(late) == len(found[policy]), f"{policy}: {found[policy].count(None)} instants without a Job"
        assert max(late) < BEHIND, policy


def main() -> None:
    """Measure."""
    logging.disable(logging.CRITICAL)
    for glitch in (Glitch.THROTTLED, Glitch.ERROR_BEFORE, Glitch.ERROR_AFTER):
        for share in (0.2, 0.5):
            for policy in POLICIES:
                runs = [lateness(glitch, share, seed=seed)[policy] for seed in range(4)]
                late = sorted(one.total_seconds() for run in runs for one in run if one is not None)
                none = sum(one is None for run in runs for one in run)
                sys.stdout.write(
                    f"{glitch}, {share:.0%}, {policy}: p50 {late[len(late) // 2]:.1f} s, worst {late[-1]:.1f} s, "
                    f"{none} of {4 * (SECONDS - 1)} without a Job\n"
                )


if __name__ == "__main__":
    main()

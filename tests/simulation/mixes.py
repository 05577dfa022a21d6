"""What runs are made of: the objects, the people, the faults, and the rules that must hold, each mix under a name.

A seed of a mix tells the whole story. `runs` runs one; a campaign gives every seed the mix that is its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.simulation import invariants, mixture
from tests.simulation.authors import Authors, Hasty, cron_jobs
from tests.simulation.troubles import BRIEF, LATE, PAUSES, STALLS
from tests.simulation.world import World

Populate = Callable[[World], Authors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """One kind of run.

    Attributes:
        populate: Makes the objects; gives the people who will work on them.
        rules: What must hold.
        minutes: How long a run is, if nobody says otherwise.
        deaths_every: Seconds between two strikes at the life of replicas, on average; None: nobody joins or dies.
        troubles: The faults that may strike everything else.
        quota: The quota of one namespace is full now and then.
    """

    populate: Populate
    rules: tuple[invariants.Rule, ...] = invariants.RULES
    minutes: float = 1.5
    deaths_every: float | None = None
    troubles: tuple[str, ...] = ()
    quota: bool = False


def _plain(world: World) -> Authors:
    """A mix of plain objects; on every other seed somebody edits them."""
    people = Authors(world=world, pause_seconds=15.0 if world.simulation.seed % 2 else None)
    people.make(cron_jobs(world.simulation.random))
    return people


def _hasty(world: World) -> Authors:
    """The same objects, and people who edit them about the moment at which they fire."""
    people = Hasty(world=world, pause_seconds=4.0)
    people.make(cron_jobs(world.simulation.random))
    return people


def _asked(world: World) -> Authors:
    """Objects under any mix of policies, and people who ask things of them by annotation."""
    people = mixture.Askers(world=world, pause_seconds=2.5)
    world.server.job_succeeds = mixture.job_succeeds(world.simulation.seed)
    mixture.make(world, mixture.cron_jobs(world.simulation.random, world.now()))
    return people


DEATHS = Mix(populate=_plain, deaths_every=12.0, minutes=3)
POLICIES = Mix(populate=_asked, rules=invariants.POLICY_RULES, deaths_every=15.0, quota=True)
FAULTS = Mix(populate=_plain, troubles=BRIEF)
FAULTS_AND_DEATHS = Mix(populate=_plain, troubles=BRIEF, deaths_every=10.0)
FAULTS_AND_EDITS = Mix(populate=_hasty, troubles=BRIEF)
FAULTS_AND_POLICIES = Mix(populate=_asked, rules=invariants.POLICY_RULES, troubles=BRIEF, deaths_every=20.0, quota=True)
LATE_REQUESTS = Mix(populate=_plain, troubles=LATE, deaths_every=15.0)
STALLED_WATCHES = Mix(populate=_hasty, troubles=STALLS, deaths_every=20.0, minutes=2.5)
PAUSED = Mix(populate=_plain, troubles=PAUSES, deaths_every=15.0)
PAUSED_POLICIES = Mix(populate=_asked, rules=invariants.POLICY_RULES, troubles=PAUSES, deaths_every=20.0, quota=True)

MIXES: Mapping[str, Mix] = {
    "deaths": DEATHS,
    "policies": POLICIES,
    "faults": FAULTS,
    "faults-deaths": FAULTS_AND_DEATHS,
    "faults-edits": FAULTS_AND_EDITS,
    "faults-policies": FAULTS_AND_POLICIES,
    "late": LATE_REQUESTS,
    "stalls": STALLED_WATCHES,
    "pauses": PAUSED,
    "pauses-policies": PAUSED_POLICIES,
}
WITH_FAULTS = ("faults", "faults-deaths", "faults-edits", "faults-policies", "late", "stalls")
"""Those in which everything around the replicas is struck: what a night is spent on."""


def mix_of(seed: int) -> str:
    """The mix whose turn it is at a seed."""
    return WITH_FAULTS[seed % len(WITH_FAULTS)]

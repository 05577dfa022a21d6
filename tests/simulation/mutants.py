"""Replicas with one fault put in, of a kind that a plausible change would bring: the simulation must catch each.

A mutant changes one part of what runs; the rest is genuine. It is caught by a rule of the invariants within a few
seeds, and the genuine replicas keep all rules at the very same seeds. `python -m tests.simulation --mutants` prints the
table; what is wrong with each is its docstring.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from controller.errors import ClusterUnavailable
from controller.jobs import Job
from controller.messages import CreateResult, Member, Membership
from controller.nodepool import NodePool, Ownership, State, Theirs
from controller.observation import Observed
from controller.ports import Clock
from controller.reconciler import Reconciler
from controller.replica import Replica
from controller.spec import CronJob, Key
from controller.status import Status
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.clock import SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.driver import FakeDriver
from tests.simulation.course import Violation
from tests.simulation.invariants import check
from tests.simulation.mixes import DEATHS, FAULTS, FAULTS_AND_DEATHS, LATE_REQUESTS, POLICIES, STALLED_WATCHES, Mix
from tests.simulation.runs import minutes_of, only
from tests.simulation.world import GENUINE, Parts

AN_HOUR = timedelta(hours=1)
LIST_SECONDS = 6.0


class NeverCorrectedClock(SimulatedClock):
    """Believes its own system clock, whatever the others show."""

    def believe(self, now: datetime) -> None:
        """Not at all."""


class NamesWithoutSeconds(FakeCluster):
    """Job names end with the minute."""

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """Under the cut name."""
        head, instant, uid = manifest["metadata"]["name"].rsplit("-", 2)
        name = f"{head}-{instant[:-2]}-{uid}"
        return await super().create_job({**manifest, "metadata": {**manifest["metadata"], "name": name}})


class NamesByChance(FakeCluster):
    """Job names that two replicas do not share, so that the name locks nothing."""

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """Under a name of its own."""
        name = f"{manifest['metadata']['name']}-{secrets.token_hex(4)}"
        return await super().create_job({**manifest, "metadata": {**manifest["metadata"], "name": name}})


class TheDeadLive(FakeDriver):
    """Members whose announcements never run out."""

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """For an hour."""
        return await super().beat(member, ttl=AN_HOUR)


class EachAlone(FakeDriver):
    """Everybody sees nobody but itself."""

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """All by itself."""
        return replace(await super().beat(member, ttl=ttl), members=(member,))


class NoLedger(FakeCluster):
    """Nobody remembers how far the instants are done."""

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        """All but that."""
        kept = {name: value for name, value in status.items() if name != "settledThrough"}
        return await super().write_status(cron_job, kept)


class DeletesTheNewest(FakeCluster):
    """Deletes the newest Job instead of the one that is asked for."""

    async def delete_job(self, job: Job) -> bool:
        """The newest of the same object that still runs, if there is one."""
        active = [one for one in self._server.jobs(job.owner_uid) if one.active and one.scheduled_at is not None]
        active.sort(key=lambda one: str(one.scheduled_at))
        return await super().delete_job(active[-1] if active else job)


class SlowToList(FakeCluster):
    """The first list of the objects takes long; harmless to a replica that waits for it."""

    async def watch_cron_jobs(self, seen: Callable[[CronJob], object], gone: Callable[[Key, str], object]) -> None:
        """After a while, if there are any."""
        if self._server.cron_jobs():
            await asyncio.sleep(LIST_SECONDS)
        await super().watch_cron_jobs(seen, gone)


class JoinsTooEarly(Replica):
    """Announces itself before it knows the objects."""

    async def _lists_complete(self) -> None:
        self._progress.objects_listed.set()


class NobodyWithoutRedis(NodePool):
    """Takes a Redis that does not answer for an empty ring, and an empty ring for nobody."""

    def ownership(self, key: Key) -> Ownership:
        """Nobody's, without Redis."""
        return Theirs() if self.state is State.DEGRADED else super().ownership(key)


class NobodyStandsIn(NodePool):
    """Without Redis each looks after its own keys, and nobody after those of the dead."""

    def _stand_in(self, name: str) -> Ownership:
        return Theirs()


class NeverReadsAgain(Reconciler):
    """Creates on what the watch has shown, however long ago."""

    async def _is_current(self, cron_job: CronJob, insight: Any) -> bool:
        return True


class FillsUnasked(Reconciler):
    """Fills a slot that others may be filling without a word in the status, and on what the watch has shown."""

    async def _contested(self, cron_job: CronJob, _status: Status, _insight: Any) -> CronJob | None:
        return cron_job


class KeepsNoName(Reconciler):
    """Under Replace deletes a contested Job at once, while another create of it is on its way."""

    def _observe(self, cron_job: CronJob, insight: Any) -> Observed:
        return replace(super()._observe(cron_job, insight), kept_until={})


class WritesOverOthers(FakeCluster):
    """Writes a status whatever anybody has written meanwhile."""

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        """On top of the newest."""
        return await super().write_status(self._server.read(cron_job.key) or cron_job, status)


class LeavesInSilence(FakeDriver):
    """Who leaves tells nobody: the others notice after the TTL."""

    async def leave(self, member: Member) -> None:
        """Not at all."""


class AnotherNameAfterAnError(FakeCluster):
    """A create that got no answer is sent again under another name, so as not to meet what may be there."""

    def __init__(self, server: FakeApiServer, clock: Clock, node: str) -> None:
        super().__init__(server, clock, node)
        self._unanswered: set[str] = set()

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """As before, the first time."""
        meta = manifest["metadata"]
        again = {**manifest, "metadata": {**meta, "name": f"{meta['name']}-again"}}
        try:
            return await super().create_job(again if meta["name"] in self._unanswered else manifest)
        except ClusterUnavailable:
            self._unanswered.add(meta["name"])
            raise


def _with(kind: type, part: str) -> type[Replica]:
    """A replica one of whose parts is of this kind."""

    class Changed(Replica):
        def __init__(self, *arguments: Any, **ports: Any) -> None:
            super().__init__(*arguments, **ports)
            getattr(self, part).__class__ = kind

    return Changed


OVERTAKEN = only(LATE_REQUESTS, "API requests late")
"""Requests overtake each other; where each replica takes all keys for its own, two are always at one slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A fault in the replicas, and the run that shows it.

    Attributes:
        parts: What the replicas are made of.
        rule: The letter in INVARIANTS that it breaks.
        mix: What it is run in.
        minutes: For how long.
    """

    parts: Parts
    rule: str
    mix: Mix = DEATHS
    minutes: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """Where a mutant was caught first."""

    seed: int
    violation: Violation


MUTANTS: Mapping[str, Mutant] = {
    "no ledger": Mutant(parts=Parts(cluster=NoLedger), rule="L4", minutes=0.5),
    "job names without seconds": Mutant(parts=Parts(cluster=NamesWithoutSeconds), rule="L1"),
    "an empty ring means nobody": Mutant(
        parts=Parts(replica=_with(NobodyWithoutRedis, "node_pool")), rule="L1", mix=only(FAULTS, "Redis down")
    ),
    "announces before the lists are complete": Mutant(
        parts=Parts(cluster=SlowToList, replica=JoinsTooEarly), rule="L1"
    ),
    "Replace deletes a newer Job": Mutant(parts=Parts(cluster=DeletesTheNewest), rule="S9"),
    "the clock is never corrected": Mutant(parts=Parts(clock=NeverCorrectedClock), rule="S3"),
    "job names by chance": Mutant(parts=Parts(cluster=NamesByChance, driver=EachAlone), rule="S1"),
    "the dead stay on the ring": Mutant(parts=Parts(driver=TheDeadLive), rule="L2"),
    "each sees itself alone": Mutant(parts=Parts(driver=EachAlone), rule="L5"),
    "nobody stands in for the dead without Redis": Mutant(
        parts=Parts(replica=_with(NobodyStandsIn, "node_pool")), rule="L2", mix=only(FAULTS_AND_DEATHS, "Redis down")
    ),
    "who leaves tells nobody": Mutant(parts=Parts(driver=LeavesInSilence), rule="L1"),
    "another name after a create without an answer": Mutant(
        parts=Parts(cluster=AnotherNameAfterAnError), rule="S1", mix=only(FAULTS, "API errors")
    ),
    "a contested slot is filled in silence": Mutant(
        parts=Parts(replica=_with(FillsUnasked, "_reconciler"), driver=EachAlone), rule="S1", mix=OVERTAKEN
    ),
    "a contested Job is deleted at once": Mutant(
        parts=Parts(replica=_with(KeepsNoName, "_reconciler"), driver=EachAlone), rule="S1", mix=OVERTAKEN
    ),
    "a status is written over another": Mutant(
        parts=Parts(cluster=WritesOverOthers, driver=EachAlone), rule="L4", mix=POLICIES
    ),
    "an object is not read again before its Job": Mutant(
        parts=Parts(replica=_with(NeverReadsAgain, "_reconciler")), rule="S5", mix=STALLED_WATCHES, minutes=2.5
    ),
}


SEEDS = range(12)
"""A mutant that survives these is not caught."""


def table(say: Callable[[str], None]) -> int:
    """Hunt all of them and say where each was caught; 0 if each was, and no rule broke for genuine replicas there."""
    say(f"{'mutant':<46} {'caught by':<10} {'seed':>4}  what it did; genuine replicas at the same seeds")
    survived = 0
    for name, mutant in MUTANTS.items():
        caught = hunt(mutant, SEEDS)
        if caught is None:
            survived += 1
            say(f"{name:<46} {'nobody':<10}")
            continue
        broken = [seed for seed in SEEDS[: caught.seed + 1] if judged(mutant, seed)]
        survived += bool(broken)
        genuine = f"broken too at {broken}" if broken else "clean"
        say(f"{name:<46} {mutant.rule:<10} {caught.seed:>4}  {caught.violation.what}; {genuine}")
    say(f"{len(MUTANTS)} mutants, {survived} not caught")
    return 1 if survived else 0


def hunt(mutant: Mutant, seeds: range) -> Caught | None:
    """Where a mutant is caught first; None: it survives all of these seeds."""
    for seed in seeds:
        violations = judged(mutant, seed, mutant.parts)
        if found := [violation for violation in violations if violation.rule == mutant.rule]:
            return Caught(seed=seed, violation=found[0])
    return None


def judged(mutant: Mutant, seed: int, parts: Parts = GENUINE) -> list[Violation]:
    """What breaks at a seed with these parts; with the genuine ones nothing may."""
    evidence = minutes_of(mutant.mix, seed=seed, minutes=mutant.minutes, parts=parts)
    return check(evidence, mutant.mix.rules)

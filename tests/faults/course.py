"""One fault from one seed: calm, the strike, what follows it, healing, and calm again; then the judgment.

It draws the moment and the length from the seed, asks for a manual run before, under and after the fault, and hands
all evidence to the checker.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.checker import audit, evidence, report
from tests.checker.history import Fault
from tests.checker.rules import Judgment, judge
from tests.checker.verdicts import Kind, Verdict
from tests.cluster.team import now
from tests.faults import bounds
from tests.faults.bounds import AGREED, CALM, RECOVERY
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind
from tests.faults.stage import Stage

TRIES = 2
BUSY = 2.0
"""Load for each core from which on lateness alone says nothing of the replicas."""
LATENESS = frozenset({"L1", "L2", "L3", "S13"})
"""The rules that a firing breaks which comes late and does come."""
BEFORE, AFTER = timedelta(seconds=1), timedelta(seconds=3)
"""From what on instants are judged, and how much longer evidence is taken."""
_SETTLED_SECONDS = 90.0
_CALM_SECONDS = 3.0
"""How much of the calm before is judged too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a course is.

    Attributes:
        under: Seconds under the fault; of a moment's fault, from its moment on.
        after: Seconds after healing.
    """

    under: float = 30.0
    after: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a fault.

    Attributes:
        since: When it was struck,
        until: and when it was healed.
        complaints: All that is wrong; empty if all held.
        report: Where a person reads on.
        spare: What the bounds had added for a busy machine.
        tries: How often it was run until it showed something.
    """

    fault: FaultKind
    seed: int
    since: datetime
    until: datetime
    judgment: Judgment
    complaints: tuple[str, ...]
    spare: timedelta
    report: Path | None = None
    tries: int = 1

    @property
    def valid(self) -> bool:
        """Whether all held."""
        return not self.complaints

    @property
    def only_late(self) -> bool:
        """Whether nothing is wrong but that firings came later than they may: a busy machine does that too."""
        rules = {broken.rule for broken in self.judgment.broken}
        counted = len(self.complaints) == len(self.judgment.complaints)
        return counted and rules <= LATENESS and not self.count(Kind.MISSED)

    def count(self, kind: Kind) -> int:
        """How many instants have this verdict."""
        return self.judgment.kinds[kind]

    @property
    def under(self) -> list[timedelta]:
        """How late firings were that were due under the fault or within F of its end, the least first."""
        return _late(self.judgment.verdicts, self.since, self.until + RECOVERY + self.spare)

    @property
    def after(self) -> list[timedelta]:
        """How late those were that were due later."""
        return _late(self.judgment.verdicts, self.until + RECOVERY + self.spare, self.judgment.history.until)


def taken(
    stage: Stage,
    fault: FaultKind,
    seed: int,
    folder: Path,
    length: Length | None = None,
    *,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """Run it; and again if it shows no more than that the machine had too much else to do.

    Args:
        stage, fault, seed, folder, length: As for `run`.
        say: Takes a line when it is run again.
    """
    for number in range(1, TRIES + 1):
        result = run(stage, fault, seed, folder, length)
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        if result.valid or not result.only_late or busy < BUSY or number == TRIES:
            break
        say(f"{fault.name} (seed {seed}): late only, at {busy:.1f} times what the machine can do; once more")
    return replace(result, tries=number)


def run(stage: Stage, fault: FaultKind, seed: int, folder: Path, length: Length | None = None) -> Result:
    """Strike a fault and judge what comes of it.

    Args:
        stage: Mended first; left as the fault leaves it.
        fault: What to break.
        seed: Draws what the fault leaves open.
        folder: For the report of a run that is not valid.
        length: Of the course.
    """
    length = length or Length()
    chance = Chance.of(seed, fault.name, fault.seconds or length.under)
    stage.calm()
    began = now() + BEFORE
    stage.ask()
    time.sleep(_CALM_SECONDS)
    chance.wait_for_moment()
    since = now()
    with fault.strike(stage, chance):
        _wait_until(since + timedelta(seconds=chance.seconds / 2))
        stage.ask()
        _wait_until(since + timedelta(seconds=chance.seconds))
        _none_ended_by_itself(stage)
    until = now()
    time.sleep(length.after / 2)
    stage.ask()
    _wait_until(until + timedelta(seconds=length.after))
    return _judged(stage, fault, seed, folder, began=began, since=since, until=until)


def _judged(
    stage: Stage, fault: FaultKind, seed: int, folder: Path, *, began: datetime, since: datetime, until: datetime
) -> Result:
    last, spare = now(), bounds.allowance()
    settled = _settled(stage, last)
    time.sleep(AFTER.total_seconds())
    record = audit.read(stage.control_plane.audit_log, stage.team.namespace)
    run = evidence.history(
        stage.watch.notebook,
        record,
        began=began,
        until=last,
        ended=now(),
        faults=[_spared(part, spare) for part in _windows(stage.account.happened, fault, since, until)],
    )
    bounded = replace(run, calm=CALM + spare, recovery=RECOVERY + spare, agreement=AGREED + spare)
    judgment = judge(replace(bounded, rings=stage.rings.views()))
    complaints = (*judgment.complaints, *stage.account.complaints, *settled)
    result = Result(
        fault=fault, seed=seed, since=since, until=until, judgment=judgment, complaints=complaints, spare=spare
    )
    if result.valid:
        return result
    where = report.write(judgment, folder / f"{fault.name}-{seed}")
    return replace(result, report=where)


def _windows(parts: Sequence[Fault], fault: FaultKind, since: datetime, until: datetime) -> list[Fault]:
    """The times in which the fault excuses lateness: its parts as it told them, or the whole of it."""
    windows = parts or [Fault(what=fault.name, since=since, until=until, felt=fault.felt, within=fault.within)]
    return [
        replace(part, stalls_watch=fault.stalls_watch, divides=fault.divides, on_its_way=fault.on_its_way)
        for part in windows
    ]


def _spared(part: Fault, spare: timedelta) -> Fault:
    """With the allowance for a busy machine."""
    return replace(part, within=(RECOVERY if part.within is None else part.within) + spare)


def _settled(stage: Stage, last: datetime) -> list[str]:
    """Wait until the ledgers have passed the last instant; a complaint if they do not."""
    try:
        stage.team.wait_until_settled(last, seconds=_SETTLED_SECONDS)
    except AssertionError as error:
        return [f"not settled in the end: {error}"]
    return []


def _none_ended_by_itself(stage: Stage) -> None:
    for node in stage.lasting_nodes:
        replica = stage.replica(node)
        stage.expect(replica.runs, f"{node} ended by itself:\n{replica.process.log_tail()}")


def _late(verdicts: Sequence[Verdict], since: datetime, until: datetime) -> list[timedelta]:
    found = [one.lateness for one in verdicts if one.lateness is not None and since <= one.due_at < until]
    return sorted(found)


def _wait_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - now()).total_seconds()))

"""What a fault excuses: time, never a firing.

An instant gets `WITHOUT_FAULT` from its instant, or `AFTER_DEATH` from the death of a replica that came before that was
over. The begin and the healing of any other fault give as much. Where nobody can fire, as while the API server is gone,
what is due waits for the healing. Where a watch hides what is new, that waits until it is seen. Where nobody hears who
has gone, others stand in, in order. Each of these is a rule of INVARIANTS; nothing else is excused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tests.fakes.happenings import Happening
from tests.simulation.evidence import ALL, Fault

WITHOUT_FAULT = timedelta(seconds=2)
"""L1: D."""
AFTER_DEATH = timedelta(seconds=8)
"""L2: F, from the death of a replica."""
DEATH = "kill"
SLOW = "watch slow"
BLIND = ("watch stalled", "watch stalled for long", SLOW)
STALL_SEEN = timedelta(seconds=75)
"""A stalled watch is seen within this time, counted from the first thing that it hides."""
GONE, JOIN = ("kill", "stop"), "join"
UNHEARD = ("Redis down", "Redis slow", "Redis deaf")
"""While nobody hears who lives, whoever goes stays on the last ring, and others stand in behind it."""
UNTOLD = (*UNHEARD, "Redis clock stepped")
"""While Redis does not tell the time, or not the true one, who asks for the first time goes by the API server's."""
ON_ITS_WAY = timedelta(milliseconds=300)
"""So long a healthy watch may take to show something: a stall that begins meanwhile hides it."""
LATE, LONG_ON_ITS_WAY = "API requests late", timedelta(seconds=5)
"""The fault under which a request may be on its way for so long."""
ASKS_WITHIN = timedelta(seconds=3)
"""So long after its begin a replica asks Redis for the first time: it has listed all, and the API server answers."""
LISTS_WITHIN = timedelta(seconds=4)
"""So long after their end, where the watches are slow: it asks only once they have shown all that there is by then."""
TOLD_AGAIN = timedelta(seconds=2.25) + ON_ITS_WAY
"""So long after its healing Redis has told everybody the time: a beat may have begun just before, and waits for its
answer in vain for a quarter of the TTL; the next one follows an update later."""
STAND_IN, LATEST_STAND_IN = timedelta(seconds=3), timedelta(seconds=6)
"""So much later each node on the last ring looks than the one before it (the fault table: "in order"), and at most."""
OBEYED_WITHIN, OBEYED_WHILE_BLIND = timedelta(seconds=1), timedelta(seconds=4)
"""S5, S6: from then on a suspension, a pause or a deletion must be obeyed; the latter while a fault keeps it from being
seen, or one has just been healed."""
HEARD_WITHIN = timedelta(seconds=7)
"""L5: who has gone is off every ring by then, the TTL and 2 s later."""


@dataclass(kw_only=True)
class Patience:
    """How long one object may wait for what is due.

    Attributes:
        faults: Of the run.
        created: By instant, the creation of the object's Job.
    """

    faults: Sequence[Fault]
    created: Mapping[datetime, Happening]

    def bound(self, moment: datetime) -> datetime:
        """Until when what is due at a moment must be done."""
        bound = moment + WITHOUT_FAULT + self._behind_the_last_ring(moment)
        for begin, end in self.disturbances:
            if begin <= bound:
                bound = max(bound, end)
        return bound

    def undisturbed(self, since: datetime, until: datetime, *, born: datetime) -> bool:
        """Whether nothing excuses that what was due at a moment was done as late as at another one.

        Args:
            born: When its object was created, which may have stayed unseen.
        """
        met = any(begin <= until and end >= since for begin, end in self.disturbances)
        return not met and not self._behind_the_last_ring(since) and self.unseen_until(born) <= since

    @cached_property
    def disturbances(self) -> list[tuple[datetime, datetime]]:
        """Each span of time in which what is due may wait for its end, by its begin."""
        found = [(fault.at, fault.at + AFTER_DEATH) for fault in self.faults if fault.what == DEATH]
        for fault in self.faults:
            if fault.until is not None and fault.excuses:
                found.append((fault.at, fault.until + AFTER_DEATH))
            elif fault.until is not None:
                found += [(at, at + AFTER_DEATH) for at in (fault.at, fault.until)]
        return sorted(found)

    def _behind_the_last_ring(self, moment: datetime) -> timedelta:
        """How much later somebody stands in at a moment for those who have gone while nobody could hear of it.

        Or come: who has heard of one that has joined takes some keys for its own, and who has not goes on without.

        Only until somebody has: from then on who stands in serves the object in time, until Redis is back.
        """
        delays = [timedelta(0)]
        for fault in self.faults:
            if fault.what in UNHEARD and fault.until is not None and fault.at <= moment <= fault.until:
                changes = [one for one in self.faults if one.what in (*GONE, JOIN)]
                unheard = [one for one in changes if fault.at - HEARD_WITHIN <= one.at <= moment + WITHOUT_FAULT]
                if unheard and not self._served(unheard, moment):
                    delays.append(min(STAND_IN * len(unheard), LATEST_STAND_IN))
        return max(delays)

    def _served(self, changes: Sequence[Fault], until: datetime) -> bool:
        """Whether one that is still there has created a Job that was due since the last change, before a moment.

        What had waited for that is created one after the other; so has the instant of the moment to wait meanwhile.
        """
        since, names = max(one.at for one in changes), {one.node for one in changes if one.what in GONE}
        later = [entry for due_at, entry in self.created.items() if since < due_at < until and entry.node not in names]
        begun = min((entry.at for entry in later), default=until)
        return begun < until and (until > begun + STAND_IN or all(entry.at < until for entry in later))

    def on_its_way(self, at: datetime) -> timedelta:
        """How long a request that arrives at a moment may have been on its way, beyond what the weather takes."""
        late = (fault for fault in self.faults if fault.what == LATE)
        met = any(fault.at <= at <= (fault.until or fault.at) + LONG_ON_ITS_WAY for fault in late)
        return LONG_ON_ITS_WAY if met else timedelta(0)

    def forgotten(self, since: datetime, until: datetime) -> bool:
        """Whether the recent-job store may have lost, or have been unable to tell, what was recorded in between."""
        faults = (fault for fault in self.faults if fault.what.startswith("Redis"))
        return any(fault.at <= until and (fault.until or fault.at) >= since for fault in faults)

    def death_drags_on(self, at: datetime) -> bool:
        """Whether somebody died while an instant waited, and that was not over when another fault came.

        So it took longer than a death may. What waited by then may have been late by yet another fault, which was over.
        """
        deaths = [fault.at for fault in self.faults if fault.what == DEATH]
        return any(
            at <= death + AFTER_DEATH and death <= self._waits_until(at, death) and death < begin <= death + AFTER_DEATH
            for death in deaths
            for begin, _ in self.disturbances
            if begin not in deaths
        )

    def _waits_until(self, at: datetime, moment: datetime) -> datetime:
        """Until when what is due at an instant may wait by what disturbs it before a moment."""
        until = at + WITHOUT_FAULT
        for begin, end in self.disturbances:
            if begin <= until and begin < moment:
                until = max(until, end)
        return until

    def nobody_could(self, at: datetime) -> bool:
        """Whether nobody could fire at a moment, or before all had recovered from what was before."""
        faults = (fault for fault in self.faults if fault.excuses)
        return any(fault.at - AFTER_DEATH <= at <= (fault.until or fault.at) for fault in faults)

    def never_told_by_redis(self, node: str | None, at: datetime) -> bool:
        """Whether a node, up to a moment, has known the time by the API server's `Date` and its own clock alone."""
        joined = [self._asks_by(one.at) for one in self.faults if one.what == JOIN and one.node == node]
        untold = [one for one in self.faults if one.what in UNTOLD and one.node in (ALL, node)]
        silences = [(one.at, one.until) for one in untold if one.until is not None]
        return any(begin <= asks and at <= end + TOLD_AGAIN for asks in joined for begin, end in silences)

    def _asks_by(self, joined_at: datetime) -> datetime:
        """When a replica that begins at a moment has asked Redis for the first time."""
        slow = [fault.until for fault in self.faults if fault.what == SLOW and fault.at <= joined_at]
        shown = [until + LISTS_WITHIN for until in slow if until is not None and joined_at <= until]
        return max([joined_at + ASKS_WITHIN + self.on_its_way(joined_at), *shown])

    def news_by(self, moment: datetime) -> datetime:
        """Until when what an author wrote at a moment, or a Job's end, must have had its effect."""
        return max(self.bound(moment), self.unseen_until(moment))

    def unseen_until(self, moment: datetime) -> datetime:
        """How long an edit of that moment may stay unseen: the watch of the owning node may stand still."""
        ends = [fault.until for fault in self.faults if fault.what in BLIND and fault.at <= moment + ON_ITS_WAY]
        seen = [min(until, moment + STALL_SEEN) for until in ends if until is not None and moment <= until]
        return max((at + AFTER_DEATH for at in seen), default=moment)

    def obeyed_within(self, at: datetime) -> timedelta:
        """How long before a create somebody may have suspended its object, and it was not seen yet."""
        return OBEYED_WHILE_BLIND if self.blurred(at) else OBEYED_WITHIN

    def blurred(self, at: datetime) -> bool:
        """Whether a fault kept somebody from seeing in time what the author had just done."""
        windows = ((fault.at, fault.until) for fault in self.faults)
        return any(begin <= at <= until + AFTER_DEATH for begin, until in windows if until is not None)

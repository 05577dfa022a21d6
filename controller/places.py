"""Who gets a place among the active Jobs now, who waits, and who is turned away: the concurrency policy, and no more.

A firing comes to the door and is admitted, put into the queue, or turned away with a reason. The oldest come first, so
whoever waits already is let in before anybody new. It knows no instants and no clock; `settlement` brings the firings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.case import Case
from controller.outcomes import Reason
from controller.spec import ConcurrencyPolicy
from controller.status import Slot


@dataclass(slots=True, kw_only=True)
class Places:
    """The places of one object, handed out in the course of one decision.

    Attributes:
        free: How many Jobs may still become active; None is any number.
        queue_limit: How many may wait.
        claimed: Those admitted.
        queued: Those that wait, oldest first.
    """

    policy: ConcurrencyPolicy
    free: int | None
    queue_limit: int
    claimed: list[Slot] = field(default_factory=list)
    queued: list[Slot] = field(default_factory=list)

    def admit(self, slot: Slot) -> Reason | None:
        """Let a firing in, or let it wait; None then. Otherwise why it is turned away."""
        if self.free is None or (self.free > 0 and not self.queued):
            self.take(slot)
        elif self.policy is not ConcurrencyPolicy.QUEUE:
            return Reason.SKIPPED_FORBID
        elif len(self.queued) < self.queue_limit:
            self.queued.append(slot)
        else:
            return Reason.SKIPPED_QUEUE_FULL
        return None

    def resume(self, waiting: Iterable[Slot]) -> None:
        """Those that wait already: as many as there is room for are let in, the oldest first."""
        for slot in waiting:
            if self.free is None or self.free > 0:
                self.take(slot)
            else:
                self.queued.append(slot)

    def take(self, slot: Slot) -> None:
        """Let a firing in, whatever the policy says: a backfill finds its places by a rule of its own."""
        self.claimed.append(slot)
        if self.free is not None:
            self.free -= 1


def of(case: Case) -> Places:
    """The places of an object as it stands. Under Allow there is no limit, and under Replace older Jobs make room.

    While everything is paused there is none.
    """
    spec = case.cron_job.spec
    return Places(
        policy=case.policy,
        free=0 if case.stance.paused else spec.slots - case.taken if case.limited else None,
        queue_limit=spec.queue_limit,
    )

"""Members known before, whom a Redis that came back cannot know yet: kept until they had time to announce themselves.

It exists so that an outage that ends changes no ring: announcements ran out meanwhile, or were lost, and the nodes come
back one after the other, as their heartbeats happen to fall. It never decides who stands on the ring, nor who stands in
for a member that is waited for: `nodepool` does.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from controller.messages import Member, Membership

logger = logging.getLogger(__name__)


class Returning:
    """Whom one node waits for.

    Args:
        update: How often nodes beat.
        ttl: How long a beat counts; a quarter of it is the longest that one takes.

    Attributes:
        missing: Identities of those who ought to have announced themselves by now, and may have died while nobody could
            hear it. After an outage all that are waited for; where Redis has lost its memory and nothing else, those
            who have not beaten for an update interval: to stand in for a node costs a look at each of its keys.
    """

    def __init__(self, *, update: timedelta, ttl: timedelta) -> None:
        self._update = update
        self._ttl = ttl
        # A node whose beat gets no answer begins the next one a quarter of the TTL and an update interval later; one
        # interval more for a busy machine. Less than the TTL, after which a node that died would be gone anyway.
        self._patience = min(2 * update + ttl / 4, ttl)
        self._awaited: tuple[Member, ...] = ()
        self._missing_from = self._until = timedelta(0)
        self.missing: frozenset[str] = frozenset()

    def members(
        self,
        membership: Membership,
        *,
        known: tuple[Member, ...],
        tried_at: timedelta | None,
        now: timedelta,
        outage: bool,
    ) -> tuple[Member, ...]:
        """The members of an answer, and those that are waited for, ordered by identity.

        Our own announcement cannot have run out while we beat in time. If it is gone all the same, Redis has lost its
        memory, or was away, and the others have not had the time to announce themselves again.

        Args:
            known: The members of the answer before.
            tried_at: When a beat was last tried; None: never.
            now: By the same clock.
            outage: Whether nodes stood in for each other until now.
        """
        in_time = tried_at is not None and now - tried_at <= self._ttl / 2
        if membership.joined and in_time and known:
            logger.warning("Redis has lost its memory; keeping the members known until they return")
            if not self._awaited:
                self._missing_from = now if outage else now + self._update
            self._awaited, self._until = known, now + self._patience
        present = {member.identity: member for member in membership.members}
        over = now > self._until
        self._awaited = () if over else tuple(each for each in self._awaited if each.identity not in present)
        late = now >= self._missing_from
        self.missing = frozenset(member.identity for member in self._awaited if late)
        together = present | {member.identity: member for member in self._awaited}
        return tuple(together[identity] for identity in sorted(together))

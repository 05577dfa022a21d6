"""This node among the others: its heartbeat, the ring they make, and who fires what.

The ring gives speed and liveness, never safety: two nodes that both think a key is theirs meet at the Job's name and at
the status. So every rule here leans to overlap and never to a gap: who loses a key fires it for one more update
interval; without Redis the last ring goes on and the others stand in behind each owning node; without any ring at all
everybody fires. `replica` runs the heartbeat, `reconciler` asks for the ownership of a key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from controller.errors import StoreDenied, StoreUnavailable
from controller.messages import Member, Membership
from controller.ports import Clock, Driver
from controller.returning import Returning
from controller.ring import Ring
from controller.spec import Key
from controller.timekeeper import Timekeeper

logger = logging.getLogger(__name__)

STAND_IN = timedelta(seconds=3)
"""Without Redis, how much later each node on the ring looks than the one before it."""
LATEST_STAND_IN = timedelta(seconds=6)
"""Nobody looks later than this, however many may have died: what is late for more than the late window (10 s) is
missed, and a death must be over after 8 s. Those behind the second look together then, and the Job's name decides."""


class State(StrEnum):
    """The state of the pool, in dcron's words, and `Degraded` for a pool that has lost its driver."""

    JOINING = "Joining"
    UPGRADING = "Upgrading"
    STEADY = "Steady"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """This node looks after the key.

    Attributes:
        delay: Zero for the owning node; else it stands in, and looks at instants only once they are this old.
    """

    delay: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """Another node looks after the key; the ring wakes us when that changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """This process has not heard from the driver, nor failed to, for too long: it was paused. Ask again in a moment."""


Ownership = Ours | Theirs | Unsure


class NodePool:
    """Heartbeat and ring of one node.

    Args:
        driver: Membership.
        clock: Loop time, by which it beats.
        timekeeper: Told what the driver's clock shows.
        announce: This node as it stands now.
        update: How often to beat.
        ttl: How long a beat counts.
        hash_replicas: Points of each node on the ring.
        changed: Called when any ownership may have changed.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        clock: Clock,
        timekeeper: Timekeeper,
        announce: Callable[[], Member],
        update: timedelta,
        ttl: timedelta,
        hash_replicas: int,
        changed: Callable[[], None],
    ) -> None:
        self._driver = driver
        self._clock = clock
        self._timekeeper = timekeeper
        self._announce = announce
        self._update = update
        self._ttl = ttl
        self._hash_replicas = hash_replicas
        self._changed = changed
        self._identity = announce().identity
        self._ring: Ring | None = None
        self._lost_ring: Ring | None = None
        self._changed_at = clock.elapsed()
        self._heard_at: timedelta | None = None
        self._tried_at: timedelta | None = None
        self._failing_since: timedelta | None = None
        self._trouble: StoreUnavailable | None = None
        self._told_outage = False
        self._returning = Returning(update=update, ttl=ttl)
        self._leaving = False
        self._between_beats = asyncio.Event()
        self._between_beats.set()
        self._reported: frozenset[str] = frozenset()
        self.members: tuple[Member, ...] = ()
        self.state = State.JOINING

    @property
    def nodes(self) -> tuple[str, ...]:
        """Identities on the ring."""
        return self._ring.nodes if self._ring is not None else ()

    @property
    def on_ring(self) -> bool:
        """Whether this node is on the ring: the others count on it."""
        return self._identity in self.nodes

    @property
    def trouble(self) -> StoreUnavailable | None:
        """Why the last beat got no answer; None if it got one, or none was tried."""
        return self._trouble

    def ownership(self, key: Key) -> Ownership:
        """Whether this node looks after a key now."""
        now = self._clock.elapsed()
        if self._tried_at is None or (now - self._tried_at > self._ttl / 2 and not self._leaving):
            return Unsure()
        if self._ring is None:
            return Ours() if self.state is State.DEGRADED else Unsure()
        name = str(key)
        owning_node = self._ring.owning_node(name)
        if owning_node == self._identity or self._had(name, now):
            return Ours()
        unheard = self.state is State.DEGRADED or owning_node in self._returning.missing
        return self._stand_in(name) if unheard else Theirs()

    def owns(self, key: Key) -> bool:
        """Whether this node is the key's owning node on the ring of the moment."""
        return self._ring is not None and self._ring.owning_node(str(key)) == self._identity

    async def run(self) -> None:
        """Beat until cancelled."""
        while not self._leaving:
            await self.beat()
            await self._wait_for_beat()

    async def beat(self) -> None:
        """Announce this node once and take over the ring."""
        began = self._clock.elapsed()
        self._between_beats.clear()
        try:
            membership = await self._driver.beat(self._announcement(), ttl=self._ttl)
        except StoreUnavailable as error:
            self._missed_beat(error)
        else:
            if membership.server_time is not None:
                self._timekeeper.redis_showed(membership.server_time, asked_at=began)
            self._take_over(membership)
        finally:
            self._tried_at = self._clock.elapsed()
            self._between_beats.set()

    def _announcement(self) -> Member:
        """This node, for the others to count on: not if it has heard of no ring that it is on, nor hears it now.

        Its beats may arrive though no answer does. Put on the ring then, it would be waited for, and would not know it.
        """
        me = self._announce()
        unaware = self._trouble is not None and self._ring is not None and not self.on_ring
        return replace(me, api_ok=False) if unaware else me

    async def leave(self) -> None:
        """Leave the ring first and tell the others; go on firing for one update interval, so that no gap opens.

        A beat under way is waited for: if it came to the driver after the leave, it would announce us once more.
        """
        self._leaving = True
        await self._between_beats.wait()
        try:
            await self._driver.leave(self._announce())
        except StoreUnavailable as error:
            logger.warning("could not leave the ring; the others notice after the TTL", extra={"reason": str(error)})
        await self._clock.sleep(self._update)

    async def _wait_for_beat(self) -> None:
        """Until the next beat is due, or another node has left."""
        due = asyncio.ensure_future(self._clock.sleep(self._update))
        hint = asyncio.ensure_future(self._driver.changed())
        try:
            await asyncio.wait({due, hint}, return_when=asyncio.FIRST_COMPLETED)
            if hint.done() and (wrong := hint.exception()) is not None:
                # No hint: without this wait, heartbeats would follow each other without a pause.
                logger.error("cannot hear the other nodes", exc_info=wrong)
                await due
        finally:
            due.cancel()
            hint.cancel()
            await asyncio.gather(due, hint, return_exceptions=True)

    # What a beat brings.

    def _take_over(self, membership: Membership) -> None:
        if self._leaving:
            return
        if self._told_outage:
            logger.warning("Redis answers again", extra={"node": self._identity})
        self._failing_since, self._trouble, self._told_outage = None, None, False
        self._heard_at = self._clock.elapsed()
        missing, outage = self._returning.missing, self.state is State.DEGRADED
        members = self._returning.members(
            membership, known=self.members, tried_at=self._tried_at, now=self._heard_at, outage=outage
        )
        self._report_strangers(members)
        self.members = members
        nodes = self._placed(members)
        if self._ring is not None and nodes == self._ring.nodes:
            self._settle(changed=outage or missing != self._returning.missing)
            return
        ring = Ring.of(nodes, self._hash_replicas)
        self._lost_ring, self._ring = self._ring, ring
        self._changed_at = self._clock.elapsed()
        self.state = State.UPGRADING
        logger.info("the ring has changed", extra={"node": self._identity, "members": ",".join(ring.nodes)})
        self._changed()

    def _placed(self, members: Iterable[Member]) -> tuple[str, ...]:
        """Who stands on the ring: the capable members, or all if none is. No answer empties the ring."""
        capable = {member.identity for member in members if member.api_ok}
        return tuple(sorted(capable or {member.identity for member in members})) or self.nodes or (self._identity,)

    def _settle(self, *, changed: bool) -> None:
        """Two equal reads in a row."""
        self.state = State.STEADY
        if changed:
            self._changed()

    def _report_strangers(self, members: Iterable[Member]) -> None:
        """Say it once when members do not agree with us, or share our name. It breaks nothing: see PROTOCOL."""
        me = self._announce()
        notes = set()
        for member in members:
            if member.identity == me.identity:
                continue
            if member.node == me.node:
                notes.add(f"another live member has the name {me.node}")
            if (member.protocol, member.tzdata) != (me.protocol, me.tzdata):
                notes.add(f"{member.node} runs protocol {member.protocol} with tzdata {member.tzdata}")
        for note in sorted(notes - self._reported):
            logger.warning("a member differs", extra={"node": me.node, "detail": note})
        self._reported = frozenset(notes)

    def _missed_beat(self, error: StoreUnavailable) -> None:
        now, self._trouble = self._clock.elapsed(), error
        if self._failing_since is None:
            self._failing_since = now
            logger.debug("a heartbeat has failed", extra={"node": self._identity, "reason": str(error)})
        if isinstance(error, StoreDenied):
            self._tell_outage(error)
        since = self._heard_at if self._heard_at is not None else self._failing_since
        if self.state is not State.DEGRADED and now - since >= self._ttl:
            self._tell_outage(error)
            self.state = State.DEGRADED
            self._changed()

    def _tell_outage(self, error: StoreUnavailable) -> None:
        """Say it once. A heartbeat or two that are lost are no outage, but a refusal does not end by itself."""
        if self._told_outage:
            return
        self._told_outage = True
        ring = "the last one" if self._ring is not None else "none: everybody fires"
        logger.warning("going on without Redis", extra={"node": self._identity, "reason": str(error), "ring": ring})

    # Whose a key is.

    def _had(self, name: str, now: timedelta) -> bool:
        """Whether this node has lost the key less than one update interval ago."""
        if self._lost_ring is None or now - self._changed_at > self._update:
            return False
        return self._lost_ring.owning_node(name) == self._identity

    def _stand_in(self, name: str) -> Ownership:
        assert self._ring is not None
        order = self._ring.preference(name)
        rank = order.index(self._identity) if self._identity in order else len(order)
        return Ours(delay=min(STAND_IN * rank, LATEST_STAND_IN))

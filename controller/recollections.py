"""What the recent-job store has told of each object: firings whose Jobs may be gone already.

It is asked after a change of the ring, before this node creates a Job of an object for the first time; what it said
holds until another node may have fired. `decision` says when to ask; `reconciler` asks here, and goes on without an
answer.
"""

from __future__ import annotations

from datetime import datetime

from controller.errors import StoreUnavailable
from controller.observation import Recalled
from controller.outcomes import Reason, Trigger
from controller.ports import RecentJobStore


class Recollections:
    """The answers of the store, by the UID of the object.

    Args:
        store: Holds what the nodes recorded.
    """

    def __init__(self, store: RecentJobStore) -> None:
        self._store = store
        self._recalled: dict[str, Recalled] = {}

    def of(self, uid: str) -> Recalled | None:
        """What it has told of an object; None: it has not been asked."""
        return self._recalled.get(uid)

    async def ask(self, uid: str, *, after: datetime) -> None:
        """Ask it for firings whose instant lies after that; without an answer nothing is known."""
        self._recalled[uid] = await self._answer(uid, after)

    def forget(self, uid: str) -> None:
        """The object is gone, or another node may fire it."""
        self._recalled.pop(uid, None)

    async def _answer(self, uid: str, after: datetime) -> Recalled:
        try:
            firings = await self._store.firings(uid, after=after)
        except StoreUnavailable:
            return Recalled(after=after)
        created = [firing for firing in firings if firing.outcome is Reason.CREATED]
        return Recalled(
            after=after,
            instants=frozenset(firing.scheduled_at for firing in created if firing.trigger is not Trigger.MANUAL),
            names=frozenset(firing.job for firing in created if firing.job is not None),
        )

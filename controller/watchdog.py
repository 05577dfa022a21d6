"""Whether the watch of the objects is alive, by what lists have that it does not show; and when to give it up.

kopf connects anew when its watch ends, breaks off or falls silent, and that is waited for. What kopf does not mend
looks like peace: its watcher may end without a word (its time-out cancels whoever reads at that moment), and of a CRD
that was deleted and made again it may watch nothing. The comparison keeps the replica right meanwhile, half a minute
late; only a new process brings the watch back. The same ends a replica that knows of a future which an etcd restored
from a backup has not. `comparison` tells what lists have, `app` ends the process.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

BLIND = timedelta(seconds=75)
"""A watch that has shown nothing for so long, while there is something to show, will show nothing any more: kopf leaves
a silent one after 70 s."""
NOT_SERVED = timedelta(seconds=25)
"""Objects that are not served for so long have gone with their CRD. Less than two comparisons lie apart."""


class Watchdog:
    """Watches the watch of one node. All times are loop time."""

    def __init__(self) -> None:
        self._blind_since: timedelta | None = None
        self._shown = 0
        self._unserved_since: timedelta | None = None
        self._went_back = False
        self._lost = asyncio.Event()
        self._reason = ""

    @property
    def is_lost(self) -> bool:
        """Whether the watch is given up."""
        return self._lost.is_set()

    async def lost(self) -> str:
        """Return, with the reason in a sentence, once the watch is given up."""
        await self._lost.wait()
        return self._reason

    def listed(self, newest: int, *, shown: int, at: timedelta) -> None:
        """A list was held against the watch.

        Args:
            newest: The greatest version on the list.
            shown: The version that the watch has come to since.
            at: When.
        """
        self._unserved_since = None
        if shown >= newest:
            self._blind_since = None
        elif self._blind_since is None or shown != self._shown:  # one that lags lives
            self._blind_since = at
        elif at - self._blind_since >= BLIND:
            self._give_up(f"has shown nothing for {(at - self._blind_since).total_seconds():.0f} s, and there was news")
        self._shown = shown

    def went_back(self, back: bool) -> None:
        """A list has told how its versions stand to what was known before it was asked for.

        Args:
            back: It has an object in an older version. Versions never go back, but where etcd was put back to a backup:
                then all that is known is of a time that is no more, and each write would be a conflict for ever.
        """
        if back and self._went_back:
            self._give_up("is of a time that is no more: versions have gone back (was etcd restored from a backup?)")
        self._went_back = back

    def not_served(self, *, at: timedelta) -> None:
        """The API server does not know our objects."""
        self._unserved_since = at if self._unserved_since is None else self._unserved_since
        if at - self._unserved_since >= NOT_SERVED:
            self._give_up("has lost its objects: the API server does not serve them any more (was the CRD deleted?)")

    def unanswered(self) -> None:
        """There was no list to hold the watch against: it may have broken off too, and has time to come back."""
        self._blind_since = None

    def _give_up(self, reason: str) -> None:
        self._reason = f"the watch of the objects {reason}"
        self._lost.set()

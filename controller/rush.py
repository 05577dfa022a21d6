"""How long it is courteous to keep books later, because of what fires at this moment.

All replicas share one API server. In a herd one of them has made its Jobs first, and each status that it writes from
then on takes the time of three Jobs that the others have still to make. A herd ends, so books wait for its end. A load
that goes on for ever does not: there they wait three seconds as long as firings are in time, and for as long as they
can wait at all where firings come late. For then more is due than can be made and told, and what waits is told of
together. Times only. The Job watch shows what others make; `workqueue` asks before it takes up books.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Final

from controller import herds

MANY: Final = 30
"""So many Jobs of others,"""
WITHIN: Final = timedelta(milliseconds=400)
"""seen within this time, are a rush: a hundred a second where they are shown each tenth of a second (`stream`), and 75
where one by one. In a herd on two cores two others make three hundred; of a load that goes on for ever, 9,000 objects
that fire each minute are one."""
QUIET: Final = timedelta(milliseconds=150)
"""After so long without a Job of others a rush is over: half as long again as they are kept unread (`stream`)."""
BEHIND: Final = timedelta(milliseconds=250)
"""Firings of this node that have waited for a place for so long, one or another of them: more is due than it can do."""
PAUSE: Final = timedelta(seconds=3)
"""After a pause of so long another one begins. What fires in each second alike is one, and has gone on for long. For so
long too, firings that were late count: those of the next second will be."""
COURTESY: Final = timedelta(seconds=3)
"""Books wait no longer than this for what is no herd, while firings are in time: statuses are so late then. Where they
came late and books waited no longer, most books were as old as this, and so were kept in the middle of what fired
(docs/profile.md)."""
HESITATION: Final = timedelta(seconds=0.5)
"""Books wait no longer than this for what this node fires soon, while firings are in time: where something fires all
the time, they are kept so late. What is to be decided ahead stands among them, and has two seconds; where firings come
late it may be decided at its instant."""


class Rush:
    """When the last Jobs of other nodes were seen, and since when firings of this one wait for a place."""

    def __init__(self) -> None:
        self._seen: deque[timedelta] = deque(maxlen=MANY)
        self._began = timedelta(0)
        self._lasted: timedelta | None = None
        self._waiting_since: timedelta | None = None
        self._late_at: timedelta | None = None

    def note(self, elapsed: timedelta) -> None:
        """Another node has made a Job.

        Args:
            elapsed: When it was seen, loop time.
        """
        self._seen.append(elapsed)
        if self.lasts(elapsed):
            if self._lasted is None or elapsed - self._lasted > PAUSE:
                self._began = elapsed
            self._lasted = elapsed

    def note_waiting(self, waiting: bool, elapsed: timedelta) -> None:
        """Whether firings of this node wait for a place at this moment.

        Args:
            elapsed: The moment, loop time.
        """
        if not waiting:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = elapsed
        elif elapsed - self._waiting_since > BEHIND:
            self._late_at = elapsed

    def lasts(self, elapsed: timedelta) -> bool:
        """Whether others are making many Jobs.

        Args:
            elapsed: The moment, loop time.
        """
        return len(self._seen) == MANY and elapsed - self._seen[0] <= WITHIN and elapsed - self._seen[-1] <= QUIET

    def courtesy(self, elapsed: timedelta) -> timedelta:
        """How long books have to have waited before they are kept now; zero: others are not making many Jobs.

        Args:
            elapsed: The moment, loop time.
        """
        if not self.lasts(elapsed):
            return timedelta(0)
        return herds.LONGEST if elapsed - self._began < herds.LONGEST or self._behind(elapsed) else COURTESY

    def hesitation(self, elapsed: timedelta) -> timedelta:
        """The same where this node itself is about to fire.

        Args:
            elapsed: The moment, loop time.
        """
        return herds.LONGEST if self._behind(elapsed) else HESITATION

    def _behind(self, elapsed: timedelta) -> bool:
        return self._late_at is not None and elapsed - self._late_at <= PAUSE

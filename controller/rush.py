"""Whether other nodes are making many Jobs at this moment: then it is courteous to keep books a little later.

All replicas share one API server. In a herd one of them has made its Jobs first, and each status that it writes from
then on takes the time of two Jobs that the others have still to make. Times only. The Job watch shows what others
make; `workqueue` asks before it takes up books.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Final

MANY: Final = 30
"""So many Jobs of others,"""
WITHIN: Final = timedelta(milliseconds=300)
"""seen within this time, are a rush: a hundred a second. In a herd on two cores two others make three hundred; of a
load that goes on for ever, 9,000 objects that fire each minute are one."""


class Rush:
    """The Jobs of other nodes that were seen last, and when."""

    def __init__(self) -> None:
        self._seen: deque[timedelta] = deque(maxlen=MANY)

    def note(self, elapsed: timedelta) -> None:
        """Another node has made a Job.

        Args:
            elapsed: When it was seen, loop time.
        """
        self._seen.append(elapsed)

    def lasts(self, elapsed: timedelta) -> bool:
        """Whether others are making many Jobs.

        Args:
            elapsed: The moment, loop time.
        """
        return len(self._seen) == MANY and elapsed - self._seen[0] <= WITHIN

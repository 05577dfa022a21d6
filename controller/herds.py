"""Numbers by which herds take turns: what comes due in one namespace in one second is a herd, and each has its share.

Start-time fair queueing, each key a unit of work: ten thousand of one herd hold up neither another namespace nor the
few that come due a little later. Books that have waited for too long are one herd more, and a dear one. Numbers only;
`turns` keeps the keys.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

BOOKS_COST: Final = 8
"""For one of the books so many firings of a herd. A status costs the API server as much as three Jobs; and while each
second of books was a herd of its own, those of some seconds left a firing every fourth turn or less, and 325 a second
came up to four seconds late each half minute (docs/benchmarks.md)."""
MOST_HERDS: Final = 1000
"""So many herds are remembered before those that have been served are forgotten: some may never all be."""

_Herd = tuple[str, datetime] | None


class Herds:
    """The numbers given to each herd; the least of those that wait goes first.

    Attributes:
        served: The number of the key served last: a new herd begins there, so none waits for another to end.
    """

    def __init__(self) -> None:
        self.served = 0
        self._last: dict[_Herd, int] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._last)

    def firing(self, namespace: str, came_due: datetime) -> int:
        """The number of what came due there and then."""
        return self._next((namespace, came_due.replace(microsecond=0)), 1)

    def books(self) -> int:
        """The number of books that wait no longer."""
        return self._next(None, BOOKS_COST)

    def _next(self, herd: _Herd, cost: int) -> int:
        if len(self._last) >= MOST_HERDS:  # those that have been served begin anew at the same number anyway
            self._last = {herd: number for herd, number in self._last.items() if number > self.served}
        self._last[herd] = number = max(self.served, self._last.get(herd, 0)) + cost
        return number

"""Numbers by which herds take turns: what comes due in one namespace in one second is a herd, and each has its share.

Start-time fair queueing, each key a unit of work: ten thousand of one herd hold up neither another namespace nor the
few that come due a little later. Numbers only; `turns` keeps the keys, and `rush` says whether one lasts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

LONGEST: Final = timedelta(seconds=30)
"""What has gone on for so long is no herd, and books and Events that wait for the end of one wait no longer. Ten
thousand on two cores take fifteen to twenty seconds; while books waited for three only, the first replica to be through
told of its Jobs while a tenth of them was still to be made."""
MOST_HERDS: Final = 1000
"""So many herds are remembered before those that have been served are forgotten: some may never all be."""


class Herds:
    """The numbers given to each herd; the least of those that wait goes first.

    Attributes:
        served: The number of the key served last: a new herd begins there, so none waits for another to end.
    """

    def __init__(self) -> None:
        self.served = 0
        self._last: dict[tuple[str, datetime], int] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._last)

    def number(self, namespace: str, came_due: datetime) -> int:
        """The number of the next key that came due there and then."""
        herd = (namespace, came_due.replace(microsecond=0))
        if len(self._last) >= MOST_HERDS:  # those that have been served begin anew at the same number anyway
            self._last = {herd: number for herd, number in self._last.items() if number > self.served}
        self._last[herd] = number = max(self.served, self._last.get(herd, 0)) + 1
        return number

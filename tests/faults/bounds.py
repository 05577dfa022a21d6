"""How late a firing may be (INVARIANTS), and the one allowance for a machine that does other work beside it."""

from __future__ import annotations

import os
from datetime import timedelta

CALM = timedelta(seconds=2)
"""D: without a fault."""
RECOVERY = timedelta(seconds=8)
"""F after a death, a partition, a return of Redis or of the API server."""
HANDED_OVER = timedelta(seconds=1)
"""F after SIGTERM: others take over within a second."""
AGREED = timedelta(seconds=7)
"""L5: the membership's TTL and two seconds after a fault or its end all replicas have the same ring."""
_LEAST = timedelta(seconds=4)
_FOR_EACH_TASK = timedelta(seconds=1)


def allowance(load: float | None = None) -> timedelta:
    """What is added to each of these bounds, and nowhere else: 4 s, or 1 s for each task that waits for a core.

    Two cores run the control plane, all replicas and the checker, and often the work of others too. The table shows
    what was measured, what was allowed and the load, so that nobody takes the allowance for the figure.

    Args:
        load: The load average; None: that of the last minute.
    """
    tasks = (os.getloadavg()[0] if load is None else load) / (os.cpu_count() or 1)
    return max(_LEAST, tasks * _FOR_EACH_TASK)

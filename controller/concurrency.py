"""How many looks to have under way at once: as many as keep the API server busy, by how long it takes to answer.

By Little's law: what is under way is the rate times the time that one takes. More than that only waits in the API
server, each with a connection of its own, and makes every answer dearer: on two cores a herd of 1,000 took a tenth
longer with 16 at once in each of three replicas than with 8, and another tenth longer with 32. Fewer would leave an API
server idle that answers late because it is far away. `apipulse` measures, `workqueue` obeys.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final

LEAST: Final = 8
MOST: Final = 32
"""Where an answer takes a third of a second, each replica so sends a hundred requests a second."""
RATE: Final = 400
"""Looks a second: about what one process has the time for."""


def places(latency: timedelta | None) -> int:
    """How many looks may be under way at once.

    Args:
        latency: How long the API server takes for an answer while it has little to do; None: not known yet.
    """
    return LEAST if latency is None else min(MOST, max(LEAST, math.ceil(RATE * latency.total_seconds())))

"""How late a firing may be (INVARIANTS), and the one allowance for a machine that does other work beside it."""

from __future__ import annotations

from datetime import timedelta

BUSY_MACHINE = timedelta(seconds=4)
"""Added to every bound below, and nowhere else: two cores run the control plane, all replicas and the checker, and
often more. The table shows what was measured, so that nobody takes the allowance for the figure."""
CALM = timedelta(seconds=2) + BUSY_MACHINE
"""D: without a fault."""
RECOVERY = timedelta(seconds=8) + BUSY_MACHINE
"""F after a death, a partition, a return of Redis or of the API server."""
HANDED_OVER = timedelta(seconds=1) + BUSY_MACHINE
"""F after SIGTERM: others take over within a second."""
TTL = timedelta(seconds=5)
"""A replica that has not announced itself for so long is dead to the others."""
AGREED = TTL + timedelta(seconds=2) + BUSY_MACHINE
"""L5: so long after a fault or its end all replicas have the same ring."""

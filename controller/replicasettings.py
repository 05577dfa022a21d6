"""What a replica is told about itself: its name, and how it keeps time with the others.

It exists so that the composition root and a simulation say the same things. `settings` holds what people set; `replica`
lives by this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controller.spec import DEFAULT_CONTROLLER_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSettings:
    """What a replica is told about itself.

    Attributes:
        node: Its name.
        nonce: Random, one for each process.
        late: For so long after its instant a firing is only late.
    """

    node: str
    nonce: str
    protocol: str
    tzdata: str
    hash_replicas: int
    controller_name: str = DEFAULT_CONTROLLER_NAME
    update: timedelta = timedelta(seconds=1)
    ttl: timedelta = timedelta(seconds=5)
    late: timedelta = timedelta(seconds=10)
    minimum_interval: timedelta = timedelta(0)

"""What `ring` shows: which node serves how many objects, as the objects themselves say.

The members of the ring live in Redis, which is not asked, and an epoch is written nowhere. A node that serves nothing
is not seen here, and one that has died stands here until another has taken its objects over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.instants import parse_time
from plugin.objects import Seen
from plugin.telling import ago, text

EPOCH = "no epoch of the ring is told in the API server, and its members only by what they serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One node.

    Attributes:
        objects: How many name it as their owner.
        share: Of all objects that have an owner.
        active: How many of their Jobs are not finished.
        wrote_at: When it last wrote one of their statuses, as far as these say: a sign of life.
    """

    node: str
    objects: int
    share: float
    active: int
    wrote_at: datetime | None

    def cells(self, now: datetime) -> tuple[str, ...]:
        """The row of the table, in the order of `HEADS`."""
        return self.node, str(self.objects), f"{self.share:.1%}", str(self.active), ago(self.wrote_at, now)

    def value(self) -> dict[str, Any]:
        """The node for programs."""
        return {
            "node": self.node,
            "objects": self.objects,
            "share": round(self.share, 4),
            "activeJobs": self.active,
            "wroteAt": text(self.wrote_at),
        }


HEADS = ("node", "objects", "share", "active", "wrote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """All nodes.

    Attributes:
        unserved: Objects that name no owner: nobody has looked at them yet.
        spread: The largest share against an even one; 1 is even. None without a node.
    """

    nodes: tuple[Share, ...]
    unserved: tuple[str, ...]
    spread: float | None

    def value(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "nodes": [node.value() for node in self.nodes],
            "unserved": list(self.unserved),
            "spread": None if self.spread is None else round(self.spread, 3),
            "epoch": None,
            "note": EPOCH,
        }


def of(seen: Iterable[Seen]) -> Shares:
    """The shares of the nodes that these objects name, by name."""
    served: dict[str, list[Seen]] = defaultdict(list)
    unserved = []
    for one in seen:
        if one.status.owner is None:
            unserved.append(str(one.key))
        else:
            served[one.status.owner].append(one)
    total = sum(map(len, served.values()))
    nodes = tuple(
        Share(
            node=node,
            objects=len(mine),
            share=len(mine) / total,
            active=sum(len(one.status.active) for one in mine),
            wrote_at=max((at for one in mine if (at := _wrote_at(one)) is not None), default=None),
        )
        for node, mine in sorted(served.items())
    )
    spread = max(node.share for node in nodes) * len(nodes) if nodes else None
    return Shares(nodes=nodes, unserved=tuple(sorted(unserved)), spread=spread)


def _wrote_at(seen: Seen) -> datetime | None:
    """When the status was last written, by the managed fields."""
    fields = seen.body["metadata"].get("managedFields") or ()
    times = [parse_time(one["time"]) for one in fields if one.get("subresource") == "status" and "time" in one]
    return max(times, default=None)

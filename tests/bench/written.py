"""What a controller has written, by the API server's own record of who asked for what."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.checker import audit

OURS, BATCH = audit.AGENT, "cronjob-controller"
"""How the controllers name themselves, at the end of what they say of themselves."""


def counted(
    entries: Iterable[Mapping[str, Any]], since: datetime, until: datetime, *, agent: str, namespace: str
) -> dict[str, int]:
    """By kind, the writes of a controller that were answered well in [since, until).

    Args:
        agent: The end of its user agent.
    """
    counts: Counter[str] = Counter()
    for entry in entries:
        where = entry.get("objectRef", {})
        at = datetime.fromisoformat(entry["requestReceivedTimestamp"].replace("Z", "+00:00"))
        meant = entry.get("userAgent", "").endswith(agent) and where.get("namespace") == namespace
        if meant and since <= at < until and entry["responseStatus"]["code"] < 400:
            counts[f"{entry['verb']} {'/'.join(filter(None, (where['resource'], where.get('subresource'))))}"] += 1
    return dict(counts)


def read(log: Path, since: datetime, until: datetime, *, agent: str, namespace: str) -> dict[str, int]:
    """The same of an audit log."""
    with log.open("rb") as lines:
        entries = (json.loads(line) for line in lines if f'{agent}"'.encode() in line)
        return counted(entries, since, until, agent=agent, namespace=namespace)

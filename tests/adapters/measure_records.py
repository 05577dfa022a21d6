"""Measures what a firing that is kept takes in Redis: `python -m tests.adapters.measure_records [objects firings]`.

The store's own records, as a replica writes them, in a real Redis that holds nothing else.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller import recentjobs, redisconnection
from controller.firingmemory import DEFAULT_BOUNDS
from controller.messages import FiringRecord
from controller.outcomes import Reason
from controller.redisaddress import RedisAddress
from controller.spec import Key
from deploy.local.redis_server import RedisServer

PATIENCE = timedelta(seconds=30)


def record(uid: str, name: str, at: datetime, now: datetime) -> FiringRecord:
    """A firing as the executor records it, with names of a usual length."""
    return FiringRecord(
        uid=uid,
        key=Key("team-a", name),
        scheduled_at=at,
        outcome=Reason.CREATED,
        node="dcron-665984b674-hbvtc",
        job=f"{name}-{at:%Y%m%d%H%M%S}-{uid.replace('-', '')[:10]}",
        lateness_seconds=0.123,
        recorded_at=now,
    )


async def fill(server: RedisServer, objects: int, firings: int) -> None:
    """Record so many firings of so many objects."""
    client = redisconnection.connect(RedisAddress(url=server.url), timeout=PATIENCE, connections=1)
    store = recentjobs.RedisRecentJobStore(client, key_prefix="dcron:dcron:2", flush_timeout=PATIENCE)
    now = datetime.now(UTC)
    for number in range(objects):
        uid = str(uuid.uuid4())
        for ago in range(firings, 0, -1):
            at = now.replace(microsecond=0) - timedelta(minutes=ago)
            store.record(record(uid, f"object-{number}", at, now))
        await store.flush()
    await client.aclose()


def used(server: RedisServer) -> int:
    """Bytes that Redis takes for what it holds."""
    lines = str(server.command("INFO", "memory")).splitlines()
    return next(int(line.partition(":")[2]) for line in lines if line.startswith("used_memory:"))


def main(objects: int = 1000, firings: int = DEFAULT_BOUNDS.per_object) -> None:
    with tempfile.TemporaryDirectory() as folder, RedisServer.start(Path(folder)) as server:
        before = used(server)
        asyncio.run(fill(server, objects, firings))
        taken = used(server) - before
    each = taken / objects / firings
    sys.stdout.write(
        f"{objects} objects with {firings} firings each: {taken / 1e6:.1f} MB, {each:.0f} bytes a firing\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

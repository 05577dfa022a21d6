"""The `RecentJobStore` on a `FakeRedis`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from controller.firingmemory import Outbox
from controller.messages import FiringRecord
from controller.ports import Clock
from controller.recentjobs import FLUSH_TIMEOUT, READ_TIMEOUT
from tests.fakes.redis import FakeRedis


class FakeRecentJobStore:
    """One replica's store.

    Args:
        redis: Shared by all replicas.
        clock: This replica's; only its loop time is used.
        node: This replica's name, by which faults find it.
    """

    def __init__(self, redis: FakeRedis, clock: Clock, *, node: str) -> None:
        self._redis = redis
        self._clock = clock
        self._node = node
        self._outbox = Outbox()
        self._mark: int | None = None
        self._fresh = redis.new_mark()

    def record(self, record: FiringRecord) -> None:
        """As the port says."""
        self._outbox.put(record)

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        """As the port says: what was flushed."""
        redis = self._redis
        return await redis.answer(self._node, self._clock, READ_TIMEOUT, lambda: redis.read.firings(uid, after=after))

    async def newest(self, uid: str) -> FiringRecord | None:
        """As the port says: of what was flushed."""
        redis = self._redis
        return await redis.answer(self._node, self._clock, READ_TIMEOUT, lambda: redis.read.newest(uid))

    async def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        """As the port says: of what was flushed."""
        redis = self._redis
        return await redis.answer(self._node, self._clock, READ_TIMEOUT, lambda: redis.read.recent(limit=limit))

    async def flush(self) -> bool:
        """As the port says; all of it in one batch."""
        batch = self._outbox.take(len(self._outbox))
        try:
            mark = await self._redis.answer(self._node, self._clock, FLUSH_TIMEOUT, lambda: self._write(batch))
        except BaseException:
            self._outbox.put_back(batch)
            raise
        kept = mark != self._fresh and self._mark in (None, mark)
        self._mark, self._fresh = mark, self._redis.new_mark()
        return kept

    def _write(self, batch: Sequence[FiringRecord]) -> int:
        for record in batch:
            self._redis.firings.add(record, self._redis.now())
        if self._redis.mark is None:
            self._redis.mark = self._fresh
        return self._redis.mark

"""The recent-job store: which firings have been executed, known to all replicas, on Redis or in memory.

It exists for speed and for people: a node that takes a key over reads here what is done already, and the newest firings
are shown from here. It is never proof that a firing did not happen, for it is bounded by count and age and Redis may
lose what it has acknowledged: the ledger and the Job's name are the proof. It never holds a firing up: `executor` and
`replica` record without waiting, and records leave in batches.

All keys share one hash tag, so that a batch, the bounds and the mark that tells whether the store still has its memory
are one script and one round trip, on a cluster too. Rejected: a tag for each object, which spreads the objects over a
cluster but makes a round trip of each; the API server takes some 1,300 Jobs a second, far less than one Redis does.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil

from controller.firingmemory import DEFAULT_BOUNDS, Bounds, FiringMemory, Outbox
from controller.messages import FiringRecord
from controller.outcomes import Reason, Trigger
from controller.ports import Clock
from controller.redisclient import RedisClient, Script
from controller.spec import Key

logger = logging.getLogger(__name__)

CONNECTIONS = 8
"""Calls at once: one flush, and reads of as many keys as a takeover looks at together."""

FLUSH_TIMEOUT = timedelta(seconds=1)
"""Bound of a batch, off the firing path; also enough to make the connection that the reads then use."""

READ_TIMEOUT = timedelta(milliseconds=250)
"""Bound of a read: a takeover waits for it."""

BATCH = 500
"""Records in one script: some 5 ms of Redis's time."""

# KEYS: mark, all, then one for each object of the batch. ARGV: a fresh mark, its life and that of the objects (ms),
# per_object, in_all, max_age (us), then for each record: index of its object, instant (us), recorded_at (us), record.
# An object is a sorted set by instant, the whole a sorted set by time of record; the same text stands in both, so that
# a record that takes another's place takes it in both. Times are passed on as the texts they came as: Lua would round.
_FLUSH = Script("""
local mark = redis.call('GET', KEYS[1]) or ARGV[1]
redis.call('SET', KEYS[1], mark, 'PX', ARGV[2])
local all, life, per_object, in_all = KEYS[2], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 6, #ARGV, 4 do
  local object, instant, recorded_at, record = KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local old = redis.call('ZRANGEBYSCORE', object, instant, instant)[1]
  if not (old and cjson.decode(old)[1] == 'Created' and cjson.decode(record)[1] ~= 'Created') then
    if old then
      redis.call('ZREM', object, old)
      redis.call('ZREM', all, old)
    end
    redis.call('ZADD', object, instant, record)
    redis.call('ZADD', all, recorded_at, record)
  end
end
for i = 3, #KEYS do
  redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -per_object - 1)
  redis.call('PEXPIRE', KEYS[i], life)
end
if #KEYS > 2 then
  local time = redis.call('TIME')
  local oldest = time[1] * 1000000 + time[2] - tonumber(ARGV[5])
  redis.call('ZREMRANGEBYSCORE', all, '-inf', string.format('(%.0f', oldest))
  redis.call('ZREMRANGEBYRANK', all, 0, -in_all - 1)
  redis.call('PEXPIRE', all, life)
end
return mark
""")


class RedisRecentJobStore:
    """The `RecentJobStore` on Redis.

    Args:
        client: Its own, bounded by `FLUSH_TIMEOUT`.
        key_prefix: Beginning of its keys.
        bounds: Must be equal on all replicas.
        flush_timeout: Bound of a batch.
        read_timeout: Bound of a read.
    """

    def __init__(
        self,
        client: RedisClient,
        *,
        key_prefix: str,
        bounds: Bounds = DEFAULT_BOUNDS,
        flush_timeout: timedelta = FLUSH_TIMEOUT,
        read_timeout: timedelta = READ_TIMEOUT,
    ) -> None:
        self._client = client
        self._flush_timeout = flush_timeout
        self._read_timeout = read_timeout
        self._tag = f"{{{key_prefix}}}"
        self._bounds = bounds
        self._outbox = Outbox()
        self._mark: str | None = None
        self._fresh = secrets.token_hex(8)
        self._memory_lost = False

    def record(self, record: FiringRecord) -> None:
        """Keep a firing for the next flush."""
        self._outbox.put(record)

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        """The flushed firings of one object whose instant lies after `after`, oldest first.

        Raises:
            StoreUnavailable: No answer in time, or an error.
        """
        found = await self._read("ZRANGEBYSCORE", self._object(uid), f"({_microseconds(after)}", "+inf")
        return tuple(_decoded(found))

    async def newest(self, uid: str) -> FiringRecord | None:
        """The flushed firing of one object with the newest instant.

        Raises:
            StoreUnavailable: As for `firings`.
        """
        found = await self._read("ZREVRANGE", self._object(uid), 0, 0)
        return next(_decoded(found), None)

    async def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        """The last `limit` firings flushed, of all objects, newest record first.

        Raises:
            StoreUnavailable: As for `firings`.
        """
        found = await self._read("ZREVRANGE", self._all, 0, limit - 1) if limit > 0 else []
        return tuple(_decoded(found))

    async def flush(self) -> bool:
        """Send what has been recorded, in batches of one round trip each; with nothing to send, ask for the mark alone.

        The mark is a random word that the first flush into an empty store leaves there. Another one than last time, or
        one that had to be left, means that what was there before is gone. The records of this flush are written all
        the same.

        Returns:
            False once after each loss of memory, and for a store that was empty at the first flush; True otherwise.

        Raises:
            StoreUnavailable: No answer in time, or an error; what was not sent waits for the next flush.
        """
        for _ in range(max(1, ceil(len(self._outbox) / BATCH))):
            await self._flush_batch()
        if dropped := self._outbox.dropped():
            logger.warning("records were dropped while the store was away", extra={"count": dropped})
        kept, self._memory_lost = not self._memory_lost, False
        return kept

    async def _flush_batch(self) -> None:
        batch = self._outbox.take(BATCH)
        try:
            mark = await self._send(batch)
        except BaseException:  # cancelled too: sending a record twice keeps one
            self._outbox.put_back(batch)
            raise
        if mark == self._fresh or self._mark not in (None, mark):
            self._memory_lost = True
        # A fresh mark is good until an answer is seen: one that was left by a call without an answer is known again.
        self._mark, self._fresh = mark, secrets.token_hex(8)

    async def _send(self, batch: Iterable[FiringRecord]) -> str:
        keys = [f"{self._tag}:mark", self._all]
        indexes: dict[str, int] = {}
        life = int(self._bounds.max_age.total_seconds() * 1000)
        args: list[str | int | float] = [self._fresh, life, self._bounds.per_object, self._bounds.in_all, life * 1000]
        for record in batch:
            if record.uid not in indexes:
                keys.append(self._object(record.uid))
                indexes[record.uid] = len(keys)
            instant, recorded_at = _microseconds(record.scheduled_at), _microseconds(record.recorded_at)
            args += [indexes[record.uid], instant, recorded_at, _encode(record)]
        return str(await self._client.run(_FLUSH, keys=keys, args=args, within=self._flush_timeout))

    async def _read(self, *command: str | int) -> list[str]:
        found: list[str] = await self._client.call(*command, within=self._read_timeout)
        return found

    @property
    def _all(self) -> str:
        return f"{self._tag}:firings"

    def _object(self, uid: str) -> str:
        return f"{self._tag}:firings:{uid}"


class InMemoryRecentJobStore:
    """The `RecentJobStore` of a replica that is alone: gone with its process, and rebuilt from Jobs and statuses.

    Args:
        clock: What the age is counted by.
        bounds: What is forgotten.
    """

    def __init__(self, clock: Clock, *, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._clock = clock
        self._memory = FiringMemory(bounds)
        self._flushed = False

    def record(self, record: FiringRecord) -> None:
        """Remember a firing at once."""
        self._memory.add(record, self._clock.now())

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        """The firings of one object whose instant lies after `after`, oldest first."""
        return self._memory.firings(uid, after=after)

    async def newest(self, uid: str) -> FiringRecord | None:
        """The firing of one object with the newest instant."""
        return self._memory.newest(uid)

    async def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        """The last `limit` firings recorded, of all objects, newest first."""
        return self._memory.recent(limit=limit)

    async def flush(self) -> bool:
        """Nothing to send: False the first time, for it began empty; True ever after."""
        flushed, self._flushed = self._flushed, True
        return flushed


def _encode(record: FiringRecord) -> str:
    """A record as one JSON list: the outcome first, where the script looks for it."""
    fields = [
        record.outcome.value,
        record.uid,
        *record.key,
        _microseconds(record.scheduled_at),
        record.node,
        record.job,
        record.lateness_seconds,
        _microseconds(record.recorded_at),
        record.trigger.value,
    ]
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _decoded(texts: Iterable[str]) -> Iterator[FiringRecord]:
    for text in texts:
        try:
            yield _decode(text)
        except (ValueError, TypeError):  # of another version, with another outcome or shape: the ledger knows it too
            logger.debug("a record is not readable here", extra={"record": text})


def _decode(text: str) -> FiringRecord:
    outcome, uid, namespace, name, scheduled_at, node, job, lateness_seconds, recorded_at, trigger = json.loads(text)
    return FiringRecord(
        uid=uid,
        key=Key(namespace, name),
        scheduled_at=_instant(scheduled_at),
        outcome=Reason(outcome),
        node=node,
        job=job,
        lateness_seconds=lateness_seconds,
        recorded_at=_instant(recorded_at),
        trigger=Trigger(trigger),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _microseconds(instant: datetime) -> int:
    """Exact as a score: Redis's are doubles, whole up to 2**53, the year 2255."""
    return (instant - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND

"""Membership: who is alive, on Redis or, for a single replica, in memory.

It exists so that the replicas agree on one list by one clock, Redis's own; what a node's clock shows does not matter.
It never decides who fires what: `nodepool` beats here and makes a ring of the answer. It never repeats a call: the next
beat is the repetition. Its connections are its own, so that no other traffic can hold a heartbeat up.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.errors import StoreUnavailable
from controller.messages import Member, Membership
from controller.ports import Clock
from controller.redisclient import RedisClient, Script, Subscription

logger = logging.getLogger(__name__)

CONNECTIONS = 2
"""A beat, and a leave beside it when a replica stops in the middle of a beat."""

RECONNECT_PAUSE = timedelta(seconds=1)
"""Between two attempts to hear the channel. A hint that is lost costs one update interval, no more."""

CANCEL_AGAIN = timedelta(milliseconds=100)
"""So long after a cancel who still listens is cancelled again."""

# One hash: identity -> "<expiry, ms of Redis's time> <what else the member says>". The whole hash goes with its last
# member. An expiry further off than a TTL is of a clock that has been stepped back since (a failover to another host):
# it counts from now, or a member that died would stay for as long as the step was. Our own word is the first write: a
# Redis without memory refuses a script there, but no more once it has deleted something. PUBLISH is a pcall: it is a
# hint, and a user without the right to it must not lose the heartbeat.
_BEAT = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local identity, about, ttl, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local joined, live = 1, {}
local known = redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], identity, string.format('%.0f', now + ttl) .. ' ' .. about)
for i = 1, #known, 2 do
  local expiry, said = string.match(known[i + 1], '^(%d+) (.*)$')
  local lives = expiry and tonumber(expiry) > now
  if known[i] == identity then
    joined = lives and 0 or 1
  elseif not lives then
    redis.call('HDEL', KEYS[1], known[i])
  else
    if tonumber(expiry) > now + ttl then
      redis.call('HSET', KEYS[1], known[i], string.format('%.0f', now + ttl) .. ' ' .. said)
    end
    live[#live + 1] = known[i]
    live[#live + 1] = said
  end
end
if redis.call('PTTL', KEYS[1]) < ttl then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
if joined == 1 then
  redis.pcall('PUBLISH', channel, identity)
end
return {time[1], time[2], joined, live}
""")

_LEAVE = Script("""
redis.call('HDEL', KEYS[1], ARGV[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[1])
return 1
""")


class RedisDriver:
    """The `Driver` on Redis.

    Args:
        client: Its own, with a bound of at most a quarter of the membership TTL.
        clock: Paces the attempts to hear the channel.
        key_prefix: Beginning of its keys. Members agree on what it stands for: an installation and a protocol version.
    """

    def __init__(self, client: RedisClient, clock: Clock, *, key_prefix: str) -> None:
        self._client = client
        self._clock = clock
        self._members = f"{{{key_prefix}}}:members"
        self._channel = f"{{{key_prefix}}}:changed"
        self._identity: str | None = None
        self._listening: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """Announce this member for `ttl`, drop who is out of time and read who lives, in one script.

        Raises:
            StoreUnavailable: No answer within a quarter of `ttl`, or an error. The announcement may count all the same.
        """
        self._identity = member.identity
        seconds, microseconds, joined, live = await self._client.run(
            _BEAT,
            keys=[self._members],
            args=[member.identity, _about(member), max(1, int(ttl.total_seconds() * 1000)), self._channel],
            within=ttl / 4,
        )
        members = {other.identity: other for other in _read(live)} | {member.identity: member}
        return Membership(
            members=tuple(members[identity] for identity in sorted(members)),
            server_time=datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(microseconds)),
            joined=bool(joined),
        )

    async def leave(self, member: Member) -> None:
        """Take this member off at once and tell the others.

        Raises:
            StoreUnavailable: As for `beat`; the member then goes when its time is over.
        """
        await self._client.run(_LEAVE, keys=[self._members], args=[member.identity, self._channel])

    async def changed(self) -> None:
        """Return when another member has joined or left since the last return. May be cancelled and called again.

        One task listens and outlives the calls: what is said between two of them is not lost, and a call that is
        cancelled costs no connection.
        """
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="membership channel")
        listening = self._listening
        await asyncio.wait({listening})
        if self._listening is listening:
            self._listening = None
        listening.result()

    async def aclose(self) -> None:
        """Stop listening. The client is closed by whoever made it, afterwards."""
        listening = self._listening
        if listening is not None:
            while not listening.done():
                listening.cancel()  # once is not enough: see `redisclient`
                await asyncio.wait({listening}, timeout=CANCEL_AGAIN.total_seconds())
            await asyncio.gather(listening, return_exceptions=True)
        if self._listening is listening:
            self._listening = None
        await self._unsubscribe()

    async def _listen(self) -> None:
        """Return at the first word of another member, however often the connection must be made anew."""
        while True:
            try:
                if self._subscription is None:
                    self._subscription = self._client.subscription(self._channel)
                if await self._subscription.message() != self._identity:
                    return
            except StoreUnavailable as error:
                logger.debug("cannot hear the others' changes", extra={"reason": str(error)})
                await self._unsubscribe()
                await self._clock.sleep(RECONNECT_PAUSE)

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            await self._subscription.aclose()
            self._subscription = None


class InMemoryDriver:
    """The `Driver` of a replica that is alone: no Redis, no other members, no clock of its own."""

    def __init__(self) -> None:
        self._announced: set[str] = set()

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """The member itself; `ttl` has nobody to count for."""
        joined = member.identity not in self._announced
        self._announced.add(member.identity)
        return Membership(members=(member,), server_time=None, joined=joined)

    async def leave(self, member: Member) -> None:
        """Forget the member."""
        self._announced.discard(member.identity)

    async def changed(self) -> None:
        """Never returns: there is nobody else."""
        await asyncio.Event().wait()


def _about(member: Member) -> str:
    """What a member says beside its identity."""
    said = {
        "started_at": member.started_at.timestamp(),
        "protocol": member.protocol,
        "tzdata": member.tzdata,
        "api_ok": member.api_ok,
    }
    return json.dumps(said, separators=(",", ":"))


def _read(pairs: Sequence[str]) -> Iterator[Member]:
    for identity, about in zip(pairs[::2], pairs[1::2], strict=True):
        node, _, nonce = identity.rpartition("/")
        yield _member(node, nonce, _object(about))


def _member(node: str, nonce: str, said: dict[str, Any]) -> Member:
    """A member of any version: it counts whatever it does not say, or says in another way, since it fires like us."""
    return Member(
        node=node,
        nonce=nonce,
        started_at=_instant(said.get("started_at")),
        protocol=str(said.get("protocol", "")),
        tzdata=str(said.get("tzdata", "")),
        api_ok=said.get("api_ok") is not False,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _instant(seconds: object) -> datetime:
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)

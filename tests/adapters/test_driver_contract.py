"""The `Driver` port: what holds on the fake and on a real Redis of each kind alike.

What only a real server can do to us is in `test_redis_faults`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from controller.driver import InMemoryDriver
from controller.messages import Member
from controller.ports import Driver
from tests.adapters.redis_worlds import REAL_KINDS, FakeWorld, World, real_world

TTL = timedelta(seconds=20)
"""Long enough for no member to be lost to a busy machine."""

SHORT_TTL = timedelta(seconds=2)


def member(node: str, *, nonce: str | None = None, api_ok: bool = True) -> Member:
    return Member(
        node=node,
        nonce=nonce or secrets.token_hex(4),
        started_at=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
        protocol="1",
        tzdata="2026a",
        api_ok=api_ok,
    )


@pytest.fixture(params=["fake", *REAL_KINDS])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each of the worlds in turn."""
    made = FakeWorld() if request.param == "fake" else real_world(request, request.param)
    yield made
    await made.aclose()


async def test_a_beat_shows_all_live_members_ordered_by_identity(world: World) -> None:
    members = [member("b"), member("c"), member("a")]
    drivers = [world.driver(each.node) for each in members]
    for driver, each in zip(drivers, members, strict=True):
        await driver.beat(each, ttl=TTL)
    membership = await drivers[0].beat(members[0], ttl=TTL)
    assert membership.members == tuple(sorted(members, key=lambda each: each.identity))


async def test_only_the_first_beat_joins(world: World) -> None:
    driver, me = world.driver("a"), member("a")
    assert [(await driver.beat(me, ttl=TTL)).joined for _ in range(3)] == [True, False, False]


async def test_the_driver_tells_its_own_time(world: World) -> None:
    driver, me = world.driver("a"), member("a")
    first = (await driver.beat(me, ttl=TTL)).server_time
    await world.pass_time(timedelta(milliseconds=50))
    second = (await driver.beat(me, ttl=TTL)).server_time
    assert first is not None
    assert second is not None
    assert timedelta(milliseconds=45) < second - first < timedelta(seconds=10)
    assert abs(second - world.clock.now()) < timedelta(seconds=10)


async def test_a_member_that_stops_beating_goes_when_its_time_is_over(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await driver.beat(me, ttl=TTL)
    await other_driver.beat(other, ttl=TTL)  # connects
    await other_driver.beat(other, ttl=SHORT_TTL)
    assert other in (await driver.beat(me, ttl=TTL)).members
    await world.pass_time(SHORT_TTL + timedelta(milliseconds=100))
    assert (await driver.beat(me, ttl=TTL)).members == (me,)
    assert (await other_driver.beat(other, ttl=TTL)).joined


async def test_the_time_of_a_member_counts_from_its_last_beat(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await other_driver.beat(other, ttl=TTL)  # connects: what follows has a quarter of the short TTL
    await other_driver.beat(other, ttl=SHORT_TTL)
    await other_driver.beat(other, ttl=TTL)
    await world.pass_time(SHORT_TTL + timedelta(milliseconds=100))
    assert other in (await driver.beat(me, ttl=TTL)).members


async def test_the_last_word_of_a_member_counts(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b", nonce="n")
    await other_driver.beat(other, ttl=TTL)
    cut_off = member("b", nonce="n", api_ok=False)
    await other_driver.beat(cut_off, ttl=TTL)
    assert cut_off in (await driver.beat(me, ttl=TTL)).members


async def test_two_replicas_with_one_name_are_two_members(world: World) -> None:
    one, two = member("same"), member("same")
    await world.driver("same").beat(one, ttl=TTL)
    membership = await world.driver("same").beat(two, ttl=TTL)
    assert set(membership.members) == {one, two}


async def test_who_leaves_is_gone_at_once(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await other_driver.beat(other, ttl=TTL)
    await driver.beat(me, ttl=TTL)
    await other_driver.leave(other)
    assert (await driver.beat(me, ttl=TTL)).members == (me,)


async def test_who_is_not_there_may_leave(world: World) -> None:
    await world.driver("a").leave(member("a"))


async def test_a_leave_wakes_the_others(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await other_driver.beat(other, ttl=TTL)
    await driver.beat(me, ttl=TTL)
    await settle(driver, world)
    await other_driver.leave(other)
    await asyncio.wait_for(driver.changed(), 10)


async def test_a_join_wakes_the_others(world: World) -> None:
    driver, me = world.driver("a"), member("a")
    await driver.beat(me, ttl=TTL)
    await settle(driver, world)
    await world.driver("b").beat(member("b"), ttl=TTL)
    await asyncio.wait_for(driver.changed(), 10)


async def test_announcing_again_and_what_a_node_does_itself_wake_nobody(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await driver.beat(me, ttl=TTL)
    await other_driver.beat(other, ttl=TTL)
    await settle(driver, world)
    await other_driver.beat(other, ttl=TTL)
    await driver.leave(me)
    await driver.beat(me, ttl=TTL)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(driver.changed(), 0.2)


async def test_a_hint_between_two_waits_is_not_lost(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await driver.beat(me, ttl=TTL)
    await other_driver.beat(other, ttl=TTL)
    await settle(driver, world)
    waiting = asyncio.create_task(driver.changed())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await other_driver.leave(other)
    await asyncio.wait_for(driver.changed(), 10)


async def test_members_announce_themselves_again_to_a_driver_that_forgot_them(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await driver.beat(me, ttl=TTL)
    await other_driver.beat(other, ttl=TTL)
    world.flush_all()
    first = await driver.beat(me, ttl=TTL)
    assert (first.joined, first.members) == (True, (me,))
    await other_driver.beat(other, ttl=TTL)
    second = await driver.beat(me, ttl=TTL)
    assert (second.joined, second.members) == (False, (me, other))


async def test_a_clock_that_was_stepped_back_keeps_no_dead_member(world: World) -> None:
    driver, other_driver, me, other = world.driver("a"), world.driver("b"), member("a"), member("b")
    await driver.beat(me, ttl=TTL)  # connects
    await other_driver.beat(other, ttl=timedelta(hours=1))  # as it looks after a step by an hour
    assert other in (await driver.beat(me, ttl=SHORT_TTL)).members
    await world.pass_time(SHORT_TTL + timedelta(milliseconds=100))
    assert (await driver.beat(me, ttl=SHORT_TTL)).members == (me,)


async def settle(driver: Driver, world: World) -> None:
    """Have the driver listen, and take the hints that are already under way."""
    waiting = asyncio.create_task(driver.changed())
    await world.until_heard(1)
    while (await asyncio.wait({waiting}, timeout=0.1))[0]:
        waiting = asyncio.create_task(driver.changed())
    waiting.cancel()


class TestInMemory:
    """The driver of a replica that is alone."""

    async def test_a_beat_shows_the_member_itself_and_no_time(self) -> None:
        driver, me = InMemoryDriver(), member("a")
        first, second = await driver.beat(me, ttl=TTL), await driver.beat(me, ttl=TTL)
        assert (first.members, first.server_time, first.joined) == ((me,), None, True)
        assert (second.members, second.joined) == ((me,), False)

    async def test_who_has_left_joins_again(self) -> None:
        driver, me = InMemoryDriver(), member("a")
        await driver.beat(me, ttl=TTL)
        await driver.leave(me)
        assert (await driver.beat(me, ttl=TTL)).joined

    async def test_nothing_ever_changes(self) -> None:
        driver = InMemoryDriver()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(driver.changed(), 0.05)

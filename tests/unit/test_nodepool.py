"""This node among the others: who fires a key, whatever the driver says, and says late, or does not say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.errors import StoreDenied
from controller.messages import Member
from controller.nodepool import STAND_IN, NodePool, Ours, State, Theirs, Unsure
from controller.ring import Ring
from controller.spec import Key
from controller.timekeeper import Timekeeper
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.simulation.loop import Simulation, simulate
from tests.unit.builders import key
from tests.unit.doubles import DictatedDriver, Numbers

UPDATE, TTL, REPLICAS = timedelta(seconds=1), timedelta(seconds=5), 64


def member(node: str, *, api_ok: bool = True, **changes: Any) -> Member:
    made = Member(node=node, nonce="1", started_at=EPOCH, protocol="1", tzdata="2026a", api_ok=api_ok)
    return replace(made, **changes)


A, B, C = member("a"), member("b"), member("c")


def key_in_order(*nodes: Member) -> Key:
    """A key whose nodes stand in this order on the ring of these nodes."""
    ring = Ring.of([node.identity for node in nodes], REPLICAS)
    order = tuple(node.identity for node in nodes)
    return next(key(f"k{n}") for n in range(1000) if ring.preference(str(key(f"k{n}"))) == order)


OURS, THEIRS = key_in_order(A, B), key_in_order(B, A)
"""On the ring of A and B: a key of A, where the tests are, and one of B."""


class Node:
    """The node pool of A, its driver, and how often it said that ownership may have changed."""

    def __init__(self, simulation: Simulation, *members: Member, skew: timedelta = timedelta(0)) -> None:
        self.clock = SimulatedClock(simulation.loop, skew=skew)
        self.driver = DictatedDriver(members=members)
        self.changes = 0
        self.me = A
        self.pool = NodePool(
            driver=self.driver,
            clock=self.clock,
            timekeeper=Timekeeper(self.clock, Numbers()),
            announce=lambda: self.me,
            update=UPDATE,
            ttl=TTL,
            hash_replicas=REPLICAS,
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    async def beats(self, number: int = 1) -> None:
        """So many beats, one update interval apart, the last one just now."""
        for _ in range(number):
            await self.clock.sleep(UPDATE)
            await self.pool.beat()

    async def rests(self, seconds: float) -> None:
        await self.clock.sleep(timedelta(seconds=seconds))


def run(act: Callable[[Node], Awaitable[None]], *members: Member, skew: timedelta = timedelta(0)) -> None:
    """Do something at the node pool of A, whose driver knows these members."""

    async def scenario(simulation: Simulation) -> None:
        await act(Node(simulation, *members, skew=skew))

    simulate(scenario)


# --- the ring -------------------------------------------------------------------------------------------------------


def test_before_its_first_beat_a_node_does_not_know_whose_a_key_is() -> None:
    async def act(node: Node) -> None:
        assert node.pool.state is State.JOINING
        assert node.pool.nodes == ()
        assert node.pool.ownership(OURS) == Unsure()
        assert not node.pool.owns(OURS)

    run(act, A, B)


def test_the_ring_says_whose_a_key_is() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        assert node.pool.nodes == ("a/1", "b/1")
        assert node.pool.members == (A, B)
        assert node.pool.ownership(OURS) == Ours()
        assert node.pool.ownership(THEIRS) == Theirs()
        assert node.pool.owns(OURS)
        assert not node.pool.owns(THEIRS)

    run(act, A, B)


def test_two_equal_reads_make_it_steady() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        assert (node.pool.state, node.changes) == (State.UPGRADING, 1)
        await node.beats()
        assert (node.pool.state, node.changes) == (State.STEADY, 1)
        await node.beats()
        assert (node.pool.state, node.changes) == (State.STEADY, 1)
        node.driver.members = [A, B, C]
        await node.beats()
        assert (node.pool.state, node.changes) == (State.UPGRADING, 2)

    run(act, A, B)


def test_a_member_that_does_not_reach_the_api_server_is_not_on_the_ring() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        assert node.pool.nodes == ("a/1",)
        assert node.pool.ownership(THEIRS) == Ours()

    run(act, A, member("b", api_ok=False))


def test_if_none_reaches_it_all_are_on_the_ring() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        assert node.pool.nodes == ("a/1", "b/1")

    run(act, member("a", api_ok=False), member("b", api_ok=False))


def test_a_node_that_is_not_on_the_ring_fires_nothing() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        assert node.pool.ownership(OURS) == Theirs()

    run(act, member("a", api_ok=False), B)


def test_an_empty_ring_never_means_that_nobody_fires() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        assert node.pool.ownership(OURS) == Ours()
        assert node.pool.ownership(THEIRS) == Ours()

    run(act)


def test_two_replicas_of_one_name_are_two_nodes_and_the_clash_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def act(node: Node) -> None:
        await node.beats(3)
        assert node.pool.nodes == ("a/1", "a/2")

    run(act, A, member("a", nonce="2"))

    assert [record.__dict__["detail"] for record in caplog.records if record.levelno == logging.WARNING] == [
        "another live member has the name a"
    ]


@pytest.mark.parametrize("changes", [{"protocol": "2"}, {"tzdata": "2027a"}], ids=["protocol", "tzdata"])
def test_a_member_of_another_version_is_said_once_and_breaks_nothing(
    changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def act(node: Node) -> None:
        await node.beats(3)
        assert node.pool.nodes == ("a/1", "b/1")

    run(act, A, member("b", **changes))

    (warning,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert warning.__dict__["detail"].startswith("b runs protocol")


# --- a change: overlap and never a gap ------------------------------------------------------------------------------


def test_who_loses_a_key_fires_it_for_one_more_update_interval() -> None:
    async def act(node: Node) -> None:
        await node.beats(3)
        node.driver.members = [A, B]
        await node.beats()
        assert node.pool.ownership(THEIRS) == Ours()
        assert not node.pool.owns(THEIRS)
        await node.rests(1)
        assert node.pool.ownership(THEIRS) == Ours()
        await node.rests(0.01)
        assert node.pool.ownership(THEIRS) == Theirs()

    run(act, A)


def test_who_gains_a_key_fires_it_at_once() -> None:
    async def act(node: Node) -> None:
        await node.beats(3)
        node.driver.members = [A]
        await node.beats()
        assert node.pool.ownership(THEIRS) == Ours()

    run(act, A, B)


# --- without the driver ---------------------------------------------------------------------------------------------


def test_for_a_ttl_without_the_driver_the_last_ring_goes_on_unchanged() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        assert node.pool.trouble is None
        node.driver.down = True
        await node.beats(4)
        assert node.pool.trouble is not None
        assert node.pool.state is State.STEADY
        assert node.pool.ownership(OURS) == Ours()
        assert node.pool.ownership(THEIRS) == Theirs()

    run(act, A, B)


def test_after_a_ttl_without_the_driver_the_others_stand_in_behind_the_owning_node_in_ring_order() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.down = True
        await node.beats(5)
        assert (node.pool.state, node.changes) == (State.DEGRADED, 2)
        assert node.pool.ownership(key_in_order(A, B, C)) == Ours()
        assert node.pool.ownership(key_in_order(B, A, C)) == Ours(delay=STAND_IN)
        assert node.pool.ownership(key_in_order(B, C, A)) == Ours(delay=2 * STAND_IN)
        await node.beats(5)
        assert (node.pool.state, node.changes) == (State.DEGRADED, 2)

    run(act, A, B, C)


def test_a_node_that_was_not_on_the_ring_stands_in_last() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.down = True
        await node.beats(5)
        assert node.pool.ownership(THEIRS) == Ours(delay=2 * STAND_IN)

    run(act, member("a", api_ok=False), B, C)


def test_without_any_ring_everybody_fires_once_the_driver_has_been_silent_for_a_ttl() -> None:
    async def act(node: Node) -> None:
        node.driver.down = True
        await node.beats(5)
        assert node.pool.ownership(THEIRS) == Unsure()
        await node.beats()
        assert (node.pool.state, node.changes) == (State.DEGRADED, 1)
        assert node.pool.ownership(OURS) == Ours()
        assert node.pool.ownership(THEIRS) == Ours()

    run(act, A, B)


def test_a_driver_that_answers_again_with_the_same_ring_ends_the_standing_in() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.down = True
        await node.beats(5)
        node.driver.down = False
        await node.beats()
        assert (node.pool.state, node.changes) == (State.STEADY, 3)
        assert node.pool.ownership(THEIRS) == Theirs()

    run(act, A, B)


def test_who_is_waited_for_after_an_outage_is_stood_in_for_until_it_has_announced_itself() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.down = True
        await node.beats(5)
        node.driver.down, node.driver.members, node.driver.joined = False, [A], True
        await node.beats()
        assert (node.pool.state, node.pool.nodes, node.changes) == (State.STEADY, ("a/1", "b/1"), 3)
        assert node.pool.ownership(OURS) == Ours()
        assert node.pool.ownership(THEIRS) == Ours(delay=STAND_IN)
        node.driver.members, node.driver.joined = [A, B], False
        await node.beats()
        assert node.pool.ownership(THEIRS) == Theirs()

    run(act, A, B)


def test_who_is_waited_for_is_stood_in_for_even_if_the_outage_was_short() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        before = node.changes
        node.driver.members, node.driver.joined = [A], True
        await node.beats()
        assert (node.pool.ownership(THEIRS), node.changes) == (Theirs(), before)
        node.driver.joined = False
        await node.beats()
        assert (node.pool.ownership(THEIRS), node.changes) == (Ours(delay=STAND_IN), before + 1)
        node.driver.members = [A, B]
        await node.beats()
        assert (node.pool.ownership(THEIRS), node.changes) == (Theirs(), before + 2)

    run(act, A, B)


def test_a_driver_that_answers_again_with_another_ring_changes_it() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.down = True
        await node.beats(5)
        node.driver.down, node.driver.members = False, [A, B, C]
        await node.beats()
        assert node.pool.state is State.UPGRADING
        assert node.pool.nodes == ("a/1", "b/1", "c/1")

    run(act, A, B)


@pytest.mark.parametrize(
    ("beats", "ring"), [(2, "the last one"), (0, "none: everybody fires")], ids=["with a ring", "without one"]
)
def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends(
    caplog: pytest.LogCaptureFixture, beats: int, ring: str
) -> None:
    async def act(node: Node) -> None:
        await node.beats(beats)
        node.driver.down = True
        await node.beats(20)
        node.driver.down = False
        await node.beats(3)

    run(act, A, B)

    assert warnings(caplog) == ["going on without Redis", "Redis answers again"]
    (begun,) = [record for record in caplog.records if record.getMessage() == "going on without Redis"]
    assert (vars(begun)["reason"], vars(begun)["ring"]) == ("no answer", ring)


def test_some_lost_beats_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        for _ in range(3):
            node.driver.down = True
            await node.beats(4)
            node.driver.down = False
            await node.beats()

    run(act, A, B)

    assert warnings(caplog) == []


def test_a_refusal_is_told_at_once_and_once(caplog: pytest.LogCaptureFixture) -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.down, node.driver.failure = True, StoreDenied("wrong password")
        await node.beats()
        assert warnings(caplog) == ["going on without Redis"]
        await node.beats(20)

    run(act, A, B)

    assert warnings(caplog) == ["going on without Redis"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


# --- pauses and a driver that forgets -------------------------------------------------------------------------------


def test_a_node_that_was_paused_for_more_than_half_a_ttl_asks_before_it_fires() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        await node.rests(2.5)
        assert node.pool.ownership(OURS) == Ours()
        await node.rests(0.1)
        assert node.pool.ownership(OURS) == Unsure()
        assert node.pool.ownership(THEIRS) == Unsure()
        await node.beats()
        assert node.pool.ownership(OURS) == Ours()

    run(act, A, B)


def test_members_known_are_kept_while_a_driver_that_lost_its_memory_hears_of_them_again() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.members, node.driver.joined = [A], True
        await node.beats()
        assert node.pool.nodes == ("a/1", "b/1")
        node.driver.members, node.driver.joined = [A, B], False
        await node.beats()
        assert (node.pool.state, node.changes) == (State.STEADY, 1)

    run(act, A, B)


def test_a_member_that_does_not_return_to_it_is_dropped() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.members, node.driver.joined = [A], True
        await node.beats()
        node.driver.joined = False
        await node.beats(3)
        assert "b/1" in node.pool.nodes
        await node.beats()
        assert "b/1" not in node.pool.nodes

    run(act, A, B)


def test_a_member_that_leaves_once_it_has_returned_is_waited_for_no_more() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.members, node.driver.joined = [A], True
        await node.beats()
        node.driver.members, node.driver.joined = [A, B], False
        await node.beats()
        node.driver.members = [A]
        await node.beats()
        assert node.pool.nodes == ("a/1",)

    run(act, A, B)


def test_who_joins_while_a_driver_has_lost_its_memory_is_on_the_ring_too() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.members, node.driver.joined = [A, B], True
        await node.beats()
        assert node.pool.nodes == ("a/1", "b/1", "c/1")

    run(act, A, C)


def test_after_a_pause_our_own_announcement_ran_out_and_the_driver_is_believed() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        await node.rests(10)
        node.driver.members, node.driver.joined = [A], True
        await node.beats()
        assert node.pool.nodes == ("a/1",)

    run(act, A, B)


# --- beats and leaving ----------------------------------------------------------------------------------------------


def test_a_node_beats_once_an_update_interval_and_at_once_when_another_has_left() -> None:
    async def act(node: Node) -> None:
        running = asyncio.create_task(node.pool.run())
        await node.rests(3.5)
        assert len(node.driver.beats) == 4
        node.driver.members = [A]
        node.driver.news.set()
        await node.rests(0.001)
        assert node.pool.nodes == ("a/1",)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run(act, A, B)


def test_each_beat_announces_the_node_as_it_stands() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        node.me = member("a", api_ok=False)
        await node.beats()
        assert [beat.api_ok for beat in node.driver.beats] == [True, False]

    run(act, A)


def test_who_hears_no_answer_does_not_return_to_the_ring_by_what_it_says() -> None:
    """Its beats may arrive: the others would count on a node that does not know of it."""

    async def act(node: Node) -> None:
        node.me = member("a", api_ok=False)
        node.driver.members = (node.me, B)
        await node.beats(2)
        node.me, node.driver.deaf = A, True
        await node.beats(3)
        assert [beat.api_ok for beat in node.driver.beats[2:]] == [True, False, False]
        node.driver.deaf = False
        await node.beats(2)
        assert [beat.api_ok for beat in node.driver.beats[-2:]] == [False, True]

    run(act)


def test_who_hears_no_answer_goes_on_on_the_ring_that_it_is_on() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.deaf = True
        await node.beats(3)
        assert all(beat.api_ok for beat in node.driver.beats)

    run(act, A, B)


def test_a_node_that_leaves_fires_on_for_one_update_interval_and_then_beats_no_more() -> None:
    async def act(node: Node) -> None:
        running = asyncio.create_task(node.pool.run())
        await node.rests(2.5)
        leaving = asyncio.create_task(node.pool.leave())
        await node.rests(0.9)
        assert node.driver.left == [A]
        assert not leaving.done()
        assert node.pool.ownership(OURS) == Ours()
        await leaving
        await running
        assert len(node.driver.beats) == 3
        await node.rests(60)
        assert node.pool.ownership(OURS) == Ours()  # what is under way is finished

    run(act, A, B)


def test_a_node_leaves_only_after_the_beat_that_is_under_way_so_that_it_is_not_announced_again() -> None:
    async def act(node: Node) -> None:
        node.driver.takes_seconds = 1.0
        beat = asyncio.create_task(node.pool.beat())
        await node.rests(0.2)
        leaving = asyncio.create_task(node.pool.leave())
        await node.rests(0.5)
        assert node.driver.left == []
        await node.rests(0.5)
        assert (len(node.driver.beats), node.driver.left) == (1, [A])
        await asyncio.gather(beat, leaving)

    run(act, A, B)


def test_the_answer_to_a_beat_that_was_under_way_does_not_change_the_ring_of_a_node_that_leaves() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        node.driver.takes_seconds = 0.5
        node.driver.members = [B]
        beat = asyncio.create_task(node.pool.beat())
        await node.rests(0.1)
        await node.pool.leave()
        await beat
        assert node.pool.nodes == ("a/1", "b/1")

    run(act, A, B)


def test_a_node_that_cannot_say_that_it_leaves_goes_all_the_same() -> None:
    async def act(node: Node) -> None:
        await node.beats()
        node.driver.down = True
        await node.pool.leave()
        assert node.clock.elapsed() == timedelta(seconds=2)

    run(act, A, B)


def test_a_driver_that_cannot_listen_costs_no_pause_between_beats(caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(DictatedDriver):
        async def changed(self) -> None:
            raise KeyError("a bug")

    async def act(node: Node) -> None:
        node.pool._driver = deaf = Deaf(members=[A])
        running = asyncio.create_task(node.pool.run())
        await node.rests(10.5)
        running.cancel()
        assert len(deaf.beats) == 11
        assert "cannot hear the other nodes" in caplog.messages

    run(act, A)


# --- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [300.0, -300.0, 0.002], ids=["fast", "slow", "a little"])
def test_the_clock_follows_that_of_the_driver(skew: float) -> None:
    async def act(node: Node) -> None:
        node.driver.server_time = node.clock.true_now
        await node.beats(2)
        assert abs(node.clock.now() - node.clock.true_now()) <= timedelta(microseconds=2)

    run(act, A, skew=timedelta(seconds=skew))


def test_a_deviation_that_may_be_the_way_to_the_driver_is_left_alone() -> None:
    async def act(node: Node) -> None:
        node.driver.server_time, node.driver.takes_seconds = node.clock.true_now, 1.0
        await node.beats(2)
        assert node.clock.now() - node.clock.true_now() == timedelta(seconds=0.3)

    run(act, A, skew=timedelta(seconds=0.3))


def test_a_clock_that_is_stepped_moves_nothing_neither_before_the_next_beat_nor_after_it() -> None:
    async def act(node: Node) -> None:
        node.driver.server_time, node.driver.takes_seconds = node.clock.true_now, 0.01
        await node.beats(2)
        node.clock.step(timedelta(minutes=5))
        for _ in range(2):
            assert abs(node.clock.now() - node.clock.true_now()) <= timedelta(seconds=0.01)
            await node.beats()

    run(act, A)


def test_a_driver_without_a_clock_corrects_none() -> None:
    async def act(node: Node) -> None:
        await node.beats(2)
        assert node.clock.now() - node.clock.true_now() == timedelta(seconds=7)

    run(act, A, skew=timedelta(seconds=7))

"""What a replica tells of an outage of Redis: once when it begins, once when it ends."""

from __future__ import annotations

from controller.errors import StoreDenied
from controller.messages import EventType
from controller.outage import Outage
from tests.unit.test_nodepool import TTL, UPDATE, A, B, Node, run


class Told:
    """An outage's watch, and what it has told."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.events: list[tuple[EventType, str, str]] = []
        self.ups: list[bool] = []
        self.outage = Outage(node.pool, node.clock, tell=lambda *event: self.events.append(event), up=self.ups.append)

    async def goes_on(self, beats: int) -> None:
        """So many beats, each looked at."""
        for _ in range(beats):
            await self.node.beats()
            self.outage.look()

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.events]


def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    async def act(node: Node) -> None:
        told = Told(node)
        await told.goes_on(3)
        node.driver.down = True
        await told.goes_on(30)
        assert told.events == [
            (
                EventType.WARNING,
                "RedisUnavailable",
                "no answer. Nothing is missed: schedules go on with the last ring, replicas stand in for each other.",
            )
        ]
        node.driver.down = False
        await told.goes_on(10)
        assert told.reasons == ["RedisUnavailable", "RedisAvailable"]
        type, _, message = told.events[1]
        assert type is EventType.NORMAL
        assert message == "Redis answers again; this replica went on without it for 26 s"

    run(act, A, B)


def test_each_outage_is_told() -> None:
    async def act(node: Node) -> None:
        told = Told(node)
        for down in (False, True, False, True):
            node.driver.down = down
            await told.goes_on(10)
        assert told.reasons == ["RedisUnavailable", "RedisAvailable", "RedisUnavailable"]

    run(act, A, B)


def test_some_lost_beats_are_no_outage_but_the_number_shows_them() -> None:
    async def act(node: Node) -> None:
        told = Told(node)
        await told.goes_on(2)
        for _ in range(3):
            node.driver.down = True
            await told.goes_on(TTL // UPDATE - 1)
            node.driver.down = False
            await told.goes_on(1)
        assert told.events == []
        assert told.ups == [True, True, *[False, False, False, False, True] * 3]

    run(act, A, B)


def test_a_refusal_has_a_reason_of_its_own() -> None:
    async def act(node: Node) -> None:
        told = Told(node)
        await told.goes_on(2)
        node.driver.down, node.driver.failure = True, StoreDenied("wrong password")
        await told.goes_on(10)
        assert [event[1:] for event in told.events] == [
            (
                "RedisDenied",
                "wrong password. Nothing is missed: schedules go on with the last ring, "
                "replicas stand in for each other.",
            )
        ]

    run(act, A, B)


def test_before_the_first_beat_nothing_is_said() -> None:
    async def act(node: Node) -> None:
        told = Told(node)
        told.outage.look()
        assert (told.events, told.ups) == ([], [])

    run(act, A, B)


def test_an_outage_from_the_start_says_that_every_replica_fires() -> None:
    async def act(node: Node) -> None:
        told = Told(node)
        node.driver.down = True
        await told.goes_on(10)
        ((_, reason, message),) = told.events
        assert reason == "RedisUnavailable"
        assert "no ring was seen yet: each replica fires what is due" in message
        assert told.ups == [False] * 10

    run(act, A, B)

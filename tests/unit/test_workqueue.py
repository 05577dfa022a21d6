"""The work queue: when a key is looked at, by how many at once, and what an error means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from controller.errors import ClusterUnavailable, Conflict, Throttled
from controller.herds import LONGEST
from controller.preparation import AHEAD
from controller.rush import COURTESY, HESITATION, MANY, WITHIN
from controller.spec import Key
from controller.turns import Turn
from controller.workqueue import BREATH, BRINK, GLANCE, MOST_PLACES, SLOW, TRIES, WorkQueue
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.simulation.loop import Simulation, simulate
from tests.unit.builders import key
from tests.unit.doubles import Numbers


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


PLACES, BOOK_PLACES = 16, 8
"""Looks at once, if a test says nothing else; and of these, those that may only keep books."""


class Desk:
    """A queue whose looks are written down: whose, and how many seconds after the start.

    Attributes:
        takes: How long a look takes, in seconds.
        answer: What a look does in the end.
        most: The most looks under way at once.
    """

    def __init__(self, simulation: Simulation, *, places: int = PLACES, most: int = MOST_PLACES) -> None:
        self.clock = SimulatedClock(simulation.loop)
        self.numbers = Numbers()
        self.queue = WorkQueue(self._look, clock=self.clock, recorder=self.numbers, places=lambda: places, most=most)
        self.looks: list[tuple[str, float]] = []
        self.ended: list[str] = []
        self.takes = 0.0
        self.answer: Callable[[Key], datetime | None] = lambda key: None
        self.under_way: list[str] = []
        self.most = 0

    def add(self, name: str, seconds: float | None = None) -> None:
        self.queue.add(key(name), None if seconds is None else at(seconds))

    async def until(self, seconds: float) -> None:
        await self.clock.sleep_until(at(seconds))

    def times(self, name: str) -> list[float]:
        return [time for looked_at, time in self.looks if looked_at == name]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The queue runs; at the end it is stopped, and has returned."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.queue.run())
            yield
            self.queue.stop()

    async def _look(self, key: Key) -> Turn | None:
        assert key.name not in self.under_way, "two looks at one key at once"
        self.looks.append((key.name, round(self.clock.elapsed().total_seconds(), 3)))
        self.under_way.append(key.name)
        self.most = max(self.most, len(self.under_way))
        try:
            await asyncio.sleep(self.takes)
            wake_at = self.answer(key)
            return None if wake_at is None else Turn(at=wake_at, presses_at=wake_at)
        finally:
            self.under_way.remove(key.name)
            self.ended.append(key.name)


def at_desk(act: Callable[[Desk], Awaitable[None]], *, places: int = PLACES, most: int = MOST_PLACES) -> Desk:
    """Do something at a desk whose queue runs."""

    async def scenario(simulation: Simulation) -> Desk:
        desk = Desk(simulation, places=places, most=most)
        async with desk.open():
            await act(desk)
        return desk

    return simulate(scenario)


def answers(*outcomes: datetime | Exception | None) -> Callable[[Key], datetime | None]:
    """One answer after the other, the last one for ever."""
    left = list(outcomes)

    def answer(key: Key) -> datetime | None:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return answer


# --- when -----------------------------------------------------------------------------------------------------------


def test_a_key_is_looked_at_when_its_instant_comes_and_not_again() -> None:
    async def act(desk: Desk) -> None:
        desk.add("a", 10)
        await desk.until(60)

    assert at_desk(act).looks == [("a", 10.0)]


def test_a_key_without_an_instant_is_looked_at_at_once() -> None:
    async def act(desk: Desk) -> None:
        await desk.until(5)
        desk.add("a")
        await desk.until(6)

    assert at_desk(act).looks == [("a", 5.0)]


@pytest.mark.parametrize("order", [(10, 20), (20, 10)], ids=["earlier first", "later first"])
def test_the_earliest_instant_counts(order: tuple[int, int]) -> None:
    async def act(desk: Desk) -> None:
        for instant in order:
            desk.add("a", instant)
        await desk.until(60)

    assert at_desk(act).looks == [("a", 10.0)]


def test_a_key_that_is_due_before_the_one_that_is_waited_for_is_looked_at_in_time() -> None:
    async def act(desk: Desk) -> None:
        desk.add("later", 50)
        await desk.until(5)
        desk.add("sooner", 10)
        await desk.until(60)

    assert at_desk(act).looks == [("sooner", 10.0), ("later", 50.0)]


def test_a_look_says_when_the_next_one_is() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(at(7), at(9), None)
        desk.add("a", 1)
        await desk.until(60)

    assert at_desk(act).times("a") == [1, 7, 9]


def test_a_time_that_is_set_forward_is_noticed_within_a_second() -> None:
    async def act(desk: Desk) -> None:
        desk.add("a", 3600)
        await asyncio.sleep(5)
        desk.clock.believe(desk.clock.now() + timedelta(hours=1))
        await asyncio.sleep(2)

    (time,) = at_desk(act).times("a")
    assert 5 <= time <= 6


def test_a_key_that_is_forgotten_is_not_looked_at() -> None:
    async def act(desk: Desk) -> None:
        desk.add("a", 10)
        desk.add("b", 20)
        desk.queue.discard(key("a"))
        desk.queue.discard(key("never added"))
        await desk.until(60)

    assert at_desk(act).looks == [("b", 20.0)]


# --- how many at once -----------------------------------------------------------------------------------------------


def test_a_key_that_is_added_while_it_is_looked_at_is_looked_at_once_more_afterwards() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 4
        desk.add("a", 1)
        await desk.until(2)
        for _ in range(3):
            desk.add("a")
        await desk.until(60)

    assert at_desk(act).times("a") == [1, 5]


@pytest.mark.parametrize(
    ("added", "answered"),
    [(10, 20), (20, 10), (10, None)],
    ids=["what was added is earlier", "what the look says is earlier", "the look says nothing"],
)
def test_the_earliest_of_what_a_look_says_and_what_was_added_meanwhile_counts(added: int, answered: int | None) -> None:
    async def act(desk: Desk) -> None:
        desk.takes, desk.answer = 1, answers(None if answered is None else at(answered), None)
        desk.add("a", 1)
        await desk.until(1.5)
        desk.add("a", added)
        await desk.until(60)

    assert at_desk(act).times("a") == [1, 10]


def test_no_more_looks_are_under_way_than_there_are_places() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 0.25
        for number in range(10):
            desk.add(f"key-{number}", 1)
        await desk.until(60)

    desk = at_desk(act, places=3)
    assert desk.most == 3
    assert [time for _, time in desk.looks] == [1, 1, 1, 1.25, 1.25, 1.25, 1.5, 1.5, 1.5, 1.75]


def test_a_slow_look_gives_its_place_to_another_up_to_a_limit() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 10
        for number in range(10):
            desk.add(f"key-{number}", 1)
        await desk.until(60)

    desk = at_desk(act, places=3, most=5)
    assert desk.most == 5
    times = [time for _, time in desk.looks]
    slow = 1 + SLOW.total_seconds()
    assert times[:3] == [1, 1, 1]
    assert all(slow <= time <= slow + GLANCE.total_seconds() for time in times[3:5])
    assert times[5:8] == [11, 11, 11]


def test_firings_find_places_while_there_are_many_books_to_keep() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 0.4
        for number in range(20 * BOOK_PLACES):
            desk.queue.add(key(f"book-{number}"), at(1), books=True)
        await desk.until(2)
        assert len(desk.under_way) == BOOK_PLACES
        desk.add("firing", 3)
        await desk.until(60)

    desk = at_desk(act)
    assert desk.times("firing") == [3]
    assert len(desk.looks) == 20 * BOOK_PLACES + 1


def test_a_firing_finds_a_place_though_very_many_books_are_slow() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 20.0
        for number in range(200):
            desk.queue.add(key(f"book-{number:03}"), at(1), books=True)
        await desk.until(15)
        desk.add("fires")
        await desk.until(19)

    assert at_desk(act).times("fires") == [15.0]


def test_a_key_with_books_to_keep_is_looked_at_when_it_fires_even_if_others_have_books_too() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 0.4
        for number in range(20 * BOOK_PLACES):
            desk.queue.add(key(f"book-{number:03}"), at(1), books=True)
        desk.add(f"book-{20 * BOOK_PLACES - 1:03}", 4)
        await desk.until(60)

    assert at_desk(act).times(f"book-{20 * BOOK_PLACES - 1:03}") == [4]


def test_books_are_not_begun_just_before_something_fires() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 0.2
        desk.queue.add(key("book"), at(3) - BRINK / 2, books=True)
        desk.queue.add(key("early book"), at(3) - BRINK * 2, books=True)
        desk.add("firing", 3)
        await desk.until(10)

    desk = at_desk(act)
    assert desk.times("firing") == [3]
    assert desk.times("early book")[0] < 3
    assert 3 <= desk.times("book")[0] <= (timedelta(seconds=3) + GLANCE * 2).total_seconds()


def test_books_are_kept_in_the_end_though_something_fires_all_the_time() -> None:
    async def act(desk: Desk) -> None:
        desk.queue.add(key("book"), at(1), books=True)
        for number in range(200):
            desk.add(f"firing-{number}", number / 20)
        await desk.until(10)

    (kept_at,) = at_desk(act).times("book")
    assert 1 + HESITATION.total_seconds() <= kept_at <= (timedelta(seconds=1) + HESITATION + GLANCE * 2).total_seconds()


def test_while_firings_come_late_books_are_kept_in_the_gaps_between_them() -> None:
    """With three places the fifteen firings of a second take 0.4 s, and the last of them waits for 0.32 s."""

    async def act(desk: Desk) -> None:
        desk.takes = 0.08
        for second in range(1, 10):
            for number in range(15):
                desk.add(f"firing-{second}-{number}", second)
        for number in range(100):
            desk.queue.add(key(f"book-{number}"), at(1), books=True)
        await desk.until(12)

    desk = at_desk(act, places=3)
    kept = [seconds for number in range(100) for seconds in desk.times(f"book-{number}")]
    between = [seconds for seconds in kept if 2 <= seconds < 10]
    assert len(between) > 20
    assert min(seconds % 1 for seconds in between) >= 0.3
    assert max(seconds % 1 for seconds in between) <= 1 - BRINK.total_seconds()


def test_a_slow_key_that_is_to_be_looked_at_again_does_not_hold_up_the_books_of_others() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 0.4
        desk.queue.add(key("book"), at(3), books=True)
        for number in range(200):
            await desk.until(number / 20)
            desk.add(f"firing-{number}", number / 20)
            desk.add("slow", number / 20)

    (kept_at,) = at_desk(act, places=32).times("book")
    assert kept_at <= (timedelta(seconds=3) + HESITATION + GLANCE * 2).total_seconds()


def test_a_look_to_get_ready_is_taken_before_its_firing_though_something_fires_all_the_time() -> None:
    async def act(desk: Desk) -> None:
        for number in range(200):
            desk.add(f"firing-{number}", number / 20)
        desk.queue.add(key("later"), at(5), books=True)
        await desk.until(10)

    assert at_desk(act).times("later")[0] + AHEAD.total_seconds() / 2 < 5 + AHEAD.total_seconds()


@pytest.mark.parametrize("places", [8, 32])
def test_half_of_the_places_at_most_are_for_books(places: int) -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 0.4
        for number in range(100):
            desk.queue.add(key(f"book-{number}"), at(1), books=True)
        await desk.until(1.2)
        assert len(desk.under_way) == places // 2

    at_desk(act, places=places)


def test_books_wait_while_other_nodes_make_many_jobs_and_firings_do_not() -> None:
    async def act(desk: Desk) -> None:
        desk.queue.add(key("book"), at(1), books=True)
        desk.add("firing", 1.5)
        for number in range(30):  # two hundred of them each second
            await desk.until(0.5 + number / 20)
            for _ in range(10):
                desk.queue.others_fire()
        await desk.until(5)

    desk = at_desk(act)
    assert desk.times("firing") == [1.5]
    (kept_at,) = desk.times("book")
    assert 1.95 < kept_at <= (timedelta(seconds=1.95) + WITHIN + 2 * GLANCE).total_seconds()


def test_books_wait_no_longer_than_is_courteous_for_a_rush_that_lasts() -> None:
    begins = LONGEST.total_seconds() + 1

    async def act(desk: Desk) -> None:
        desk.queue.add(key("book"), at(begins), books=True)
        for number in range(10 * int(begins + 10)):
            await desk.until(number / 10)
            for _ in range(MANY):
                desk.queue.others_fire()

    (kept_at,) = at_desk(act).times("book")
    assert COURTESY.total_seconds() <= kept_at - begins <= (COURTESY + 2 * GLANCE).total_seconds()


def test_books_wait_for_the_end_of_a_herd_that_takes_longer() -> None:
    ends = 3 * COURTESY.total_seconds()

    async def act(desk: Desk) -> None:
        desk.queue.add(key("book"), at(1), books=True)
        for number in range(10 * int(ends)):
            await desk.until(number / 10)
            for _ in range(MANY):
                desk.queue.others_fire()
        await desk.until(ends + 5)

    (kept_at,) = at_desk(act).times("book")
    assert ends - 0.1 <= kept_at <= (timedelta(seconds=ends) + WITHIN + 2 * GLANCE).total_seconds()


def test_what_waits_out_of_courtesy_is_not_told_as_overdue() -> None:
    """200 firings a second, evenly over three replicas: 67 are this node's, 133 of others are a rush without an end."""

    async def act(desk: Desk) -> None:
        for tick in range(200 * 20):
            await desk.clock.sleep(timedelta(milliseconds=5))
            if tick % 3 == 0:
                desk.queue.add(key(f"own-{tick}"), desk.clock.now() + timedelta(milliseconds=800), books=True)
            else:
                desk.queue.others_fire()
            if tick % 200 == 0:
                desk.queue.report()

    depths = at_desk(act).numbers.depths
    assert max(waiting for waiting, _ in depths) > 50
    assert max(overdue for _, overdue in depths) <= 5, "an alert stands on it: DcronQueueGrows"


def test_a_job_of_another_node_now_and_then_holds_up_no_books() -> None:
    async def act(desk: Desk) -> None:
        desk.queue.add(key("book"), at(1), books=True)
        for number in range(20):
            await desk.until(number / 10)
            desk.queue.others_fire()

    assert at_desk(act).times("book") == [1.0]


def test_a_herd_is_when_all_places_are_taken_or_other_nodes_are_in_a_rush() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 1.0
        for number in range(3):
            desk.add(f"key-{number}", number / 10)
        await desk.until(0.15)
        assert not desk.queue.in_a_herd()
        await desk.until(0.25)
        assert desk.queue.in_a_herd()
        await desk.until(1.05)
        assert not desk.queue.in_a_herd()
        for _ in range(MANY):
            desk.queue.others_fire()
        assert desk.queue.in_a_herd()
        await desk.until(2)
        assert not desk.queue.in_a_herd()

    at_desk(act, places=3)


def test_a_slow_look_does_not_delay_other_keys() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 30
        desk.add("slow", 1)
        await desk.until(2)
        desk.takes = 0
        desk.add("quick", 3)
        await desk.until(10)

    assert at_desk(act).times("quick") == [3]


# --- what an error means --------------------------------------------------------------------------------------------


DOWN = ClusterUnavailable("no answer")


def test_a_transient_error_brings_the_key_back_with_pauses_that_grow_up_to_five_seconds() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(DOWN)
        desk.add("a", 0)
        await desk.until(40)

    times = at_desk(act).times("a")
    pauses = [round(later - sooner, 3) for sooner, later in pairwise(times)]
    rests = pauses[TRIES - 1 :: TRIES]
    assert pauses[:6] == [0.05, 0.05, 0.2, 0.05, 0.05, 0.3]
    assert pauses[::TRIES] == pytest.approx([BREATH.total_seconds()] * len(pauses[::TRIES]), abs=0.002)
    assert rests == sorted(rests)
    assert rests[-2:] == [5, 5]


def test_the_pauses_begin_anew_after_a_look_that_went_well() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(DOWN, DOWN, at(10), DOWN, None)
        desk.add("a", 0)
        await desk.until(20)

    assert at_desk(act).times("a") == [0, 0.05, 0.1, 10, 10.05]


def test_an_object_made_again_under_a_key_does_not_inherit_its_pauses() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(DOWN)
        desk.add("a", 0)
        await desk.until(3.5)  # the pause has grown to 1 s
        desk.queue.discard(key("a"))
        desk.add("a", 4)
        await desk.until(4.5)

    assert [at for at in at_desk(act).times("a") if at >= 4] == [4, 4.05, 4.1, 4.3, 4.35, 4.4]


@pytest.mark.parametrize(("asked", "pause"), [(30, 30), (0.05, 0.2)], ids=["longer than ours", "shorter than ours"])
def test_a_throttled_look_comes_back_when_the_api_server_asks_it_to(asked: float, pause: float) -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(Throttled("slow down", retry_after_seconds=asked), None)
        desk.add("a", 0)
        await desk.until(60)

    assert at_desk(act).times("a") == [0, pause]


def test_an_api_server_that_asks_again_and_again_gets_no_more_than_twice_what_it_asks() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(*[Throttled("slow down", retry_after_seconds=1)] * 9, None)
        desk.add("a", 0)
        await desk.until(60)

    times = at_desk(act).times("a")
    pauses = [round(later - sooner, 1) for sooner, later in pairwise(times)]
    assert (pauses[:4], pauses[-2:]) == ([1, 1, 1, 1], [2, 2])


def test_after_progress_the_pauses_begin_anew() -> None:
    """Where a share of the requests fails, a look of several rarely ends well; a key that moves is not stuck."""

    async def act(desk: Desk) -> None:
        moved = ClusterUnavailable("the answer to the second write was lost")
        moved.after_progress = True
        desk.answer = answers(*[DOWN] * 6, moved, DOWN, DOWN, None)
        desk.add("a", 0)
        await desk.until(60)

    assert at_desk(act).times("a") == [0, 0.05, 0.1, 0.3, 0.35, 0.4, 0.7, 0.75, 0.8, 1]


def test_a_conflict_rests_like_any_other_failure_so_that_two_who_meet_do_not_spin() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(*[Conflict("changed")] * 3, None)
        desk.add("a", 0)
        await desk.until(60)

    assert at_desk(act).times("a") == [0, 0.2, 0.5, 0.95]


def test_news_of_a_key_that_rests_after_a_failure_ends_its_pause() -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(Throttled("slow down", retry_after_seconds=30), None)
        desk.add("a", 0)
        await desk.until(5)
        desk.add("a")
        await desk.until(60)

    assert at_desk(act).times("a") == [0, 5]


def test_a_bug_is_logged_with_its_traceback_counted_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def act(desk: Desk) -> None:
        desk.takes, desk.answer = 0.5, answers(ZeroDivisionError("a bug"), None)
        desk.add("a", 0)
        await desk.until(60)

    with caplog.at_level(logging.INFO):
        desk = at_desk(act)
    assert desk.times("a") == [0, 0.7]
    assert desk.numbers.looks == [(0.5, "ZeroDivisionError"), (0.5, None)]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.__dict__["key"] == "ns/a"


def test_a_transient_error_is_counted_and_is_no_news_for_a_person(caplog: pytest.LogCaptureFixture) -> None:
    async def act(desk: Desk) -> None:
        desk.answer = answers(DOWN, None)
        desk.add("a", 0)
        await desk.until(60)

    with caplog.at_level(logging.INFO):
        desk = at_desk(act)
    assert desk.numbers.looks == [(0, "ClusterUnavailable"), (0, None)]
    assert not caplog.records


def test_one_broken_key_never_delays_another() -> None:
    async def act(desk: Desk) -> None:
        def answer(key: Key) -> datetime | None:
            if key.name == "broken":
                raise ZeroDivisionError
            return desk.clock.now() + timedelta(seconds=1)

        desk.answer = answer
        desk.add("broken", 0)
        desk.add("sound", 0)
        await desk.until(5.5)

    assert at_desk(act, places=1).times("sound") == [0, 1, 2, 3, 4, 5]


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [1, 5], ids=["no place is left", "there are places"])
def test_stopping_finishes_what_is_under_way_and_takes_up_nothing_more(places: int) -> None:
    async def act(desk: Desk) -> None:
        desk.takes, desk.answer = 5, answers(at(7))
        desk.add("under way", 1)
        desk.add("later", 3)
        await desk.until(2)

    desk = at_desk(act, places=places)
    assert desk.looks == [("under way", 1.0)]
    assert desk.ended == ["under way"]


def test_a_queue_with_nothing_to_do_stops_at_once() -> None:
    async def act(desk: Desk) -> None:
        await desk.until(1)

    assert at_desk(act).looks == []


def test_a_queue_that_is_stopped_before_it_runs_takes_up_nothing() -> None:
    async def scenario(simulation: Simulation) -> None:
        desk = Desk(simulation)
        desk.add("a")
        desk.queue.stop()
        await desk.queue.run()
        assert desk.looks == []

    simulate(scenario)


def test_a_cancelled_queue_cancels_its_looks() -> None:
    async def scenario(simulation: Simulation) -> None:
        desk = Desk(simulation)
        desk.takes = 100
        desk.add("a")
        running = asyncio.create_task(desk.queue.run())
        await desk.until(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert desk.ended == ["a"]
        assert desk.clock.elapsed() < timedelta(seconds=2)

    simulate(scenario)


# --- what it tells --------------------------------------------------------------------------------------------------


def test_stalled_is_for_how_long_no_look_has_begun_or_ended_while_keys_are_due() -> None:
    async def act(desk: Desk) -> None:
        await desk.until(5)
        assert desk.queue.stalled == timedelta(0), "nothing is due"
        desk.takes = 100
        desk.add("under way", 6)
        await desk.until(10)
        assert desk.queue.stalled == timedelta(0), "what is due is under way"
        desk.add("waits", 11)
        await desk.until(16)
        assert desk.queue.stalled == timedelta(seconds=10)

    at_desk(act, places=1, most=1)


def test_books_that_wait_out_of_courtesy_after_a_long_rest_are_not_stalled() -> None:
    async def act(desk: Desk) -> None:
        await desk.until(600)
        for _ in range(MANY):
            desk.queue.others_fire()
        desk.queue.add(key("book"), books=True)
        await desk.clock.sleep(GLANCE)
        assert desk.looks == []
        stalled.append(desk.queue.stalled)

    stalled: list[timedelta] = []
    at_desk(act)
    assert stalled[0] <= GLANCE


def test_a_queue_that_gets_on_is_not_stalled_however_long_the_row_is() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 2
        for number in range(200):
            desk.add(f"key-{number}", 1)
        await desk.until(300.5)
        assert desk.queue.stalled <= timedelta(seconds=2)

    at_desk(act, places=1)


def test_the_depth_is_told_as_keys_waiting_and_keys_overdue() -> None:
    async def act(desk: Desk) -> None:
        desk.takes = 100
        for name, instant in {"under way": 1, "overdue": 2, "later": 50}.items():
            desk.add(name, instant)
        await desk.until(10)
        desk.queue.report()

    assert at_desk(act, places=1, most=1).numbers.depths == [(2, 1)]

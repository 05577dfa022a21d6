"""Whose turn it is, when more is due than can be done at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.herds import MOST_HERDS, Herds
from controller.spec import Key
from controller.turns import FIRINGS_FOR_BOOKS, MOST_HURRIED, PATIENCE, SOON_LOST, Lane, Turn, Turns
from tests.unit.test_workqueue import at


def firing(seconds: float, *, lost_at: float | None = None) -> Turn:
    """The turn of a key that fires at that moment."""
    return Turn(at=at(seconds), presses_at=at(seconds), lost_at=None if lost_at is None else at(lost_at))


def books(seconds: float, *, fires_at: float | None = None) -> Turn:
    """The turn of a key with books to keep, that fires later."""
    return Turn(at=at(seconds), presses_at=None if fires_at is None else at(fires_at))


def order(turns: Turns, *, books: bool = True, waited: timedelta = timedelta(0)) -> list[str]:
    """The names of all that have come due, in their order."""
    names = []
    while (taken := turns.pop(books=books, waited=waited)) is not None:
        names.append(taken[0].name)
    return names


def laid_out(rows: dict[str, Turn], *, now: float) -> Turns:
    """Keys of one namespace at one moment."""
    turns = Turns()
    for name, turn in rows.items():
        turns.put(Key("ns", name), turn)
    turns.advance(at(now))
    return turns


def test_nothing_comes_before_its_time_and_the_oldest_of_a_herd_comes_first() -> None:
    rows = {"c": firing(10.3), "a": firing(10.1), "later": firing(10.9), "b": firing(10.2)}
    assert order(laid_out(rows, now=10.5)) == ["a", "b", "c"]


def test_firings_come_before_books() -> None:
    rows = {"books": books(5), "firing": firing(10), "old books": books(1)}
    assert order(laid_out(rows, now=10)) == ["firing", "old books", "books"]
    assert order(laid_out(rows, now=10), books=False) == ["firing"]


def test_books_may_be_asked_to_have_waited_the_oldest_first_and_firings_are_not() -> None:
    turns = laid_out({"young": books(8), "firing": firing(10), "old": books(6), "older": books(5)}, now=10)
    waited = timedelta(seconds=4)
    names = [taken[0].name for taken in iter(lambda: turns.pop(waited=waited), None)]
    assert names == ["firing", "older", "old"]
    assert turns.ready == 1
    turns.advance(at(12))
    taken = turns.pop(waited=waited)
    assert taken is not None
    assert taken[0].name == "young"


def test_what_would_be_lost_soon_comes_before_all_others() -> None:
    soon = 10 + SOON_LOST.total_seconds()
    rows = {
        "herd": firing(9),
        "each second": firing(10, lost_at=11),
        "deadline": firing(10, lost_at=soon),
        "has time": firing(10, lost_at=soon + 20),
        "lost": firing(4, lost_at=9),
    }
    assert order(laid_out(rows, now=10))[:2] == ["each second", "deadline"]


def test_what_has_time_comes_first_once_it_has_none_left() -> None:
    turns = laid_out({"first": firing(1), "second": firing(1), "deadline": firing(2, lost_at=30)}, now=3)
    turns.advance(at(30) - SOON_LOST)
    assert order(turns) == ["deadline", "first", "second"]


def test_what_is_lost_by_now_waits_behind_what_may_still_be_saved() -> None:
    rows = {f"lost {number}": firing(1, lost_at=5) for number in range(3)} | {"saved": firing(4, lost_at=8)}
    turns = laid_out(rows, now=4)
    turns.advance(at(6))
    assert order(turns)[0] == "saved"


@pytest.mark.parametrize("lost_at", [None, 60], ids=["late at most", "lost soon"])
def test_books_wait_in_patience_and_then_have_one_turn_in_nine(lost_at: float | None) -> None:
    fires = replace(firing(2), lost_at=None if lost_at is None else at(1) + PATIENCE + SOON_LOST / 2)
    rows = {"books": books(1), "younger": books(1.5), **{f"firing {number}": fires for number in range(30)}}
    turns = laid_out(rows, now=3)
    turns.advance(at(1) + PATIENCE)
    assert order(turns, waited=PATIENCE).index("books") == FIRINGS_FOR_BOOKS
    turns = laid_out(rows, now=3)
    turns.advance(at(1.5) + PATIENCE)
    names = order(turns, waited=2 * PATIENCE)
    assert (names.index("books"), names.index("younger")) == (FIRINGS_FOR_BOOKS, 2 * FIRINGS_FOR_BOOKS + 1)


def test_books_that_may_not_be_kept_now_hold_up_no_firing_however_long_they_have_waited() -> None:
    turns = laid_out({"books": books(1), **{f"firing {number}": firing(2) for number in range(30)}}, now=3)
    turns.advance(at(1) + PATIENCE)
    assert order(turns, books=False) == [f"firing {number}" for number in range(30)]


@pytest.mark.parametrize("lost_after", [None, 2.0], ids=["late at most", "lost soon"])
def test_books_have_their_turns_though_their_keys_fire_all_the_time(lost_after: float | None) -> None:
    """Ten looks a second, all of which the firings of twenty keys alone would take."""

    def fires(moment: datetime, since: datetime) -> Turn:
        lost_at = None if lost_after is None else moment + timedelta(seconds=lost_after)
        return Turn(at=since, presses_at=moment, lost_at=lost_at)

    turns, told = Turns(), 0
    for number in range(20):
        turns.put(Key("ns", f"{number}"), fires(at(40 + number % 2), at(0)))
    for tick in range(600):
        now = at(40 + tick / 10)
        turns.advance(now)
        taken = turns.pop()
        assert taken is not None
        key, turn, lane = taken
        assert turn.presses_at is not None
        upcoming = turn.presses_at if lane is Lane.BOOKS else turn.presses_at + timedelta(seconds=2)
        turns.put(key, fires(upcoming, upcoming if lane is Lane.BOOKS else at(0)))
        told += lane is Lane.BOOKS
    assert told == pytest.approx(600 / (FIRINGS_FOR_BOOKS + 1), abs=5)
    assert max(len(heap) for heap in turns._lanes.values()) <= 3 * 20


def test_how_many_wait_to_fire() -> None:
    turns = laid_out({"books": books(1, fires_at=5), "firing": firing(2), "soon lost": firing(2, lost_at=4)}, now=3)
    assert (turns.ready, turns.firings) == (3, 2)
    turns.advance(at(5))
    assert (turns.ready, turns.firings) == (3, 3)
    turns.pop()
    assert (turns.ready, turns.firings) == (2, 2)
    turns.discard(Key("ns", "books"))
    turns.discard(Key("ns", "firing"))
    turns.discard(Key("ns", "soon lost"))
    assert (turns.ready, turns.firings) == (0, 0)


def test_books_are_not_waited_for_when_the_key_itself_fires() -> None:
    turns = laid_out({"other": books(1), "fires": books(2, fires_at=5)}, now=3)
    assert turns.next_change() == at(5)
    turns.advance(at(5))
    assert order(turns) == ["fires", "other"]


def test_herds_take_turns_and_a_herd_that_comes_later_waits_for_no_other_to_end() -> None:
    turns = Turns()
    for number in range(5):
        turns.put(Key("big", f"big-{number}"), firing(1))
    turns.put(Key("small", "small-0"), firing(1))
    turns.advance(at(1))
    begun = [turns.pop() for _ in range(3)]
    assert {taken[0].name for taken in begun if taken} == {"big-0", "small-0", "big-1"}
    for number in range(2):
        turns.put(Key("big", f"later-{number}"), firing(3))
    turns.advance(at(3))
    assert order(turns) == ["big-2", "later-0", "big-3", "later-1", "big-4"]


def test_what_got_ready_for_its_instant_is_of_one_herd_with_what_did_not_and_books_come_behind_both() -> None:
    rows = {f"not ready {number}": books(1, fires_at=3) for number in range(4)}
    rows |= {f"ready {number}": firing(3) for number in range(2)}
    turns = laid_out(rows, now=3)
    turns.pop()
    turns.put(Key("ns", "told late"), books(3.8, fires_at=600))
    turns.advance(at(3.8) + PATIENCE)
    assert order(turns) == [*list(rows)[1:], "told late"]


def test_a_herd_keeps_its_place_when_one_of_it_failed_and_that_one_goes_behind_those_that_were_not_tried() -> None:
    turns = laid_out({f"first {number}": firing(1) for number in range(4)}, now=1)
    taken = turns.pop()
    assert taken is not None
    key, turn, _ = taken
    turns.put(key, turn.put_off(at(2.5)))
    turns.put(Key("ns", "later"), firing(2))
    turns.advance(at(2.5))
    assert order(turns) == ["first 1", "later", "first 2", "first 3", "first 0"]


def test_what_would_be_lost_soon_lets_one_of_the_others_go_now_and_then() -> None:
    hurried = {f"each second {number}": firing(2, lost_at=3) for number in range(MOST_HURRIED + 2)}
    names = order(laid_out({"hourly": firing(1), "daily": firing(1), **hurried}, now=2))
    assert names == [*list(hurried)[:MOST_HURRIED], "hourly", *list(hurried)[MOST_HURRIED:], "daily"]


def test_ten_thousand_of_one_second_do_not_hold_up_what_comes_due_a_little_later() -> None:
    turns = Turns()
    for number in range(10_000):
        turns.put(Key("ns", f"herd-{number}"), firing(1))
    turns.advance(at(1))
    for _ in range(3_000):
        turns.pop()
    turns.put(Key("ns", "meanwhile"), firing(2))
    turns.advance(at(2))
    names = [taken[0].name for taken in (turns.pop() for _ in range(2)) if taken]
    assert "meanwhile" in names


def test_a_queue_that_never_empties_remembers_no_herd_that_was_served() -> None:
    herds = Herds()
    for second in range(3 * MOST_HERDS):
        herds.served = herds.number("ns", at(second))
    assert len(herds) <= MOST_HERDS


def test_two_turns_of_a_key_are_one_look_the_earlier_of_each() -> None:
    turns = Turns()
    assert turns.put(Key("ns", "a"), books(20, fires_at=60))
    assert turns.put(Key("ns", "a"), firing(30, lost_at=90))
    assert not turns.put(Key("ns", "a"), firing(40))
    turns.advance(at(20))
    assert turns.pop() == (Key("ns", "a"), Turn(at=at(20), presses_at=at(30), lost_at=at(90)), Lane.BOOKS)
    assert len(turns) == turns.ready == 0


def test_a_key_that_is_forgotten_has_no_turn() -> None:
    turns = laid_out({"a": firing(1), "b": firing(1), "later": firing(50)}, now=2)
    for name in ("a", "later", "never put"):
        turns.discard(Key("ns", name))
    assert (turns.ready, turns.next_change()) == (1, None)
    assert order(turns) == ["b"]


def test_a_turn_that_is_put_off_is_in_no_more_hurry_than_is_of_use() -> None:
    turn = firing(10, lost_at=13)
    assert turn.put_off(at(12)) == replace(firing(12, lost_at=13), herd_at=at(10))
    assert turn.put_off(at(14)) == replace(firing(14), herd_at=at(10))
    assert turn.put_off(at(12)).put_off(at(14)).herd_at == at(10)
    assert books(10, fires_at=60).put_off(at(12)) == books(12, fires_at=60)
    assert books(10).put_off(at(12)) == replace(books(12), herd_at=at(10))


def test_it_says_what_fires_by_a_moment_as_far_as_it_is_asked() -> None:
    turns = Turns()
    for number in range(40):
        turns.put(Key("ns", f"key-{number:02}"), firing(10 + number))
    turns.put(Key("ns", "key-30"), firing(5))  # the entry of its later instant counts no more
    turns.put(Key("ns", "books"), books(8, fires_at=13.5))
    turns.put(Key("ns", "only books"), books(8))
    turns.discard(Key("ns", "key-03"))
    expected = ["key-00", "key-01", "key-02", "key-04", "key-30", "books"]
    for now in (0, 6, 9, 11):  # whether they have come due or not
        turns.advance(at(now))
        assert sorted(key.name for key in turns.firing_by(at(14), at_most=99)) == sorted(expected)
    assert len(turns.firing_by(at(60), at_most=7)) == 7
    assert turns.firing_by(at(4), at_most=99) == []


@pytest.mark.parametrize("step", [timedelta(seconds=-1), timedelta(seconds=1)], ids=["ever earlier", "ever later"])
def test_turns_that_are_overtaken_do_not_pile_up(step: timedelta) -> None:
    turns = Turns()
    for number in range(10_000):
        turns.discard(Key("ns", "a"))
        turns.put(Key("ns", "a"), Turn(at=at(20_000) + number * step))
    assert len(turns._later) < 100

"""The comparison: what a watch hides is found by holding it against the API server's list."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from controller.comparison import AT_ONCE, CALM, COMPARE_EVERY, WATCH_LAG, Comparison
from controller.errors import NotServed
from controller.messages import Extent
from controller.spec import CronJob, Key
from controller.watchdog import Watchdog
from tests.fakes.cluster import FakeCluster
from tests.unit.builders import TEMPLATE, key
from tests.unit.world import Node, World, in_world


class Observer:
    """A node whose watch shows nothing but what the test says."""

    def __init__(self, world: World, cluster: type[FakeCluster] = FakeCluster, *, at_once: int = AT_ONCE) -> None:
        self.node = Node(world, cluster=cluster)
        self.read: list[str] = []
        self.gone: list[Key] = []
        self.watchdog = Watchdog()
        self.comparison = Comparison(
            cluster=self.node.cluster,
            cron_jobs=self.node.cron_jobs,
            clock=self.node.clock,
            watchdog=self.watchdog,
            seen=self._seen,
            gone=self._gone,
            at_once=at_once,
        )

    def _seen(self, cron_job: CronJob) -> bool:
        self.read.append(cron_job.resource_version)
        return self.node.cron_jobs.see(cron_job)

    def _gone(self, at: Key, uid: str) -> None:
        self.gone.append(at)
        self.node.cron_jobs.forget(at, uid)

    async def compares(self, world: World, times: int = 1) -> None:
        """Run for so many comparisons."""
        running = world.loop.create_task(self.comparison.run())
        await world.clock.sleep((COMPARE_EVERY * 1.1) * times)
        running.cancel()


def test_a_state_that_the_watch_does_not_show_is_read_and_said(caplog: pytest.LogCaptureFixture) -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        observer.node.cron_jobs.see(world.apply())
        newer = world.apply(schedule="0 * * * *")
        await observer.compares(world)
        assert observer.node.cron_jobs.get(newer.key) == newer
        assert observer.read == [newer.resource_version]

    with caplog.at_level(logging.WARNING):
        in_world(act)
    assert [record.message for record in caplog.records] == ["the watch of the objects is behind"]


def test_a_watch_that_shows_everything_costs_one_list_and_no_read(caplog: pytest.LogCaptureFixture) -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        observer.node.cron_jobs.see(world.apply())
        await observer.compares(world, times=2)
        assert observer.read == []

    with caplog.at_level(logging.WARNING):
        in_world(act)
    assert caplog.records == []


def test_an_object_deleted_while_the_watch_was_away_is_found_gone() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        cron = world.apply()
        observer.node.cron_jobs.see(cron)
        world.server.delete(cron.key)
        await observer.compares(world)
        assert observer.gone == [cron.key]

    in_world(act)


def test_an_object_made_again_under_the_same_name_takes_the_place_of_the_one_that_is_gone() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        first = world.apply()
        observer.node.cron_jobs.see(first)
        world.server.delete(first.key)
        second = world.apply()
        await observer.compares(world)
        assert observer.gone == [first.key]
        assert observer.node.cron_jobs.get(second.key) == second

    in_world(act)


def test_an_api_server_that_is_away_is_asked_again_the_next_time() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        cron = world.apply()
        world.server.down = True
        await observer.compares(world)
        world.server.down = False
        await observer.compares(world)
        assert observer.node.cron_jobs.get(cron.key) == cron

    in_world(act)


def test_a_watch_that_stays_blind_is_given_up_while_the_comparison_shows_what_it_hides() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        cron = world.apply()
        await observer.compares(world)
        assert observer.node.cron_jobs.get(cron.key) == cron
        assert not observer.watchdog.is_lost
        await observer.compares(world, times=4)
        assert observer.watchdog.is_lost

    in_world(act)


def test_a_watch_that_shows_what_there_is_stays_however_long_nothing_happens() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        cron = world.apply()
        observer.node.cron_jobs.see(cron)
        observer.node.cron_jobs.watch_came_to(cron.resource_version)
        await observer.compares(world, times=20)
        assert not observer.watchdog.is_lost

    in_world(act)


def test_objects_that_are_not_served_any_more_are_given_up() -> None:
    class Unserved(FakeCluster):
        async def versions(self) -> Mapping[Key, tuple[str, str]]:
            raise NotServed("404 page not found")

    async def act(world: World) -> None:
        observer = Observer(world, Unserved)
        await observer.compares(world)
        assert not observer.watchdog.is_lost
        await observer.compares(world)
        assert observer.watchdog.is_lost

    in_world(act)


def test_a_replica_that_knows_of_a_future_which_a_restored_etcd_has_not_is_given_up() -> None:
    class Restored(FakeCluster):
        async def versions(self) -> Mapping[Key, tuple[str, str]]:
            return {key: (uid, str(int(version) - 1)) for key, (uid, version) in (await super().versions()).items()}

    async def act(world: World) -> None:
        observer = Observer(world, Restored)
        cron = world.apply()
        observer.node.cron_jobs.see(cron)
        observer.node.cron_jobs.watch_came_to(cron.resource_version)
        await observer.compares(world)
        assert not observer.watchdog.is_lost, "one list may come from an old cache"
        await observer.compares(world)
        assert observer.watchdog.is_lost

    in_world(act)


class Odd(FakeCluster):
    """An object that this version cannot read, as `KubeCluster.read` has it: it parses."""

    async def read(self, key: Key) -> CronJob | None:
        if key.name == "odd":
            raise ValueError("'Sometimes' is not a valid ConcurrencyPolicy")
        return await super().read(key)


def test_an_unreadable_object_that_the_watch_lags_behind_does_not_end_the_comparison() -> None:
    async def act(world: World) -> None:
        observer = Observer(world, Odd)
        first = made(world, "odd")
        observer.node.cron_jobs.leave_alone(first.key, first.uid, first.resource_version)
        made(world, "odd", minute=5)
        other = made(world, "zz-other")
        await observer.compares(world, times=2)
        assert observer.node.cron_jobs.get(other.key) == other

    in_world(act)


def test_all_is_shown_once_the_watch_has_caught_up_with_the_list() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        assert await observer.comparison.all_shown()
        cron = world.apply()
        assert not await observer.comparison.all_shown()
        world.loop.call_later(1, observer.node.cron_jobs.see, cron)
        assert await observer.comparison.all_shown()

    in_world(act)


class Counted(FakeCluster):
    """Counts how often it is asked for the list, and for the number alone."""

    lists = numbers = 0

    async def versions(self) -> Mapping[Key, tuple[str, str]]:
        type(self).lists += 1
        return await super().versions()

    async def extent(self) -> Extent:
        type(self).numbers += 1
        return await super().extent()


@pytest.fixture(autouse=True)
def counted_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counted, "lists", 0)
    monkeypatch.setattr(Counted, "numbers", 0)


def made(world: World, name: str, *, minute: int = 0) -> CronJob:
    """An object of that name."""
    return world.server.apply("ns", name, {"schedule": f"{minute} * * * *", "jobTemplate": TEMPLATE})


@pytest.mark.parametrize("left_alone", [False, True])
def test_a_watch_that_shows_more_and_more_is_waited_for_without_another_list(left_alone: bool) -> None:
    async def act(world: World) -> None:
        observer = Observer(world, Counted)
        shown = [made(world, f"object-{number:02}") for number in range(10)]
        waiting = world.loop.create_task(observer.comparison.all_shown())
        for cron_job in shown:
            await world.clock.sleep(WATCH_LAG * 0.9)
            assert not waiting.done()
            if left_alone:
                observer.node.cron_jobs.leave_alone(cron_job.key, cron_job.uid, cron_job.resource_version)
            else:
                observer.node.cron_jobs.see(cron_job)
        assert await waiting
        assert (Counted.numbers, Counted.lists) == (1, 1)

    in_world(act)


def test_an_object_that_is_deleted_meanwhile_is_not_waited_for_though_the_watch_shows_changes_of_others() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        made(world, "deleted soon")
        observer.node.cron_jobs.see(made(world, "busy"))
        waiting = world.loop.create_task(observer.comparison.all_shown())
        for number in range(100):
            await world.clock.sleep(WATCH_LAG / 10)
            observer.node.cron_jobs.see(made(world, "busy", minute=number % 60))
        assert waiting.done()
        assert not await waiting

    in_world(act)


def test_an_object_that_is_deleted_meanwhile_is_not_waited_for_though_others_are_made_all_the_time() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        deleted = made(world, "deleted soon")
        waiting = world.loop.create_task(observer.comparison.all_shown())
        await world.clock.sleep(WATCH_LAG / 10)
        world.server.delete(deleted.key)
        for number in range(100):
            observer.node.cron_jobs.see(made(world, f"new-{number}"))
            await world.clock.sleep(WATCH_LAG / 2)
        assert waiting.done()
        assert not await waiting

    in_world(act)


def test_of_many_all_are_shown_once_as_many_are_and_no_more_come_and_none_is_listed() -> None:
    async def act(world: World) -> None:
        observer = Observer(world, Counted, at_once=5)
        every = [made(world, f"object-{number:02}") for number in range(10)]
        world.server.delete(every[0].key)  # the watch, in its first list, still shows it
        waiting = world.loop.create_task(observer.comparison.all_shown())
        for cron_job in every:
            await world.clock.sleep(CALM / 2)
            assert not waiting.done()
            observer.node.cron_jobs.see(cron_job)
        assert await waiting
        assert (Counted.numbers, Counted.lists) == (1, 0)

    in_world(act)


def test_of_many_those_that_are_never_shown_are_not_waited_for() -> None:
    async def act(world: World) -> None:
        observer = Observer(world, at_once=5)
        for number in range(10):
            made(world, f"object-{number}")
        assert not await observer.comparison.all_shown()

    in_world(act)


class Crowd:
    """More objects than are listed each time, as they are after the first comparison of a node that knows them all."""

    def __init__(self, world: World, cluster: type[FakeCluster] = Counted) -> None:
        self.observer = Observer(world, cluster, at_once=10)
        self.all = [made(world, f"object-{number}") for number in range(3 * 10)]
        for cron_job in self.all:
            self.show(cron_job)

    def leave_alone(self, cron_job: CronJob) -> None:
        """The watch shows it, and it belongs to another installation."""
        self.observer.node.cron_jobs.watch_came_to(cron_job.resource_version)
        self.observer.node.cron_jobs.leave_alone(cron_job.key, cron_job.uid, cron_job.resource_version)

    @asynccontextmanager
    async def compared(self) -> AsyncIterator[None]:
        """Run, and give way a little after the first comparison."""
        world = self.observer.node.world
        running = world.loop.create_task(self.observer.comparison.run())
        await world.clock.sleep(COMPARE_EVERY + WATCH_LAG * 1.5)
        yield
        running.cancel()

    def show(self, cron_job: CronJob) -> None:
        """The watch shows it."""
        self.observer.node.cron_jobs.see(cron_job)
        self.observer.node.cron_jobs.watch_came_to(cron_job.resource_version)


def test_as_many_as_are_listed_each_time_are_so_and_their_number_is_not_asked_for() -> None:
    async def act(world: World) -> None:
        observer = Observer(world, Counted)
        observer.node.cron_jobs.see(world.apply())
        await observer.compares(world, times=4)
        assert (Counted.numbers, Counted.lists) == (0, 4)

    in_world(act)


def test_more_are_listed_less_often_and_counted_in_between() -> None:
    async def act(world: World) -> None:
        async with Crowd(world).compared():
            await world.clock.sleep(COMPARE_EVERY * 9)
            assert (Counted.numbers, Counted.lists) == (6, 3)

    in_world(act)


def test_of_many_one_that_came_unseen_is_found_by_their_number() -> None:
    async def act(world: World) -> None:
        crowd = Crowd(world)
        async with crowd.compared():
            new = made(world, "new")
            await world.clock.sleep(COMPARE_EVERY + WATCH_LAG * 2)
            assert crowd.observer.node.cron_jobs.get(new.key) == new

    in_world(act)


def test_of_many_one_that_went_unseen_is_found_by_their_number() -> None:
    async def act(world: World) -> None:
        crowd = Crowd(world)
        async with crowd.compared():
            world.server.delete(crowd.all[0].key)
            await world.clock.sleep(COMPARE_EVERY + WATCH_LAG * 2)
            assert crowd.observer.gone == [crowd.all[0].key]

    in_world(act)


def test_of_many_one_that_the_watch_shows_a_little_later_costs_no_list() -> None:
    async def act(world: World) -> None:
        crowd = Crowd(world)
        async with crowd.compared():
            new = made(world, "new")
            world.loop.call_later((COMPARE_EVERY + WATCH_LAG / 2).total_seconds(), crowd.show, new)
            await world.clock.sleep(COMPARE_EVERY + WATCH_LAG * 2)
            assert (Counted.numbers, Counted.lists) == (1, 1)

    in_world(act)


def test_of_many_an_edit_that_the_watch_hides_is_found_when_they_are_listed_and_then_they_are_until_it_shows() -> None:
    async def act(world: World) -> None:
        crowd = Crowd(world)
        async with crowd.compared():
            edited = made(world, crowd.all[0].key.name, minute=5)
            await world.clock.sleep(COMPARE_EVERY * 3.5)
            assert crowd.observer.node.cron_jobs.get(edited.key) == edited
            assert (Counted.numbers, Counted.lists) == (2, 2)
            await world.clock.sleep(COMPARE_EVERY * 3.5)
            assert (Counted.numbers, Counted.lists) == (2, 5)
            assert crowd.observer.watchdog.is_lost

    in_world(act)


def test_of_many_a_watch_that_owes_what_this_node_has_written_has_them_listed() -> None:
    """A watch that is dead: a status of this node's own betrays it, though nothing came or went."""

    async def act(world: World) -> None:
        crowd = Crowd(world)
        async with crowd.compared():
            edited = made(world, crowd.all[0].key.name, minute=5)
            crowd.observer.node.cron_jobs.wrote(
                made(world, crowd.all[1].key.name, minute=6), sent_at=world.clock.elapsed()
            )
            await world.clock.sleep(COMPARE_EVERY + WATCH_LAG * 2)
            assert crowd.observer.node.cron_jobs.get(edited.key) == edited

    in_world(act)


def test_of_many_what_was_written_to_an_object_that_is_gone_costs_one_list() -> None:
    async def act(world: World) -> None:
        crowd = Crowd(world)
        written = crowd.all[-1]
        async with crowd.compared():
            crowd.observer.node.cron_jobs.wrote(made(world, written.key.name, minute=6), sent_at=world.clock.elapsed())
            world.server.delete(written.key)
            crowd.observer.node.cron_jobs.forget(written.key, written.uid)
            await world.clock.sleep(COMPARE_EVERY * 2.5)
            assert (Counted.numbers, Counted.lists) == (2, 2)
            hidden = made(world, crowd.all[0].key.name, minute=7)
            crowd.observer.node.cron_jobs.wrote(
                made(world, crowd.all[1].key.name, minute=8), sent_at=world.clock.elapsed()
            )
            await world.clock.sleep(COMPARE_EVERY + WATCH_LAG * 2)
            assert crowd.observer.node.cron_jobs.get(hidden.key) == hidden, "what is written later counts all the same"

    in_world(act)


@pytest.mark.parametrize("again", [False, True])
def test_of_many_one_that_is_left_alone_and_gone_costs_one_list(again: bool) -> None:
    async def act(world: World) -> None:
        crowd = Crowd(world)
        foreign = made(world, "foreign")
        crowd.leave_alone(foreign)
        async with crowd.compared():
            world.server.delete(foreign.key)
            if again:
                crowd.leave_alone(made(world, "foreign"))
            await world.clock.sleep(COMPARE_EVERY * 2.5)
            assert Counted.lists == (1 if again else 2)
            assert crowd.observer.node.cron_jobs.known == len(crowd.all) + again

    in_world(act)


def test_of_many_after_versions_went_back_they_are_listed_twice_in_a_row_and_the_watch_is_given_up() -> None:
    class Restored(Counted):
        async def versions(self) -> Mapping[Key, tuple[str, str]]:
            return {key: (uid, "0") for key, (uid, _) in (await super().versions()).items()}

    async def act(world: World) -> None:
        crowd = Crowd(world, Restored)
        async with crowd.compared():
            await world.clock.sleep(COMPARE_EVERY * 1.2)
            assert crowd.observer.watchdog.is_lost

    in_world(act)


def test_of_many_after_a_request_that_failed_they_are_listed() -> None:
    async def act(world: World) -> None:
        async with Crowd(world).compared():
            world.server.down = True
            await world.clock.sleep(COMPARE_EVERY * 1.2)
            world.server.down = False
            await world.clock.sleep(COMPARE_EVERY * 1.2)
            assert Counted.lists == 2

    in_world(act)


def test_of_many_a_version_that_went_back_has_them_listed() -> None:
    class Restored(Counted):
        async def extent(self) -> Extent:
            return replace(await super().extent(), version=1)

    async def act(world: World) -> None:
        async with Crowd(world, Restored).compared():
            await world.clock.sleep(COMPARE_EVERY * 1.2)
            assert Restored.lists == 2

    in_world(act)


def test_without_a_list_nothing_is_known_to_be_shown() -> None:
    async def act(world: World) -> None:
        world.server.down = True
        assert not await Observer(world).comparison.all_shown()

    in_world(act)


def test_what_is_left_alone_is_not_waited_for() -> None:
    async def act(world: World) -> None:
        observer = Observer(world)
        cron = world.apply(controllerName="another")
        observer.node.cron_jobs.leave_alone(key(), cron.uid, cron.resource_version)
        assert await observer.comparison.all_shown()

    in_world(act)

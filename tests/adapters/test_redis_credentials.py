"""Passwords, rights and certificates that change under a running client, and those that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from controller.driver import RedisDriver
from controller.errors import StoreDenied, StoreUnavailable
from controller.messages import Membership
from controller.outcomes import Reason
from controller.redisaddress import RedisAddress
from deploy.local import redis_server as launcher
from deploy.local.ports import free_port
from deploy.local.redis_tls import GuardedRedis
from tests.adapters import redis_server
from tests.adapters.documented import documented_acl, documented_cluster_commands, documented_sentinel_commands
from tests.adapters.redis_server import HOST, RedisServer
from tests.adapters.redis_worlds import PATIENCE, RealWorld, address_of
from tests.adapters.test_driver_contract import TTL, member, settle
from tests.adapters.test_recentjobs_contract import Records, flushed

ME = member("a", nonce="n")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    """A guarded Redis for one test alone."""
    with GuardedRedis.start(tmp_path / "guarded", documented_acl()) as guarded:
        yield guarded


@pytest.fixture
async def world(guarded: GuardedRedis) -> AsyncIterator[RealWorld]:
    """Clients of it that read the password from a file."""
    async with contextlib.aclosing(RealWorld(guarded, address_of(guarded), PATIENCE)) as world:
        yield world


Change = Callable[[GuardedRedis], None]

REFUSALS: dict[str, tuple[Change, Change, str]] = {
    "a wrong password": (
        lambda guarded: guarded.change_password("second"),
        lambda guarded: guarded.change_password("first/p@ss"),
        "invalid username-password pair",
    ),
    "a user who is switched off": (
        lambda guarded: switch(guarded, "off"),
        lambda guarded: switch(guarded, "on"),
        "invalid username-password pair",
    ),
    "a right that is missing": (
        lambda guarded: switch(guarded, "-evalsha", "-eval"),
        lambda guarded: switch(guarded, "+evalsha", "+eval"),
        "no permissions",
    ),
    "a right that a script lacks": (
        lambda guarded: switch(guarded, "-hset"),
        lambda guarded: switch(guarded, "+hset"),
        "The user executing the script can't",
    ),
    "keys that are not ours": (
        lambda guarded: switch(guarded, "resetkeys", "~other:*"),
        lambda guarded: switch(guarded, "~{dcron:*"),
        "no permissions",
    ),
}


def switch(guarded: GuardedRedis, *rules: str) -> None:
    guarded.command("ACL", "SETUSER", guarded.user, *rules)
    guarded.close_connections()


async def changed(change: Change, guarded: GuardedRedis) -> None:
    """Change something that ends connections, and let that be seen here."""
    change(guarded)
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_is_told_apart_from_an_outage_and_ends_when_redis_is_put_right(
    guarded: GuardedRedis, world: RealWorld, refusal: str
) -> None:
    refuse, admit, words = REFUSALS[refusal]
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    await changed(refuse, guarded)
    for _ in range(2):
        with pytest.raises(StoreDenied, match=f"^Redis does not let us in: .*{words}"):
            await driver.beat(ME, ttl=TTL)
    await changed(admit, guarded)
    assert not (await driver.beat(ME, ttl=TTL)).joined


async def test_a_password_that_is_put_right_in_the_file_is_taken_from_there(
    guarded: GuardedRedis, world: RealWorld
) -> None:
    driver, store = world.driver("a"), world.store("a")
    await driver.beat(ME, ttl=TTL)
    await flushed(store, [Records(world)()])
    await changed(lambda guarded: guarded.change_password("second"), guarded)
    with pytest.raises(StoreDenied):
        await driver.beat(ME, ttl=TTL)
    with pytest.raises(StoreDenied):
        await store.flush()
    guarded.tell_password()
    assert (await second_at_the_latest(driver)).members == (ME,)
    with contextlib.suppress(StoreUnavailable):
        await store.flush()
    assert await store.flush()


async def test_a_password_that_was_put_right_in_the_file_first_costs_one_beat(
    guarded: GuardedRedis, world: RealWorld
) -> None:
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    guarded.password_file.write_text("second")
    await driver.beat(ME, ttl=TTL)
    guarded.change_password("second")
    assert (await second_at_the_latest(driver)).members == (ME,)


async def test_a_rotation_with_two_passwords_costs_one_beat(guarded: GuardedRedis, world: RealWorld) -> None:
    """As the docs advise: Redis learns the new one, then the file, then Redis forgets the old one."""
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    guarded.command("ACL", "SETUSER", guarded.user, ">second")
    await changed(GuardedRedis.close_connections, guarded)
    await driver.beat(ME, ttl=TTL)
    guarded.password_file.write_text("second")
    guarded.command("ACL", "SETUSER", guarded.user, "<first/p@ss")
    await changed(GuardedRedis.close_connections, guarded)
    assert (await second_at_the_latest(driver)).members == (ME,)


async def test_renewed_certificates_are_read_again(guarded: GuardedRedis, world: RealWorld) -> None:
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    for _ in range(2):
        guarded.renew_certificates()
        guarded.tell_authority()
        assert (await second_at_the_latest(driver)).members == (ME,)


async def test_an_authority_that_is_not_trusted_is_a_refusal_until_it_is(
    guarded: GuardedRedis, world: RealWorld, caplog: pytest.LogCaptureFixture
) -> None:
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    await changed(GuardedRedis.renew_certificates, guarded)
    for _ in range(3):
        with pytest.raises(StoreDenied, match="certificate verify failed"):
            await driver.beat(ME, ttl=TTL)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        guarded.tell_authority()
        assert (await second_at_the_latest(driver)).members == (ME,)
    (told,) = [record for record in caplog.records if record.name == "controller.redisconnection"]
    assert told.getMessage() == "the address of Redis, its password or certificates have changed"
    assert guarded.password not in str(vars(told))


async def test_a_certificate_file_that_is_missing_is_a_refusal_until_it_is_there(
    guarded: GuardedRedis, world: RealWorld
) -> None:
    driver = world.driver("a")
    guarded.trusted.unlink()
    with pytest.raises(StoreDenied, match="No such file"):
        await driver.beat(ME, ttl=TTL)
    guarded.tell_authority()
    assert (await second_at_the_latest(driver)).members == (ME,)


async def test_another_address_in_the_file_is_gone_to_and_listened_at(
    redis: RedisServer, own_redis: RedisServer, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_text(f"redis://{HOST}:{free_port()}")
    async with contextlib.aclosing(RealWorld(redis, RedisAddress(url_file=str(file)))) as world:
        driver, other = world.driver("a"), member("b")
        waiting = asyncio.create_task(driver.changed())
        with pytest.raises(StoreUnavailable):
            await driver.beat(ME, ttl=TTL)
        for server in (own_redis, redis):
            file.write_text(server.url)
            if server is redis:
                own_redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                own_redis.command("CONFIG", "SET", "requirepass", "moved")
            assert (await second_at_the_latest(driver)).members == (ME,)
        await settle(driver, world)
        await world.driver("b").beat(other, ttl=TTL)
        await asyncio.wait_for(driver.changed(), 10)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_file_that_cannot_be_read_for_a_while_changes_nothing_and_is_said_once(
    guarded: GuardedRedis, world: RealWorld, caplog: pytest.LogCaptureFixture
) -> None:
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    guarded.password_file.unlink()
    await changed(lambda guarded: switch(guarded, "off"), guarded)
    for _ in range(3):
        with pytest.raises(StoreDenied):
            await driver.beat(ME, ttl=TTL)
    await changed(lambda guarded: switch(guarded, "on"), guarded)
    await driver.beat(ME, ttl=TTL)
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.getMessage() == "the address of Redis cannot be read again"
    assert "No such file" in vars(told)["reason"]


async def test_an_outage_is_no_refusal(world: RealWorld, guarded: GuardedRedis) -> None:
    driver = world.driver("a")
    await driver.beat(ME, ttl=TTL)
    guarded.stop()
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as failure:
            await driver.beat(ME, ttl=TTL)
        assert not isinstance(failure.value, StoreDenied)


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
async def test_a_refusal_is_seen_on_each_way(tmp_path: Path, scheme: str) -> None:
    options = ("--cluster-enabled", "yes") if scheme == "redis+cluster" else ()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(redis_server.running(tmp_path / "redis", *options))
        url = f"{scheme}://default:wrong@{HOST}:{server.port}"
        if scheme == "redis+sentinel":
            config = tmp_path / "sentinel.conf"
            config.write_text(f"sentinel monitor its-name {HOST} {server.port} 1\n")
            running = redis_server.running(tmp_path / "sentinel", str(config), "--sentinel", sentinel=True)
            url = f"{scheme}://default:wrong@{HOST}:{stack.enter_context(running).port}/its-name"
        server.command("CONFIG", "SET", "requirepass", "right")
        async with contextlib.aclosing(RealWorld(server, url)) as world:
            with pytest.raises(StoreDenied):
                await world.driver("a").beat(ME, ttl=TTL)


async def test_sentinels_that_refuse_are_told_from_sentinels_that_are_away(tmp_path: Path) -> None:
    config = tmp_path / "sentinel.conf"
    config.write_text(f"sentinel monitor its-name {HOST} {free_port()} 1\nrequirepass right\n")
    url = f"redis+sentinel://{HOST}:{{port}}/its-name?sentinel_password=wrong"
    with launcher.RedisServer.start(tmp_path, first=(str(config), "--sentinel"), options={}) as sentinel:
        async with contextlib.aclosing(RealWorld(sentinel, url.format(port=sentinel.port))) as world:
            with pytest.raises(StoreDenied):
                await world.driver("a").beat(ME, ttl=TTL)
    async with contextlib.aclosing(RealWorld(sentinel, url.format(port=free_port()))) as world:
        with pytest.raises(StoreUnavailable) as failure:
            await world.driver("a").beat(ME, ttl=TTL)
        assert not isinstance(failure.value, StoreDenied)


# --- the ACL of the docs --------------------------------------------------------------------------------------------


async def test_the_acl_of_the_docs_allows_what_is_used_and_nothing_else(
    guarded: GuardedRedis, world: RealWorld
) -> None:
    guarded.command("CONFIG", "RESETSTAT")
    await everything(world)
    used = commands_of(guarded.command("INFO", "commandstats")) - OF_ADMINISTRATORS
    assert guarded.command("ACL", "LOG") == []
    assert allowed(documented_acl()) == used


async def test_the_acl_of_the_docs_allows_what_a_cluster_takes(tmp_path: Path) -> None:
    line = f"{documented_acl()} {documented_cluster_commands()}".replace("PASSWORD", "secret")
    with redis_server.running(tmp_path, "--cluster-enabled", "yes") as server:
        redis_server.take_all_slots(server)
        server.command("ACL", "SETUSER", *line.split()[1:])
        async with contextlib.aclosing(
            RealWorld(server, f"redis+cluster://dcron:secret@{HOST}:{server.port}")
        ) as world:
            await everything(world)
        assert server.command("ACL", "LOG") == []
        for command in documented_cluster_commands().split():
            server.command("ACL", "SETUSER", "dcron", command.replace("+", "-"))
            async with contextlib.aclosing(
                RealWorld(server, f"redis+cluster://dcron:secret@{HOST}:{server.port}")
            ) as world:
                with pytest.raises(StoreUnavailable):
                    await world.driver("a").beat(ME, ttl=TTL)
            server.command("ACL", "SETUSER", "dcron", command)


OF_ADMINISTRATORS = {"acl", "client", "info", "config", "auth", "pubsub"}


async def everything(world: RealWorld) -> None:
    """Use each command at least once."""
    driver, store, other = world.driver("a"), world.store("a"), member("b", nonce="n")
    await driver.beat(ME, ttl=TTL)
    await settle(driver, world)
    await world.driver("b").beat(other, ttl=TTL)
    await asyncio.wait_for(driver.changed(), 10)
    await world.driver("b").leave(other)
    record_of = Records(world)
    await flushed(store, [record_of(), record_of(outcome=Reason.CREATED), record_of()])
    await store.newest("uid-1")
    await store.recent(limit=1)
    await store.firings("uid-1", after=world.clock.now())


def commands_of(stats: str) -> set[str]:
    """The commands that a server says it has run."""
    return {
        re.split(r"[:|]", line)[0].removeprefix("cmdstat_") for line in stats.splitlines() if line.startswith("cmdstat")
    }


def allowed(line: str) -> set[str]:
    """The commands that an ACL line allows."""
    return {word.removeprefix("+") for word in line.split() if word.startswith("+")}


async def second_at_the_latest(driver: RedisDriver) -> Membership:
    """The answer to a beat; the one before may be what made the client look at its files again."""
    with contextlib.suppress(StoreUnavailable):
        return await driver.beat(ME, ttl=TTL)
    return await driver.beat(ME, ttl=TTL)


async def test_sentinels_need_one_command_for_our_user(tmp_path: Path, redis: RedisServer) -> None:
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"sentinel monitor its-name {HOST} {redis.port} 1\n"
        "user default off\n"
        f"user dcron on >secret -@all {documented_sentinel_commands()}\n"
    )
    with launcher.RedisServer.start(tmp_path, first=(str(config), "--sentinel"), options={}) as sentinel:
        login = "sentinel_username=dcron&sentinel_password=secret"
        url = f"redis+sentinel://{HOST}:{sentinel.port}/its-name?{login}"
        async with contextlib.aclosing(RealWorld(redis, url)) as world:
            await everything(world)

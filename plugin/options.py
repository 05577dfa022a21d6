"""The options that commands share, spelled as kubectl spells them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import click

from controller import jobs
from controller.errors import TerminalError
from controller.jobs import UID_LABEL, Job
from controller.schedule import zone_named
from controller.spec import Key
from plugin import objects, telling
from plugin.failures import Failure, Misused
from plugin.objects import Seen
from plugin.ports import CRON_JOBS, JOBS, Address, Clock, Cluster, World
from plugin.tables import table, terminal_width


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a command reaches: one cluster, and the part of it that the options name.

    Attributes:
        everywhere: All namespaces are meant.
    """

    world: World
    address: Address
    everywhere: bool = False

    @cached_property
    def cluster(self) -> Cluster:
        """The API server; nothing is read before it is asked for."""
        return self.world.connect(self.address)

    @property
    def clock(self) -> Clock:
        """The clock of this machine."""
        return self.world.clock

    @property
    def scope(self) -> str | None:
        """The namespace that is meant; None means all."""
        return None if self.everywhere else self.cluster.namespace

    def key(self, name: str) -> Key:
        """The object of this name."""
        return Key(self.cluster.namespace, name)

    def cron_job(self, name: str) -> Seen:
        """The object of this name, as it is now."""
        return objects.read(self.cluster.read(CRON_JOBS, self.key(name)))

    def jobs(self, seen: Seen) -> list[Job]:
        """The Jobs that an object has in the cluster."""
        return [jobs.parse(body) for body in self.job_bodies(seen)]

    def job_bodies(self, seen: Seen) -> list[dict[str, Any]]:
        """The same as JSON."""
        found = self.cluster.list(JOBS, seen.key.namespace, labels=f"{UID_LABEL}={seen.cron_job.uid}")
        return [body for body in found if jobs.parse(body).controlled_by == seen.cron_job.uid]

    def cron_jobs(self) -> list[Seen]:
        """All objects that are meant."""
        return [objects.read(body) for body in self.cluster.list(CRON_JOBS, self.scope)]


def reaching(*, everywhere: bool = False, short: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the options that name a cluster, and hands it a `Reach` for them.

    Args:
        everywhere: It may look at all namespaces.
        short: `-n` means the namespace.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapped(*arguments: Any, **more: Any) -> Any:
            address = Address(**{name: more.pop(name) for name in ("kubeconfig", "context", "namespace")})
            world = click.get_current_context().find_object(World)
            assert world is not None, "`__main__` gives every command its world"
            reach = Reach(world=world, address=address, everywhere=more.pop("all_namespaces", False))
            return command(reach, *arguments, **more)

        options = [
            click.option("--kubeconfig", metavar="FILE", help="The kubeconfig file."),
            click.option("--context", metavar="NAME", help="The context of the kubeconfig."),
            click.option(*(("-n",) if short else ()), "--namespace", metavar="NAME", help="The namespace."),
        ]
        if everywhere:
            options.append(click.option("-A", "--all-namespaces", is_flag=True, help="Look at all namespaces."))
        for option in options:
            wrapped = option(wrapped)
        return wrapped

    return decorate


output = click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="For programs, instead of a table.")


def object_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of the objects that the options typed so far mean, for completion; none if nobody answers."""
    world = ctx.find_object(World)
    assert world is not None, "`completing` gives the context its world, as `__main__` does"
    given = {name: ctx.params.get(name) for name in ("kubeconfig", "context", "namespace")}
    reach = Reach(world=world, address=Address(**given))
    try:
        return sorted(seen.key.name for seen in reach.cron_jobs() if seen.key.name.startswith(incomplete))
    except Failure:
        return []


name = click.argument("name", shell_complete=object_names)


def zone(name: str) -> ZoneInfo:
    """The zone of this name.

    Raises:
        Misused: There is none.
    """
    try:
        return zone_named(name)
    except TerminalError as error:
        raise Misused(str(error)) from error


def show(value: Any, form: str | None, otherwise: Callable[[], str]) -> None:
    """Print a value as it was asked for: for programs, or for people."""
    match form:
        case "json":
            click.echo(telling.as_json(value))
        case "yaml":
            click.echo(telling.as_yaml(value))
        case _:
            click.echo(otherwise())


def tabled(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> str:
    """A table that fits the terminal, or what is said if it has no rows."""
    return table(heads, rows, width=terminal_width()) if rows else nothing

"""The commands that look at objects: `list` and `next`."""

from __future__ import annotations

import click

from plugin import listing, options, upcoming
from plugin.failures import Misused
from plugin.options import Reach
from plugin.telling import ago, wall
from plugin.upcoming import Upcoming


@click.command("list")
@options.reaching(everywhere=True)
@options.output
def list_(reach: Reach, output: str | None) -> None:
    """List objects: schedule, state, last and next instant, owner."""
    seen = reach.cron_jobs()
    now = reach.cluster.now()
    rows = listing.rows(seen, now)
    first = 0 if reach.everywhere else 1
    heads, cells = listing.HEADS[first:], [row.cells(now)[first:] for row in rows]
    where = "in any namespace" if reach.everywhere else f"in namespace {reach.cluster.namespace!r}"
    nothing = f"there is no DistributedCronJob {where}"
    options.show({"items": [row.value() for row in rows]}, output, lambda: options.tabled(heads, cells, nothing))


@click.command("next")
@click.argument("name", required=False, shell_complete=options.object_names)
@click.option("--cron", metavar="EXPR", multiple=True, help="A schedule instead of an object; may be repeated.")
@click.option(
    "-n", "numbers", metavar="N", multiple=True, help="How many instants; anything but a number: --namespace."
)
@click.option("--tz", metavar="ZONE", help="The zone to show them in; of --cron: the zone that it counts in.")
@click.option("--as", "hashed_as", metavar="NAMESPACE/NAME", default="", help="With --cron: whose H is meant.")
@options.reaching(short=False)
@options.output
def next_(
    reach: Reach,
    name: str | None,
    cron: tuple[str, ...],
    numbers: tuple[str, ...],
    tz: str | None,
    hashed_as: str,
    output: str | None,
) -> None:
    """Show the next instants of an object, or of a schedule that no object has yet."""
    if (name is None) == (not cron):
        raise Misused("name either an object or a schedule with --cron")
    reach, count = _split(reach, numbers)
    if name is None:
        now = reach.clock.now()
        found = upcoming.of_expressions(cron, tz, now, count, hashed_as=hashed_as)
    else:
        seen = reach.cron_job(name)
        now = reach.cluster.now()
        found = upcoming.of_object(seen, now, count)
    zone = tz or found.time_zone

    def told() -> str:
        return _told(found, zone, [ago(instant.due_at, now) for instant in found.instants])

    options.show(found.value(), output, told)


_DEFAULT_COUNT, _MOST = 10, 10_000


def _split(reach: Reach, numbers: tuple[str, ...]) -> tuple[Reach, int]:
    """Both meanings of -n: of kubectl, and of `head`."""
    count = _DEFAULT_COUNT
    for text in numbers:
        if text.isascii() and text.isdigit():
            count = int(text)
        else:
            address = type(reach.address)(
                kubeconfig=reach.address.kubeconfig, context=reach.address.context, namespace=text
            )
            reach = Reach(world=reach.world, address=address)
    if not 1 <= count <= _MOST:
        raise Misused(f"-n must lie between 1 and {_MOST}")
    return reach, count


def _told(found: Upcoming, zone_name: str, distances: list[str]) -> str:
    zone = options.zone(zone_name)
    put_off = any(instant.due_at != instant.scheduled_at for instant in found.instants)
    heads = ["instant", *(["fires"] if put_off else []), "", ""]
    rows = [
        [
            wall(instant.scheduled_at, zone),
            *([wall(instant.due_at, zone)] if put_off else []),
            distance,
            f"will not fire: {instant.skipped}" if instant.skipped else "",
        ]
        for instant, distance in zip(found.instants, distances, strict=True)
    ]
    table = options.tabled(heads, rows, f"{found.of} has no instant to come")
    return f"{table}\nand never again" if found.ends and rows else table

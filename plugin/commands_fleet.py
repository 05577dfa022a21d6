"""The commands that look at all objects together: `ring` and `herd`."""

from __future__ import annotations

from typing import Any

import click

from plugin import herd as herds
from plugin import options, pauses, shares
from plugin.chart import chart
from plugin.failures import Denied
from plugin.herd import Herd
from plugin.options import Reach
from plugin.pauses import Pause
from plugin.ports import CONFIG_MAPS
from plugin.shares import Shares
from plugin.tables import rendered, terminal_width

_FEW = 3
_ADVICE = 20


@click.command()
@options.reaching(everywhere=True)
@options.output
def ring(reach: Reach, output: str | None) -> None:
    """Show which node serves how many objects; without a namespace, of all namespaces."""
    found = shares.of(_meant(reach).cron_jobs())
    now, asked = reach.cluster.now(), _pauses(reach)
    values: list[dict[str, Any]] | None = None
    if isinstance(asked, Denied):
        paused = [f"whether everything is paused is not known: {asked}"]
    else:
        values = [pause.value() for pause in asked]
        paused = [pause.sentence for pause in asked if pause.sentence]
    value = {**found.value(), "pauses": values}
    options.show(value, output, lambda: "\n".join([_told(found, [node.cells(now) for node in found.nodes]), *paused]))


def _pauses(reach: Reach) -> tuple[Pause, ...] | Denied:
    """What ConfigMaps anywhere say of emergency pauses, or why the user may not know."""
    try:
        return pauses.read(reach.cluster.list(CONFIG_MAPS, None, labels=pauses.LABEL))
    except Denied as error:
        return error


def _told(found: Shares, rows: list[tuple[str, ...]]) -> str:
    lines = [options.tabled(shares.HEADS, rows, "no object names a node that serves it")]
    if found.spread is not None:
        lines.append(f"the largest share is {found.spread:.2f} times an even one; {shares.EPOCH}")
    if found.unserved:
        named = ", ".join(found.unserved[:_FEW]) + (" ..." if len(found.unserved) > _FEW else "")
        lines.append(f"{len(found.unserved)} not served yet: {named}")
    return "\n".join(lines)


@click.command()
@click.option("--tz", default="UTC", show_default=True, metavar="ZONE", help="The zone of the hours.")
@options.reaching(everywhere=True)
@options.output
def herd(reach: Reach, tz: str, output: str | None) -> None:
    """Show how many Jobs are made in each minute of the next day; without a namespace, in all namespaces."""
    zone = options.zone(tz)
    seen = _meant(reach).cron_jobs()
    found = herds.herd(seen, reach.cluster.now())

    def told() -> str:
        if not any(found.counts):
            return "nothing fires within a day"
        picture = rendered(*chart(found.counts, found.since, zone), width=terminal_width())
        rows = [
            (f"{one.at.astimezone(zone):%a %Y-%m-%d %H:%M}", str(one.firings), _who(one.who)) for one in found.worst
        ]
        worst = options.tabled(("worst minutes", "jobs", "of"), rows, "")
        return "\n\n".join([picture, worst, _advised(found)])

    options.show(found.value(), output, told)


def _meant(reach: Reach) -> Reach:
    """The whole ring is meant, and the whole herd, unless a namespace is named."""
    everywhere = reach.everywhere or reach.address.namespace is None
    return Reach(world=reach.world, address=reach.address, everywhere=everywhere)


def _who(who: tuple[tuple[str, int], ...]) -> str:
    told = ", ".join(key if number == 1 else f"{key} x{number}" for key, number in who[:_FEW])
    return told + (f" and {len(who) - _FEW} more" if len(who) > _FEW else "")


def _advised(found: Herd) -> str:
    silent = f"\n{found.silent} objects fire nothing as they are" if found.silent else ""
    if not found.advice:
        return f"nothing in the worst minutes could use H{silent}"
    rows = [(one.key, one.schedule, one.instead) for one in found.advice[:_ADVICE]]
    more = len(found.advice) - len(rows)
    table = options.tabled(("could use H", "now", "instead"), rows, "")
    rest = f"\nand {more} more" if more > 0 else ""
    then = f"with all of these the worst minute would have {found.worst_then} Jobs instead of {max(found.counts)}"
    return f"{table}{rest}\n{then}{silent}"

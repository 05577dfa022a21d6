"""The commands that look back: `history` and `explain`."""

from __future__ import annotations

import click

from plugin import explanation, firings, options, whenever
from plugin.explanation import Explanation
from plugin.objects import Seen
from plugin.options import Reach
from plugin.ports import EVENTS
from plugin.telling import wall

_COUNTS = ("due", "created", "skipped", "missed", "createFailed", "succeeded", "failed")
"""In the order in which they are told: of instants, then of Jobs."""


@click.command()
@options.name
@click.option("--tz", metavar="ZONE", help="The zone to show instants in; without it, that of the schedule.")
@options.reaching()
@options.output
def history(reach: Reach, name: str, tz: str | None, output: str | None) -> None:
    """Show the firings that are still told of, with their Jobs; the newest first."""
    seen = reach.cron_job(name)
    found = firings.known(seen, map(firings.run, reach.job_bodies(seen)))
    zone = options.zone(tz or seen.zone)

    def told() -> str:
        rows = [one.cells(wall(one.scheduled_at, zone)) for one in found]
        counts = ", ".join(f"{seen.status.counts[word]} {word}" for word in _COUNTS if seen.status.counts.get(word))
        table = options.tabled(firings.HEADS, rows, f"of {seen.key} no firing is told")
        return f"{table}\nsince its creation: {counts}" if counts else table

    value = {"items": [one.value() for one in found], "counts": dict(seen.status.counts)}
    options.show(value, output, told)


@click.command()
@options.name
@click.option("--at", required=True, metavar="TIME", help="The instant: RFC 3339, or a time in the schedule's zone.")
@options.reaching()
@options.output
def explain(reach: Reach, name: str, at: str, output: str | None) -> None:
    """Say why an object did or did not run at an instant, from status, Jobs and Events."""
    seen = reach.cron_job(name)
    zone = options.zone(seen.zone)
    instant = whenever.instant(at, zone, "--at").replace(microsecond=0)
    runs, events = [firings.run(body) for body in reach.job_bodies(seen)], _events(reach, seen)
    found = explanation.explain(seen, runs, events, instant, reach.cluster.now())
    options.show(found.value(), output, lambda: _told(found, f"{seen.key} at {wall(instant, zone)}"))


def _events(reach: Reach, seen: Seen) -> list[explanation.Told]:
    about = f"involvedObject.name={seen.key.name},involvedObject.kind=DistributedCronJob"
    bodies = reach.cluster.list(EVENTS, seen.key.namespace, fields=about)
    mine = (body for body in bodies if body["involvedObject"].get("uid") in (seen.cron_job.uid, None, ""))
    return [told for told in map(explanation.event, mine) if told is not None]


def _told(found: Explanation, what: str) -> str:
    also = [f"  {sentence}" for sentence in found.also]
    return "\n".join([f"{what}: {found.verdict}", f"  {found.sentence} (says: {found.witness})", *also])

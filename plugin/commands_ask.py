"""The commands that ask something of an object: `trigger`, `suspend`, `resume`, `backfill`."""

from __future__ import annotations

import secrets
from datetime import timedelta

import click

from controller.conditions import CIRCUIT_OPEN
from controller.errors import TerminalError
from controller.instants import format_time
from plugin import asking, options, whenever
from plugin.asking import Progress
from plugin.failures import TimedOut, Unfulfilled
from plugin.options import Reach
from plugin.ports import CRON_JOBS
from plugin.telling import ago, text, wall

_SALT_BYTES = 4
_LOOK_EVERY = timedelta(milliseconds=500)
_SHOWN = 20
"""So many instants of a backfill are told to people; `-o` has all."""


@click.command()
@options.name
@click.option("--wait", is_flag=True, help="Wait until the Job has ended; the exit code says how.")
@click.option("--timeout", default="10m", show_default=True, metavar="TIME", help="How long to wait.")
@options.reaching()
@options.output
def trigger(reach: Reach, name: str, wait: bool, timeout: str, output: str | None) -> None:
    """Ask for one run now, whatever the schedule says."""
    asking.must_be_served(reach.cron_job(name))
    value = asking.run_value(reach.cluster.now(), secrets.token_hex(_SALT_BYTES))
    patience = whenever.distance(timeout, "--timeout")
    reach.cluster.patch(CRON_JOBS, reach.key(name), asking.run(value))
    if not wait:
        asked = {"value": value, "outcome": "asked", "job": None, "ended": False, "succeeded": False}
        options.show(asked, output, lambda: f"asked {reach.key(name)} for a run: {value}")
        return
    found = _wait(reach, name, value, patience, quiet=output is not None)
    options.show(found.value(value), output, lambda: found.sentence)
    if not found.good:
        raise Unfulfilled(f"the run of {reach.key(name)} has come to nothing: {found.sentence}")


def _wait(reach: Reach, name: str, value: str, patience: timedelta, *, quiet: bool) -> Progress:
    until = reach.clock.elapsed() + patience
    told = ""
    while True:
        seen = reach.cron_job(name)
        found = asking.progress(seen, reach.jobs(seen), value)
        if found.ended:
            return found
        if found.sentence != told and not quiet:
            click.echo(found.sentence, err=True)
        told = found.sentence
        if reach.clock.elapsed() >= until:
            raise TimedOut(f"waited in vain for the run of {reach.key(name)}: {found.sentence}")
        reach.clock.sleep(_LOOK_EVERY)


@click.command()
@options.name
@click.option("--until", metavar="TIME", help="When it ends by itself: a time, or how long, such as 90m.")
@click.option("--reason", metavar="TEXT", help="Why; it is shown wherever the suspension is.")
@options.reaching()
@options.output
def suspend(reach: Reach, name: str, until: str | None, reason: str | None, output: str | None) -> None:
    """Stop the schedule: until a time, by an annotation that GitOps tools leave alone; or for good, by the spec."""
    seen, now = reach.cron_job(name), reach.cluster.now()
    zone = options.zone(seen.zone)
    end = None if until is None else whenever.end(until, now, zone)
    reach.cluster.patch(CRON_JOBS, seen.key, asking.suspension(end, reason, now))
    told = "until somebody resumes it" if end is None else f"until {wall(end, zone)} ({ago(end, now)})"
    sentence = f"{seen.key} fires nothing {told}; `kubectl dcron trigger` still runs it"
    options.show({"object": str(seen.key), "until": text(end), "reason": reason}, output, lambda: sentence)


@click.command()
@options.name
@options.reaching()
@options.output
def resume(reach: Reach, name: str, output: str | None) -> None:
    """End a suspension and a pause. Instants of the suspended time are not fired."""
    seen, now = reach.cron_job(name), reach.cluster.now()
    change = asking.resumption(seen)
    if change:
        reach.cluster.patch(CRON_JOBS, seen.key, change)
    following = None if isinstance(seen.schedule, TerminalError) else seen.schedule.next_after(now)
    open_ = seen.holds(CIRCUIT_OPEN) and not change.get("spec")  # an edit of the spec closes the circuit
    value = {"object": str(seen.key), "resumed": bool(change), "next": text(following), "circuitOpen": open_}

    def told() -> str:
        goes_on = "goes on" if change else "was neither suspended nor paused"
        next_ = "it has no instant to come" if following is None else f"its next instant is {text(following)}"
        circuit = "; its circuit is open: a run that succeeds closes it (kubectl dcron trigger)" if open_ else ""
        return f"{seen.key} {goes_on}: {next_}{circuit}"

    options.show(value, output, told)


@click.command()
@options.name
@click.option("--from", "since", required=True, metavar="TIME", help="The begin of the interval, inclusive.")
@click.option("--to", "until", required=True, metavar="TIME", help="Its end, exclusive.")
@click.option("--dry-run", is_flag=True, help="Only say what would be fired.")
@options.reaching()
@options.output
def backfill(reach: Reach, name: str, since: str, until: str, dry_run: bool, output: str | None) -> None:
    """Fire the instants of a past interval once more; those that are still recorded as created are left out."""
    seen, now = reach.cron_job(name), reach.cluster.now()
    zone = options.zone(seen.zone)
    begin, end = whenever.instant(since, zone, "--from"), whenever.instant(until, zone, "--to")
    plan = asking.backfill(seen, reach.jobs(seen), begin, end, now)
    if not plan.instants:
        raise Unfulfilled(f"{seen.key} has no instant between {format_time(begin)} and {format_time(end)}")
    if not dry_run:
        asking.must_be_served(seen)
        reach.cluster.patch(CRON_JOBS, seen.key, plan.change())

    def told() -> str:
        heads = ["instant", "utc", ""]
        listed = plan.instants[:_SHOWN] if dry_run else ()
        rows = [
            [wall(at, zone), format_time(at), "left out: it was created" if at in plan.left_out else ""]
            for at in listed
        ]
        more = len(plan.instants) - len(listed)
        rest = [f"and {more} more"] if dry_run and more else []
        verb = "would fire" if dry_run else "fires"
        sum_ = f"{seen.key} {verb} {len(plan.fires)} of {len(plan.instants)} instants, oldest first: {plan.interval}"
        return "\n".join([*([options.tabled(heads, rows, "")] if rows else []), *rest, sum_])

    options.show(plan.value(), output, told)

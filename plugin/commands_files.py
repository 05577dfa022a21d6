"""The commands that read files: `convert` and `lint`."""

from __future__ import annotations

from datetime import timedelta

import click

from plugin import conversion, options, whenever
from plugin import lint as lints
from plugin.failures import Misused, Unfulfilled
from plugin.handover import Adopted, Handover
from plugin.options import Reach
from plugin.telling import text

_STANDARD_INPUT = "-"


@click.command()
@click.argument("what", nargs=-1, metavar="[FILE... | --adopt NAME...]")
@click.option("--adopt", is_flag=True, help="Take CronJobs of the cluster over, without a missed or doubled firing.")
@click.option("--timeout", default="10m", show_default=True, metavar="TIME", help="With --adopt: how long to wait.")
@options.reaching()
@options.output
def convert(reach: Reach, what: tuple[str, ...], adopt: bool, timeout: str, output: str | None) -> None:
    """Make DistributedCronJobs out of CronJobs of batch/v1: in manifests, or (--adopt) on the cluster.

    Manifests are read from files or standard input and written to standard output; comments stay.
    """
    if adopt:
        _adopt(reach, what, whenever.distance(timeout, "--timeout"), output)
    elif output is not None:
        raise Misused("-o goes with --adopt: a converted manifest is written as it was read")
    else:
        _convert(what or (_STANDARD_INPUT,))


def _convert(files: tuple[str, ...]) -> None:
    found = [conversion.converted(read_file(file), "standard input" if file == "-" else file) for file in files]
    if not any(one.names for one in found):
        raise Unfulfilled(f"there is no CronJob of batch/v1 in {', '.join(files)}")
    for index, one in enumerate(found):
        separate = index and not one.text.startswith("---")
        click.echo(("---\n" if separate else "") + one.text, nl=not one.text.endswith("\n"))
        for note in one.notes:
            click.echo(f"note: {note}", err=True)


def _adopt(reach: Reach, names: tuple[str, ...], patience: timedelta, output: str | None) -> None:
    if not names:
        raise Misused("--adopt needs the name of a CronJob")
    say = (lambda line: None) if output else (lambda line: click.echo(line, err=True))
    handover = Handover(cluster=reach.cluster, clock=reach.clock, say=say, patience=patience)
    done = [handover.adopt(reach.key(name)) for name in names]
    options.show({"items": [one.value() for one in done]}, output, lambda: "\n".join(map(_told, done)))


def _told(one: Adopted) -> str:
    lines = [
        f"{one.key} is a DistributedCronJob now: it has every instant after {text(one.created_at)}, "
        f"the CronJob of batch/v1 has those up to {text(one.boundary)} and is suspended",
        *([f"{len(one.backfilled)} instants in between are backfilled"] if one.backfilled else []),
        *(f"note: {note}" for note in one.notes),
        f"once its Jobs are not needed any more: kubectl delete cronjob {one.key.name} -n {one.key.namespace}",
    ]
    return "\n".join(lines)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@options.output
def lint(files: tuple[str, ...], output: str | None) -> None:
    """Check manifests without a cluster: unknown fields, schedules, zones, annotations. `-` is standard input."""
    count, rows = 0, []
    for file in files:
        number, found = lints.linted(read_file(file), file)
        count += number
        rows += [(file, one) for one in found]
    serious = sum(one.serious for _, one in rows)
    value = [
        {"file": file, "line": one.line, "path": one.path, "sentence": one.sentence, "serious": one.serious}
        for file, one in rows
    ]
    lines = [f"{file}:{one.line}: {'' if one.serious else 'note: '}{one.path}: {one.sentence}" for file, one in rows]
    lines.append(
        f"{count} DistributedCronJob{'' if count == 1 else 's'}, {serious or 'no'} mistake{'s' * (serious != 1)}"
    )
    options.show({"objects": count, "mistakes": value}, output, lambda: "\n".join(lines))
    if serious:
        raise Unfulfilled(
            f"{serious} mistake{'s' * (serious != 1)} in {', '.join(dict.fromkeys(file for file, _ in rows))}"
        )


def read_file(file: str) -> str:
    """The text of a file, or of standard input (`-`).

    Raises:
        Unfulfilled: It cannot be read.
    """
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            return str(opened.read())
    except (OSError, UnicodeDecodeError) as error:
        raise Unfulfilled(f"{file} cannot be read: {error}") from error

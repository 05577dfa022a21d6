"""The command line as a whole."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from plugin.commands_ask import backfill, resume, suspend, trigger
from plugin.commands_files import convert, lint
from plugin.commands_fleet import herd, ring
from plugin.commands_look import list_, next_
from plugin.commands_past import explain, history

PROGRAM = "kubectl-dcron"
COMPLETE = "_KUBECTL_DCRON_COMPLETE"
"""The variable by which a shell asks for proposals."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def cli() -> None:
    """Look at DistributedCronJobs, and ask something of them.

    Everything comes from the API server, with kubectl's credentials.
    """


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete `kubectl-dcron`; `kubectl dcron` is completed by kubectl itself."""
    of = get_completion_class(shell)
    assert of is not None, "click knows these three"
    click.echo(of(cli, {}, PROGRAM, COMPLETE).source())


for command in (
    list_,
    next_,
    history,
    explain,
    trigger,
    suspend,
    resume,
    backfill,
    ring,
    herd,
    lint,
    convert,
    completion,
):
    cli.add_command(command)

"""The command line as a whole."""

from __future__ import annotations

import click

from plugin.commands_ask import backfill, resume, suspend, trigger
from plugin.commands_files import convert
from plugin.commands_look import list_, next_
from plugin.commands_past import explain, history


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def cli() -> None:
    """Look at DistributedCronJobs, and ask something of them.

    Everything comes from the API server, with kubectl's credentials.
    """


for command in (list_, next_, history, explain, trigger, suspend, resume, backfill, convert):
    cli.add_command(command)

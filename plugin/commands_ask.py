"""The commands that ask something of an object: `trigger`, `suspend`, `resume`."""

from __future__ import annotations

import secrets

import click

from plugin import asking, options
from plugin.options import Reach
from plugin.ports import CRON_JOBS

_SALT_BYTES = 4


@click.command()
@options.name
@options.reaching()
def trigger(reach: Reach, name: str) -> None:
    """Ask for one run now, whatever the schedule says."""
    value = asking.run_value(reach.cluster.now(), secrets.token_hex(_SALT_BYTES))
    reach.cluster.patch(CRON_JOBS, reach.key(name), asking.run(value))
    click.echo(f"asked {reach.key(name)} for a run: {value}")

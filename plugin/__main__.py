"""`kubectl-dcron`: run a command; say what went wrong in one sentence, and in the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from plugin import cluster
from plugin.clock import SystemClock
from plugin.commands import COMPLETE, cli
from plugin.failures import Failure
from plugin.ports import World

INTERRUPTED = 130
"""As a shell tells of a process that Ctrl-C has ended."""


def run(arguments: Sequence[str], world: World) -> int:
    """Run one command line; gives the exit code."""
    try:
        ended = cli.main(
            list(arguments), prog_name="kubectl dcron", complete_var=COMPLETE, standalone_mode=False, obj=world
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"error: {_sentence(error.format_message())}", err=True)
        return error.exit_code
    except Failure as error:
        click.echo(f"error: {_sentence(str(error))}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return ended if isinstance(ended, int) else 0


def world() -> World:
    """The world of a real command line."""
    clock = SystemClock()
    return World(connect=lambda address: cluster.connect(address, clock), clock=clock)


def main() -> None:
    """The console script."""
    try:
        code = run(sys.argv[1:], world())
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _sentence(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())


if __name__ == "__main__":
    main()

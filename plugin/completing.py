"""`kubectl_complete-dcron`: what kubectl asks when somebody types `kubectl dcron` and a tab.

kubectl hands over the words typed so far, the last of them unfinished, and reads a line for each proposal and a number
that says what else the shell may do. The proposals are click's own; names of objects come from the API server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from click.shell_completion import ShellComplete

from plugin.__main__ import world
from plugin.commands import COMPLETE, PROGRAM, cli
from plugin.ports import World

_FILES, _NOTHING_ELSE = 0, 4
"""The shell may propose files; or nothing else."""


def proposals(words: Sequence[str], of: World) -> str:
    """What may stand in the place of the last word."""
    *done, unfinished = words or [""]
    found = ShellComplete(cli, {"obj": of}, PROGRAM, COMPLETE).get_completions(list(done), unfinished)
    lines = [f"{item.value}\t{item.help or ''}".rstrip() for item in found if item.type == "plain"]
    return "\n".join([*lines, f":{_FILES if any(item.type == 'file' for item in found) else _NOTHING_ELSE}"])


def main() -> None:
    """The console script."""
    click.echo(proposals(sys.argv[1:], world()))

"""``python -m deploy.demo``, which ``make demo`` calls.

Exit status: 0 if nothing was missed, nothing ran twice and nothing was invented; 1 otherwise; 2 if the demo could not
be played; 130 if it was interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from deploy.demo.course import Course
from deploy.demo.lines import Lines
from deploy.demo.summary import tell
from deploy.demo.table import LiveTable
from deploy.local.errors import LocalError
from deploy.local.playground import Playground

if TYPE_CHECKING:
    from deploy.demo.scene import Screen
    from deploy.demo.verdict import Verdict

PASSED, FAILED, NOT_PLAYED, INTERRUPTED = 0, 1, 2, 130

_SHORTEST_SECONDS = 30  # a kill half-way needs as long again for the hand-over to end within the count
_PLAIN_WIDTH = 100
_REPLICAS = 3


def main(arguments: list[str]) -> int:
    """Play the demo and return the exit status."""
    options = _parser().parse_args(arguments)
    whole = timedelta(seconds=max(_SHORTEST_SECONDS, options.seconds))
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        verdict = _play(options.folder, whole)
    except KeyboardInterrupt:
        print("interrupted; all that was started has been stopped", file=sys.stderr)
        return INTERRUPTED
    except (LocalError, OSError) as error:
        print(f"the demo could not be played: {error}", file=sys.stderr)
        return NOT_PLAYED
    return PASSED if verdict.passed else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description="Three replicas, one of them killed.")
    parser.add_argument("--seconds", type=int, default=60, help="how long it fires (default: 60, at least 30)")
    parser.add_argument(
        "--folder", type=Path, help="where logs are kept (default: a temporary folder, deleted at the end)"
    )
    return parser


def _play(folder: Path | None, whole: timedelta) -> Verdict:
    console = _console()
    with ExitStack() as undo:
        place = folder or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="dcron-demo-")))
        # Nothing may stop the clean-up half-way; it takes seconds.
        undo.callback(_ignore_interrupts)
        playground = undo.enter_context(Playground.start(place, replicas=_REPLICAS, say=_say))
        undo.callback(_ignore_interrupts)
        with _screen(console) as screen:
            verdict = Course(playground, screen, whole).run()
        tell(verdict, console)
    return verdict


def _console() -> Console:
    """Colours and cursor movements only for a terminal, whatever the environment says."""
    if sys.stdout.isatty():
        return Console()
    return Console(force_terminal=False, no_color=True, width=_PLAIN_WIDTH)


def _screen(console: Console) -> Screen:
    return LiveTable(console) if console.is_terminal and not console.is_dumb_terminal else Lines()


def _say(line: str) -> None:
    print(line, flush=True)


def _ignore_interrupts() -> None:
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

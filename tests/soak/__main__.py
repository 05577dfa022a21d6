"""`python -m tests.soak`, which `make soak` calls. The exit status is 0 if the soak passed, else 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.soak import course


def main(arguments: list[str]) -> int:
    """Run the soak and print its summary; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--period", type=int, default=30, choices=(30, 60), help="seconds between firings of one")
    parser.add_argument("--folder", type=Path, help="where everything is kept (default: a temporary folder)")
    options = parser.parse_args(arguments)
    with ExitStack() as undo:
        folder = options.folder or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="dcron-soak-")))
        figures = course.run(options.objects, options.period, options.minutes, folder, _say)
    sys.stdout.write("\n".join(figures.lines()) + "\n")
    return 0 if figures.passed else 1


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m deploy.image``: ``build`` the image, or only ``pin`` the base that it is made from."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

import controller
from deploy.image import base, builders

PROJECT: Final = Path(__file__).parents[2]


def main(arguments: list[str], record: Path = base.RECORD) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        builder = builders.first()
        chosen = _pinned(builder, record, anew=options.command == "pin")
        if options.command == "build":
            builders.build(builder, PROJECT, options.tag, _told(chosen))
        print(chosen if options.command == "pin" else f"{options.tag}, from {chosen}")
    except (builders.NoBuilder, builders.BuilderFailed, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.image", description="The controller's image.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.required = True
    build = commands.add_parser("build", help="build it; the base's digest is looked up and recorded if it is not yet")
    build.add_argument(
        "--tag", default=f"dcron/controller:{controller.__version__}", help="its name (default: %(default)s)"
    )
    commands.add_parser("pin", help="look the base's digest up, record it and print it")
    return parser


def _pinned(builder: builders.Builder, record: Path, *, anew: bool) -> base.Base:
    """The base with a digest: the recorded one, or the one that its tag has now."""
    known = base.read(record)
    if known.digest and not anew:
        return known
    found = base.Base(known.name, base.checked(builders.pulled(builder, known.name)))
    base.write(found, record)
    return found


def _told(chosen: base.Base) -> dict[str, str]:
    """The arguments of the Dockerfile; outside a clone there is no revision."""
    command = ["git", "-C", str(PROJECT), "rev-parse", "HEAD"]
    revision = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return {"BASE": str(chosen), "VERSION": controller.__version__, "REVISION": revision}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m deploy.supply``: ``sbom FILE`` writes the bill of materials, ``audit`` asks what is known against it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import controller
from deploy.supply import audit, lock, sbom


def main(arguments: list[str], audited: Callable[[Sequence[Path]], audit.Verdict] = audit.run) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "sbom":
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(sbom.text(lock.pins(lock.LOCK.read_text()), controller.__version__))
        print(options.file)
        return 0
    verdict = audited((lock.LOCK, lock.BUILD))
    print("\n".join(verdict.lines))
    return 1 if verdict.weak or (options.strict and not verdict.complete) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.supply", description="What the project brings along.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.required = True
    bill = commands.add_parser("sbom", help="write the bill of materials, CycloneDX as JSON")
    bill.add_argument("file", type=Path)
    asked = commands.add_parser("audit", help="fail if a weakness is known of what is pinned")
    asked.add_argument("--strict", action="store_true", help="fail too if it could not be asked for every package")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

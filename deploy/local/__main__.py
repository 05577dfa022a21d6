"""``python -m deploy.local``: the local control plane from the command line.

Imports the other rooms only when a command needs them: ``check`` must run on a Python without any package.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

DEFAULT_FOLDER = Path(".state")


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "check":
        return _check()
    from deploy.local.errors import LocalError

    try:
        return int(_COMMANDS[options.command](options))
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The local control plane.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.required = True
    commands.add_parser("check", help="say what this machine lacks")
    commands.add_parser("build", help="build the binaries, once, into a cache outside the checkout")
    up = commands.add_parser("up", help="start the control plane, Redis and replicas in the background")
    up.add_argument("--replicas", type=int, default=3, metavar="N", help="replicas of the controller (default: 3)")
    down = commands.add_parser("down", help="stop all of that")
    status = commands.add_parser("status", help="show what runs")
    for command in (up, down, status):
        command.add_argument(
            "--folder", type=Path, default=DEFAULT_FOLDER, help=f"logs and data (default: {DEFAULT_FOLDER})"
        )
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _check() -> int:
    from deploy.local import check

    return check.report()


def _build(options: argparse.Namespace) -> int:
    from deploy.local import binaries
    from deploy.local.errors import MissingPrerequisite

    found = binaries.find(_say)
    try:
        found |= binaries.find(_say, recipes=binaries.HELM)
    except MissingPrerequisite as error:
        _say(f"no helm, so the chart cannot be packed or tested here: {error}")  # a cluster does not need it
    print(f"binaries: {', '.join(sorted({str(path.parent) for path in found.values()}))}")
    return 0


def _up(options: argparse.Namespace) -> int:
    from deploy.local.playground import Playground
    from deploy.local.process import running

    if running(options.folder):
        print(f"already running in {options.folder.resolve()}")
    else:
        Playground.start(options.folder, replicas=options.replicas, detached=True, say=_say)
    _print_next_steps(options.folder.resolve())
    return 0


def _down(options: argparse.Namespace) -> int:
    from deploy.local.playground import stop_all

    stopped = stop_all(options.folder)
    print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
    return 0


def _status(options: argparse.Namespace) -> int:
    from deploy.local.process import ended, running

    processes = running(options.folder)
    for process in processes:
        print(f"{process.name:<26} {process.pid:>8}  {process.address}".rstrip())
    for name in ended(options.folder):
        print(f"{name:<26}    ended  see {options.folder / name}.log")
    if not processes:
        print("nothing runs")
    return 0 if processes else 1


def _print_next_steps(folder: Path) -> None:
    from deploy.local import binaries

    kubectl = "kubectl" if shutil.which("kubectl") else str(binaries.find(_say)["kubectl"])
    print(f"kubeconfig: {folder / 'kubeconfig'}")
    print("next:")
    print(f"  export KUBECONFIG={folder / 'kubeconfig'}")
    print(f"  {kubectl} apply -f deploy/examples/mycron.yaml")
    print(f"  {kubectl} get dcronjobs")
    print("  make down")


_COMMANDS = {"build": _build, "up": _up, "down": _down, "status": _status}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

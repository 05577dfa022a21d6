"""``python -m deploy.chart``: write anew what is made; ``package FOLDER`` then checks the chart and packs it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from deploy.chart import crd, manifests, table
from deploy.chart.places import CHART
from deploy.local import binaries


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.chart", description="The Helm chart.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.required = True
    commands.add_parser("write", help="write the CRD's copies, the table of values and the kustomize base anew")
    package = commands.add_parser("package", help="the same, then check the chart and pack it")
    package.add_argument("folder", type=Path, help="where the package goes")
    options = parser.parse_args(arguments)
    helm = binaries.find(lambda line: print(line, file=sys.stderr), recipes=binaries.HELM)["helm"]
    crd.write()
    table.write()
    manifests.write(_rendered(helm), _rendered(helm, *manifests.NAMESPACED))
    return _package(helm, options.folder) if options.command == "package" else 0


def _rendered(helm: Path, *flags: str) -> str:
    where = (manifests.RELEASE, str(CHART), "--namespace", manifests.NAMESPACE)
    command = [str(helm), "template", *where, "--no-hooks", *flags]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _package(helm: Path, folder: Path) -> int:
    chart = str(CHART)
    for command in (["lint", "--strict", "--quiet", chart], ["package", chart, "--destination", str(folder)]):
        status = subprocess.run([helm, *command], check=False).returncode
        if status != 0:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

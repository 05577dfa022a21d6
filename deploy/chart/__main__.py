"""``python -m deploy.chart``: write anew what is made; ``package FOLDER`` then checks the chart and packs it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.chart import crd, manifests, pinned, table
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
    package.add_argument("--image", metavar="REPOSITORY@DIGEST", help="what the packed chart installs by default")
    options = parser.parse_args(arguments)
    helm = binaries.find(lambda line: print(line, file=sys.stderr), recipes=binaries.HELM)["helm"]
    crd.write()
    table.write()
    manifests.write(_rendered(helm), _rendered(helm, *manifests.NAMESPACED))
    return _package(helm, options.folder, options.image) if options.command == "package" else 0


def _rendered(helm: Path, *flags: str) -> str:
    where = (manifests.RELEASE, str(CHART), "--namespace", manifests.NAMESPACE)
    command = [str(helm), "template", *where, "--no-hooks", *flags]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _package(helm: Path, folder: Path, image: str | None) -> int:
    with tempfile.TemporaryDirectory() as place:
        chart = shutil.copytree(CHART, Path(place) / CHART.name)
        if image is not None:
            try:
                (chart / table.VALUES.name).write_text(pinned.values(table.VALUES.read_text(), image))
            except ValueError as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
        for arguments in (("lint", "--strict", "--quiet", chart), ("package", chart, "--destination", folder)):
            status = subprocess.run([helm, *map(str, arguments)], check=False).returncode
            if status != 0:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Says what this machine lacks, one line each; runs on a bare Python, even one that is too old."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_PYTHON = (3, 11, 3)
"""Before it redis-py needs async-timeout, which lock files made with a newer one do not hold: pip refuses them."""


def missing(python: Sequence[int] = tuple(sys.version_info[:3])) -> list[str]:
    """What must be installed before anything here can run: a line for each, empty when all is there.

    Redis is not on the list: where the system has none, the development dependencies bring one.
    """
    return [*_python(python), *_virtual_environments(), *_kubernetes()]


def report() -> int:
    """Print what is missing and return the exit status: 0 if nothing is, 1 otherwise."""
    lines = missing()
    for line in lines:
        print(f"missing: {line}")
    if not lines:
        print("all prerequisites are there")
    return 1 if lines else 0


def _python(version: Sequence[int]) -> list[str]:
    if tuple(version) >= MINIMUM_PYTHON:
        return []
    least, found = (".".join(map(str, parts)) for parts in (MINIMUM_PYTHON, version))
    return [f"Python >= {least} (this one is {found}; choose another with `make PYTHON=python3.13 ...`)"]


def _virtual_environments() -> list[str]:
    """Some distributions split these off into a package of their own."""
    try:
        import ensurepip
        import venv
    except ImportError as error:
        return [f"Python's module {error.name} (on Debian and Ubuntu: the package python3-venv)"]
    del ensurepip, venv
    return []


def _kubernetes() -> list[str]:
    from deploy.local import binaries
    from deploy.local.errors import LocalError

    try:
        found = binaries.present()
    except LocalError as error:
        return [str(error)]
    lacking = [recipe.name for recipe in binaries.RECIPES if recipe.name not in found]
    version = binaries.go_version()
    if not lacking or (version is not None and version >= binaries.MINIMUM_GO):
        return []
    there = "there is none" if version is None else f"this one is {version[0]}.{version[1]}"
    return [f"Go >= 1.26 ({there}), to build {', '.join(lacking)}; or set KUBEBUILDER_ASSETS"]

"""What is known against the packages of the lock files, asked of pip-audit.

A weakness that is known fails. No network is no failure, but it is said: pip-audit itself calls a package that its
index does not answer for "skipped", and ends well even if that was all of them.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SECONDS = 180
"""Longest for an audit; with a network it takes about ten."""
_SHOWN = 200
"""How much of an error is shown."""


class Verdict(NamedTuple):
    """What came of an audit: lines to say, whether a weakness is known, and whether all packages were asked for."""

    lines: list[str]
    weak: bool
    complete: bool


def run(locks: Sequence[Path]) -> Verdict:
    """Audit lock files, as far as that is possible here."""
    if importlib.util.find_spec("pip_audit") is None:
        return _not_audited("pip-audit is not installed here; `make venv` installs it")
    files = [word for lock in locks for word in ("--requirement", str(lock))]
    quiet = ("--progress-spinner", "off", "--format", "json")
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", *quiet, *files]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return _not_audited(f"there was no answer within {_SECONDS} s")
    return judged(answer.stdout, answer.stderr)


def judged(answer: str, errors: str) -> Verdict:
    """What pip-audit's answer says.

    Args:
        answer: Its JSON; something else if it could not end its work.
        errors: What it said besides.
    """
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        said = [line for line in errors.splitlines() if line.strip()] or ["pip-audit said nothing"]
        return _not_audited(said[-1].strip()[:_SHOWN])
    weak = [
        f"{package['name']} {package['version']}: {found['id']}, {_mended(found['fix_versions'])}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return _not_audited(f"the index answered for none of {len(packages)} packages")
    lines = [*weak] or [f"audit: nothing is known against {len(packages) - len(skipped)} packages"]
    if skipped:
        lines.append(f"NOT AUDITED: {', '.join(skipped)}: the index did not answer for them")
    return Verdict(lines, bool(weak), not skipped)


def _not_audited(reason: str) -> Verdict:
    return Verdict([f"NOT AUDITED, so nothing is known about weaknesses: {reason}"], False, False)


def _mended(versions: list[str]) -> str:
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"

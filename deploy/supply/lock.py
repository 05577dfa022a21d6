"""A lock file as pip-compile writes it: what is pinned, with which hashes, and for whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).parents[2]
LOCK: Final = PROJECT / "requirements.txt"
"""What the controller runs with."""
BUILD: Final = PROJECT / "requirements-build.txt"
"""What its package is built with."""

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)(?P<rest>.*)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"#\s+(?:via(?:\s+|$))?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)?(?P<rest>.*)")


class Pin(NamedTuple):
    """One package: its name in the normal form, its version, hashes of its files, and the packages that need it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def normal(name: str) -> str:
    """The one form of a package's name: small letters, and single dashes."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> list[Pin]:
    """Each package of a lock file, in its order.

    Raises:
        ValueError: A line is none of a lock file, or a package has no hash.
    """
    found: list[tuple[str, str, list[str], list[str]]] = []
    for line in text.splitlines():
        if match := _PIN.fullmatch(line):
            found.append((normal(match["name"]), match["version"], [], []))
            line = match["rest"]
        elif line.startswith("    #") and found:
            if (via := _VIA.fullmatch(line.strip())) and via["name"]:
                found[-1][3].append(normal(via["name"]))
            continue
        elif not line.startswith(("#", "    --hash=")) and line.strip():
            raise ValueError(f"no line of a lock file: {line!r}")
        if found:
            found[-1][2].extend(_HASH.findall(line))
    bare = [name for name, _, hashes, _ in found if not hashes]
    if bare:
        raise ValueError(f"without a hash: {', '.join(bare)}")
    return [Pin(name, version, tuple(hashes), tuple(via)) for name, version, hashes, via in found]

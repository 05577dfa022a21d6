"""Which image the controller's is made from: a name with a tag, and its digest when it was last looked up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

RECORD: Final = Path(__file__).with_name("base.txt")
"""The one place where it stands."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Base(NamedTuple):
    """A name with its tag, and a digest, which is empty as long as nobody has looked it up."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else self.name


def read(record: Path = RECORD) -> Base:
    """What is recorded.

    Raises:
        ValueError: Something else stands there.
    """
    name, _, digest = record.read_text().strip().partition("@")
    return Base(name, checked(digest) if digest else "")


def write(base: Base, record: Path = RECORD) -> None:
    """Record it."""
    record.write_text(f"{base}\n")


def checked(text: str) -> str:
    """The digest at the end of a text such as `python@sha256:...`.

    Raises:
        ValueError: There is none.
    """
    digest = text.strip().rpartition("@")[2]
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"no digest: {text.strip()!r}")
    return digest

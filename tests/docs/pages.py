"""Pages in Markdown, as far as a reader's browser reads them: headings and their anchors, links, code.

It reads what GitHub shows, with its rules for anchors. It judges nothing; tests do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from deploy.local.replica import PROJECT

_FENCE: Final = re.compile(r"^ *(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<body>.*?)^ *(?P=fence) *$", re.DOTALL | re.MULTILINE)
_CODE: Final = re.compile(r"(?<!`)(`+)(?!`)(?P<text>.+?)(?<!`)\1(?!`)", re.DOTALL)
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_LINK: Final = re.compile(r"\[(?:[^][]|\[[^][]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_DEFINITION: Final = re.compile(r"^ {0,3}\[[^]^]+\]: +<?(\S+?)>?(?: .*)?$", re.MULTILINE)
_ATTRIBUTE: Final = re.compile(r"<[a-z][^>]*?\b(?:href|src|srcset)=\"([^\"\s]+)\"")
_OUTSIDE: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MARKUP: Final = re.compile(r"!?\[([^]]*)\]\([^)]*\)")
_NO_PAGES: Final = ("node_modules", "dist", "build")


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        path: Where it is.
        text: What stands in it.
    """

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its path within the project."""
        return self.path.relative_to(PROJECT).as_posix()

    @property
    def prose(self) -> str:
        """It without the code that it shows in blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[str]:
        """The code that it shows in blocks."""
        return [found["body"] for found in _FENCE.finditer(self.text)]

    @property
    def words(self) -> list[str]:
        """The code within its sentences."""
        return [found["text"] for found in _CODE.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What a link with `#` may name: each heading as GitHub writes it, the second of a kind with `-1` behind it."""
        seen: Counter[str] = Counter()
        found = set()
        for heading in _HEADING.findall(self.prose):
            anchor = _anchor(heading)
            found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
        return found

    @property
    def links(self) -> list[str]:
        """What its links and images point to within the project, as it is written."""
        told = _CODE.sub("", self.prose)
        found = [target for pattern in (_LINK, _DEFINITION, _ATTRIBUTE) for target in pattern.findall(told)]
        return [target for target in found if not _OUTSIDE.match(target)]


def pages() -> list[Page]:
    """Every page of the project."""
    return [read(path) for path in sorted(_paths(PROJECT))]


@cache
def read(path: Path) -> Page:
    """One page."""
    return Page(path, path.read_text())


def broken(page: Page) -> list[str]:
    """Its links that lead nowhere, each with what is wrong."""
    return [f"{target}: {wrong}" for target in page.links if (wrong := _wrong(page, target))]


def _wrong(page: Page, target: str) -> str:
    path, _, anchor = target.partition("#")
    if path.startswith("/"):
        return "begins at the root of a machine"
    place = (page.path.parent / path).resolve() if path else page.path
    if not place.is_relative_to(PROJECT):
        return "leads out of the project"
    if not place.exists():
        return "is not there"
    if anchor and (place.suffix != ".md" or anchor not in (page if place == page.path else read(place)).anchors):
        return "has no such heading"
    return ""


def _anchor(heading: str) -> str:
    plain = _MARKUP.sub(r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def _paths(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in _NO_PAGES:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _paths(path)
        elif path.suffix == ".md":
            yield path

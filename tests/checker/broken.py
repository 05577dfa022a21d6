"""One thing that must not be: the rule of INVARIANTS that it breaks, and a sentence that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.checker.lives import Life
from tests.checker.words import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A rule that was broken.

    Attributes:
        where: The object, as `namespace/name`; empty if it is nobody's.
        at: The instant, or the moment; None if the sentence says it.
    """

    rule: str
    where: str
    at: datetime | None
    what: str

    def __str__(self) -> str:
        place = " ".join(part for part in (self.rule, self.where, "" if self.at is None else clock(self.at)) if part)
        return f"{place}: {self.what}"


def broken(rule: str, life: Life, at: datetime | None, what: str) -> Broken:
    """A rule that was broken for one object."""
    return Broken(rule=rule, where=str(life.thing), at=at, what=what)

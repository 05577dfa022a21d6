"""How a Job of ours differs from the Job that batch/v1 makes of the same manifest: everything that is not meant.

A Job becomes a table of paths and values, so that a difference can be told in one line, and an addition to either kind
shows by itself. What is meant to differ is a row of `MEANT`, with its reason, and only in the one way that is meant.
Nothing here talks to a cluster; `test_parity` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

_OF_THE_SERVER = ("resourceVersion", "creationTimestamp", "managedFields", "namespace")
_PLAIN_KEY = re.compile(r"\w+")


class Way(Enum):
    """In which way a value may differ."""

    ONLY_OURS = "ours has it, batch/v1's has not"
    ONLY_THEIRS = "batch/v1's has it, ours has not"
    EACH_ITS_OWN = "both have it, with values of their own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A difference that is meant.

    Attributes:
        path: Which paths, as a pattern for the whole of one.
    """

    path: str
    way: Way
    why: str

    def covers(self, path: str, ours: str | None, theirs: str | None) -> bool:
        """Whether this difference is the one that is meant."""
        sides = (ours is not None, theirs is not None)
        wanted = (self.way is not Way.ONLY_THEIRS, self.way is not Way.ONLY_OURS)
        return sides == wanted and re.fullmatch(self.path, path) is not None


MEANT = (
    Meant(
        path=r"metadata\.ownerReferences\[0 [^]]+\]\.(apiVersion|kind|uid)",
        way=Way.EACH_ITS_OWN,
        why="each Job belongs to the object that it was made for; that its name is the same, and the flags, counts",
    ),
    Meant(
        path=r"metadata\.labels\[dcron\.io/(uid|name)\]",
        way=Way.ONLY_OURS,
        why="the controller selects its Jobs by a label, so that no list reads the others",
    ),
    Meant(
        path=r"metadata\.labels\[(batch\.kubernetes\.io/)?(controller-uid|job-name)\]",
        way=Way.ONLY_THEIRS,
        why="the API server shows a Job without labels with those of its pods; ours has labels, and these it "
        "could not know before it is created",
    ),
    Meant(
        path=r"metadata\.annotations\[dcron\.io/(scheduled-at|fired-by|trigger|generation)\]",
        way=Way.ONLY_OURS,
        why="they tell which firing the Job stands for, and who fired it",
    ),
    Meant(
        path=r"spec\.template\.spec\.(initContainers|containers)\[\d+ [\w-]+\]\.env\[\d+ "
        r"DCRON_(SCHEDULED_AT|PREVIOUS_SCHEDULED_AT|NEXT_SCHEDULED_AT|LAST_SUCCESSFUL_AT|NAME)\]\.(name|value)",
        way=Way.ONLY_OURS,
        why="containers learn the instant and the data interval; a variable of the author's is never replaced",
    ),
)


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """One line for each difference between two Jobs that is not meant; what became of them afterwards does not count.

    Args:
        ours: As the API server holds it.
        theirs: Likewise, made by batch/v1.
    """
    mine, other = _table(ours), _table(theirs)
    return [
        f"{path}: ours has {_told(mine.get(path))}, batch/v1's has {_told(other.get(path))}"
        for path in sorted({*mine, *other})
        if mine.get(path) != other.get(path)
        and not any(meant.covers(path, mine.get(path), other.get(path)) for meant in MEANT)
    ]


def _table(job: Mapping[str, Any]) -> dict[str, str]:
    """All values of a Job by their paths. Its own name and UID, wherever they stand, are told as such."""
    meta = {key: value for key, value in job["metadata"].items() if key not in _OF_THE_SERVER}
    known = {meta["name"]: "(the name of the Job)", meta["uid"]: "(the UID of the Job)"}
    body = {key: value for key, value in job.items() if key != "status"} | {"metadata": meta}
    return {path: known.get(str(value), repr(value)) for path, value in _leaves("", body)}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a value is made of. Something empty counts as a value: `emptyDir: {}` is not nothing."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            step = f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{key}]"
            yield from _leaves((path + step).removeprefix("."), inner)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            name = inner.get("name") if isinstance(inner, Mapping) else None
            yield from _leaves(f"{path}[{index}{f' {name}' if name else ''}]", inner)
    else:
        yield path, value


def _told(value: str | None) -> str:
    return "nothing" if value is None else value

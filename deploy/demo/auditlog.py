"""The API server's own record of writes: which Jobs it made, and when, to the microsecond."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SUCCESS = range(200, 300)
_CUT_OFF = 504
"""Recorded of a create whose client died before the answer, whether the Job was made or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A Job that was made.

    Attributes:
        at: When the API server had answered the request.
        sure: Otherwise the Job may have been made or not.
    """

    namespace: str
    name: str
    at: datetime
    sure: bool = True


class AuditLog:
    """Reads the file as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def take(self) -> Iterator[Creation]:
        """The creations of Jobs that were written since the last call."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    return  # still being written
                self._offset += len(line)
                if b'"resource":"jobs"' in line and (found := _creation(json.loads(line))):
                    yield found


def _creation(entry: Mapping[str, Any]) -> Creation | None:
    where = entry["objectRef"]
    code = entry["responseStatus"]["code"]
    made = entry["verb"] == "create" and (code in _SUCCESS or code == _CUT_OFF)
    if not made or "subresource" in where or "dryRun" in entry["requestURI"]:
        return None
    return Creation(
        namespace=where["namespace"],
        name=where["name"],
        at=datetime.fromisoformat(entry["stageTimestamp"]),
        sure=code in _SUCCESS,
    )

"""The emergency pause of a whole installation: a file that says `true` or `false`, read again every few seconds.

The environment of a pod cannot change while it runs; a ConfigMap that is mounted as a file does, within a minute or so.
Each replica sees it in its own time. That does no harm: while it is paused a replica creates no Job and leaves what is
due open, as if it were not there; so whoever sees the end of the pause first goes on where all have stopped.

A file that cannot be read, or says something else, changes nothing: what held before holds on, and that is said.
`replica` rests and goes on; `events`, `metrics` and `health` tell of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from controller.messages import EventType
from controller.ports import Clock

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=2)
_WORDS = {"true": True, "false": False}
_SHOWN_CHARACTERS = 20

Tell = Callable[[EventType, str, str], None]
"""Takes the type, the reason and the message of an Event."""


class EmergencyPause:
    """The pause as one replica sees it.

    Args:
        file: What says whether everything is paused; None: it stays as it is at the start.
        paused: Whether it is at the start, as long as the file says nothing.
        clock: The time.
        apply: Takes whether everything is paused, at the first look and whenever that changes.
        tell: Publishes an Event.

    Attributes:
        trouble: Why the file is of no use, in a sentence; None: it is well.
    """

    def __init__(
        self, file: str | None, *, paused: bool, clock: Clock, apply: Callable[[bool], None], tell: Tell
    ) -> None:
        self._file = None if file is None else Path(file)
        self._paused = paused
        self._clock = clock
        self._apply = apply
        self._tell = tell
        self._told: bool | None = None
        self.trouble: str | None = None

    async def run(self) -> NoReturn:
        """Look for ever."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Read the file, and do and tell what has changed since the last look."""
        before, self.trouble = self.trouble, None
        if self._file is not None:
            self._read(self._file)
        if self.trouble is not None and self.trouble != before:
            logger.warning("the file of the emergency pause is of no use", extra={"reason": self.trouble})
        if self._paused != self._told:
            self._apply(self._paused)
            self._tell_change()
            self._told = self._paused

    def _read(self, file: Path) -> None:
        stays = f"it stays {'paused' if self._paused else 'not paused'}"
        try:
            text = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            self.trouble = f"{file} cannot be read: {error}; {stays}"
            return
        if text.lower() in _WORDS:
            self._paused = _WORDS[text.lower()]
        else:
            self.trouble = f"{file} says {text[:_SHOWN_CHARACTERS]!r}, neither true nor false; {stays}"

    def _tell_change(self) -> None:
        if self._paused:
            logger.warning("everything is paused", extra={"file": str(self._file or "")})
            message = "Everything is paused: this replica creates no Job. What is due stays open until the pause ends."
            self._tell(EventType.WARNING, "Paused", message)
        elif self._told:
            logger.warning("the pause is over", extra={"file": str(self._file or "")})
            message = "The pause is over: this replica fires again, what was due meanwhile by each catchUpPolicy."
            self._tell(EventType.NORMAL, "Resumed", message)

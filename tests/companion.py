"""Something that goes on in a thread of its own beside a test, from the begin of a `with` to its end."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self


class Companion(ABC):
    """Runs in its own thread until its end; a context manager.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Go on until `_ended` is set."""

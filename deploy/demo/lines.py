"""The demo where nobody looks at a terminal: one plain line a firing, no control codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from deploy.demo.scene import WAITS, lateness

if TYPE_CHECKING:
    from deploy.demo.evidence import Firing
    from deploy.demo.scene import Scene


class Lines:
    """A screen that only prints."""

    def __init__(self) -> None:
        self._introduced = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def say(self, text: str) -> None:
        """A line by itself."""
        print(text, flush=True)

    def fired(self, label: str, firing: Firing) -> None:
        """Object, instant, node, lateness."""
        instant = f"{firing.instant:%H:%M:%S}" if firing.instant else "no instant"
        print(f"{label:<20} {instant}  {firing.node:<12} {lateness(firing.lateness):>8} late", flush=True)

    def show(self, scene: Scene) -> None:
        """Once, what will not fire during the demo, as soon as it is known until when; the lines tell the rest."""
        idle = [row for row in scene.rows if not row.in_all]
        if self._introduced or any(row.note == WAITS for row in idle):
            return
        self._introduced = True
        for row in idle:
            print(f"{row.label:<20} {row.schedule}: {row.note}", flush=True)

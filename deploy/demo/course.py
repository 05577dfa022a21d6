"""The course of the demo on a running playground: apply, follow, kill one replica half-way, count."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from deploy.demo.record import Record
from deploy.demo.scene import Scene
from deploy.demo.verdict import Kill, Verdict, judge
from deploy.local.replica import PROJECT

if TYPE_CHECKING:
    from deploy.demo.scene import Screen
    from deploy.local.playground import Playground

APPLIED = (PROJECT / "deploy" / "examples", PROJECT / "deploy" / "demo" / "schedules.yaml")

_LOOK_SECONDS = 0.1
# Instants in the last seconds are left out of the count: their Jobs may still be on their way.
_IN_FLIGHT = timedelta(seconds=3)
# What the operator promises for a hand-over. An instant with a shorter deadline, due about the time of the kill, may be
# missed as its author asked. The kill waits for a moment at which that cannot be, but not for ever.
_HAND_OVER = timedelta(seconds=8)
_PATIENCE = timedelta(seconds=10)
_BEFORE = timedelta(seconds=1)


class Course:
    """One run of the demo.

    Args:
        playground: The running parts; one of its replicas is dead at the end.
        screen: Where it is shown.
        whole: How long it takes, from the moment when all objects are applied.
    """

    def __init__(self, playground: Playground, screen: Screen, whole: timedelta) -> None:
        self._playground = playground
        self._screen = screen
        self._whole = whole
        self._kill: Kill | None = None

    def run(self) -> Verdict:
        """Play it to its end, and count.

        Raises:
            LocalError: It could not be played, or not be watched without a gap.
        """
        with Record(self._playground.cluster) as record:
            self._apply()
            began = datetime.now(UTC)
            while (now := datetime.now(UTC)) < began + self._whole:
                self._look(record, now, began)
                time.sleep(_LOOK_SECONDS)
            record.read_objects()
            record.refresh(now)
            until = now - _IN_FLIGHT
            disagreements = record.disagreements(before=until)
            return judge(record.objects, record.firings, disagreements, until=until, kill=self._kill)

    def _apply(self) -> None:
        files = [argument for path in APPLIED for argument in ("--filename", str(path))]
        self._playground.cluster.kubectl("apply", *files)

    def _look(self, record: Record, now: datetime, began: datetime) -> None:
        fresh = record.refresh(now)
        labels = {found.uid: found.label for found in record.objects}
        for firing in fresh:
            self._screen.fired(labels.get(firing.object_uid, firing.job), firing)
        half = began + self._whole / 2
        if self._kill is None and now >= half and (_may_kill(record, now) or now >= half + _PATIENCE):
            self._kill = self._kill_one(record)
        nodes = {replica.name: replica.process.is_running() for replica in self._playground.replicas}
        scene = Scene.of(record.objects, record.firings, nodes, self._kill, now=now, began=began, whole=self._whole)
        self._screen.show(scene)

    def _kill_one(self, record: Record) -> Kill:
        """Kill the replica that has fired most: it surely serves some objects."""
        fired = Counter(firing.node for firing in record.firings)
        victim = max(self._playground.replicas, key=lambda replica: fired[replica.name])
        served = tuple(found.label for found in record.objects if found.owner == victim.name)
        at = datetime.now(UTC)
        victim.kill()
        self._screen.say(f"{at:%H:%M:%S} KILLED {victim.name} with kill -9; it served {', '.join(served)}")
        return Kill(node=victim.name, at=at, objects=served)


def _may_kill(record: Record, now: datetime) -> bool:
    """Whether no instant about now has a deadline that the hand-over could miss."""
    tight = [found for found in record.objects if found.deadline is not None and found.deadline < _HAND_OVER]
    return not any(
        instant > now - _BEFORE
        for found in tight
        if found.deadline is not None
        for instant in found.due(now + _HAND_OVER - found.deadline)
    )

"""The authors: a thousand objects at first, and then one created, edited or deleted every 0.6 s, 100 a minute.

As many are created as deleted, so that the number stays. Every other new one takes the name of the one deleted just
before it. Every other edit moves the schedule, the others change the Pod template alone.

Each object fires every 30 seconds, or every 60. One in ten does so together with the others of its kind, the rest at
seconds of their own: a burst, and a steady stream.
"""

from __future__ import annotations

import itertools
import random
import time
import urllib.error
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tests.cluster.team import Team, cron_job
from tests.companion import Companion

EVERY_SECONDS = 0.6
_BATCH = 100
_PATH = "/apis/dcron.io/v1/namespaces/{}/distributedcronjobs"


def schedule(number: int, period: int) -> str:
    """Every 30 or 60 seconds: one in ten together, the others spread over all seconds."""
    second = 0 if number % 10 == 0 else number % period
    return f"{second}/{period} * * * * *" if period < 60 else f"{second} * * * * *"


def made(name: str, number: int, period: int) -> dict[str, Any]:
    """An object whose Jobs end without Pods, and of which the history keeps one: the cluster stays small."""
    limits: dict[str, Any] = {"successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 1}
    return cron_job(name, schedule(number, period), job={"completions": 0, "ttlSecondsAfterFinished": 300}, **limits)


class Churn(Companion):
    """Changes objects in a thread of its own until its end; a context manager.

    Args:
        team: The namespace.
        objects: How many there are.
        period: Seconds between two firings of one.
        seed: Of what is chosen.
    """

    def __init__(self, team: Team, objects: int, period: int, seed: int = 0) -> None:
        super().__init__("churn")
        self.done: Counter[str] = Counter()
        self._team = team
        self._period = period
        self._path = _PATH.format(team.namespace)
        self._random = random.Random(seed)
        self._numbers = itertools.count(objects)
        self._names = [f"object-{number}" for number in range(objects)]
        self._deleted: str | None = None

    def create_all(self) -> None:
        """Create the objects there are at first."""
        for first in range(0, len(self._names), _BATCH):
            names = self._names[first : first + _BATCH]
            self._team.apply(*(made(name, first + number, self._period) for number, name in enumerate(names)))

    def _run(self) -> None:
        acts = itertools.cycle((self._edit, self._delete, self._create))
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += EVERY_SECONDS
            act = next(acts)
            try:
                act()
            except urllib.error.HTTPError as error:
                self.done[f"refused with {error.code}"] += 1
            except OSError as error:
                self.done[f"failed: {type(error).__name__}"] += 1

    def _create(self) -> None:
        number = next(self._numbers)
        name = self._deleted if self._deleted is not None and number % 2 else f"object-{number}"
        self._deleted = None
        self._call("POST", self._path, made(name, number, self._period))
        self._names.append(name)
        self.done["created"] += 1

    def _delete(self) -> None:
        name = self._names.pop(self._random.randrange(len(self._names)))
        self._call("DELETE", f"{self._path}/{name}")
        self._deleted = name
        self.done["deleted"] += 1

    def _edit(self) -> None:
        name = self._random.choice(self._names)
        moved = schedule(self._random.randrange(self._period), self._period)
        change = _of_schedule(moved) if self.done["edited"] % 2 else _of_template(str(self.done["edited"]))
        while not self._ended.is_set():
            body = self._call("GET", f"{self._path}/{name}")
            change(body["spec"])
            try:
                self._call("PUT", f"{self._path}/{name}", body)
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.CONFLICT:  # else its status was written meanwhile
                    raise
            else:
                self.done["edited"] += 1
                return

    def _call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._team.control_plane.api.call(verb, path, body)


def _of_schedule(text: str) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        spec["schedule"] = text

    return change


def _of_template(value: str) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        spec["jobTemplate"]["spec"]["template"].setdefault("metadata", {})["annotations"] = {"edit": value}

    return change

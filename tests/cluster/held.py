"""Jobs that stay unfinished until a test ends them: no pod runs, and no test rests on how long one takes.

A Job without parallelism is active and makes no pod. Given one, it completes; given a deadline, it fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.cluster.team import Team, finished

HELD: dict[str, Any] = {"parallelism": 0}
"""In the spec of a Job that stays unfinished."""
AT_ONCE: dict[str, Any] = {"completions": 0}
"""In the spec of a Job that is complete as soon as it is made: where the Job itself does not matter."""


def unfinished(jobs: Iterable[dict[str, Any]]) -> list[str]:
    """The names of those Jobs that have not ended."""
    listed = list(jobs)
    ended = {job["metadata"]["name"] for job in finished(listed)}
    return [job["metadata"]["name"] for job in listed if job["metadata"]["name"] not in ended]


def complete(team: Team, *names: str) -> None:
    """Let held Jobs come to a good end."""
    _patch(team, names, parallelism=1)


def fail(team: Team, *names: str) -> None:
    """Let held Jobs fail."""
    _patch(team, names, activeDeadlineSeconds=1)


def _patch(team: Team, names: Iterable[str], **spec: Any) -> None:
    team.kubectl("patch", "job", *names, "--type=merge", "--patch", json.dumps({"spec": spec}))

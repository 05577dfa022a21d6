"""What an author does to a CronJob of batch/v1 to make it ours, and what the tests do to make it fire.

It edits texts and not values, as `sed` in the author's hands: what YAML makes of `0.5` or of an anchor is then
kubectl's business, for both kinds alike. It never looks into the Job's template. `likeness` compares what comes of it.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import yaml

MANIFESTS = sorted((Path(__file__).parent / "manifests").iterdir())
"""CronJobs of batch/v1 of all shapes, one a file; each begins with a comment that says which."""

# Written as YAML or as JSON; the first of its kind in the text, which is the object's own.
_API_VERSION = re.compile(r'^(\W*apiVersion"?: *"?)batch/v1\b', re.MULTILINE)
_KIND = re.compile(r'^(\W*kind"?: *"?)CronJob\b', re.MULTILINE)
_NAME = re.compile(r'^(  name: *|  "metadata": \{"name": ")([a-z0-9.-]+)', re.MULTILINE)
_SCHEDULE = re.compile(r"""^((?:  |    ")schedule"?: *)(['"]?)[^'"\n]+\2""", re.MULTILINE)
_SUSPENDED = re.compile(r"^(  suspend: *)true\b", re.MULTILINE)


def converted(text: str) -> str:
    """The same manifest as a DistributedCronJob: `apiVersion` and `kind` are changed, and nothing else."""
    return _changed(_KIND, r"\g<1>DistributedCronJob", _changed(_API_VERSION, r"\g<1>dcron.io/v1", text))


def firing_at(instant: datetime, text: str) -> str:
    """The same manifest with a schedule that fires at this minute and not soon again, whatever zone it is in.

    All zones are some quarters of an hour away from each other.
    """
    return _changed(_SCHEDULE, rf'\g<1>"{instant.minute % 15}-59/15 * * * *"', text)


def is_suspended(text: str) -> bool:
    """Whether the object is made suspended. A Job's `suspend` stands further to the right."""
    return _SUSPENDED.search(text) is not None


def resumed(text: str) -> str:
    """A twin of a suspended object, which is not; its name says so."""
    return _changed(_NAME, r"\g<0>-resumed", _changed(_SUSPENDED, r"\g<1>false", text))


def name_of(text: str) -> str:
    """The object's name."""
    (body,) = (body for body in yaml.safe_load_all(text) if body)
    return str(body["metadata"]["name"])


def together(texts: list[str]) -> str:
    """Several manifests as one stream."""
    return "\n---\n".join(texts)


def _changed(pattern: re.Pattern[str], by: str, text: str) -> str:
    """The text with the first place changed that the pattern finds; there must be one."""
    new, places = pattern.subn(by, text, count=1)
    if not places:
        raise ValueError(f"nothing there like {pattern.pattern}")
    return new

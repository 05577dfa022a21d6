"""A long run judged window by window comes to what it would come to as a whole, and keeps little."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.checker.by_hand import UID, at, history, job, text
from tests.checker.notebook import Notebook
from tests.checker.verdicts import Kind
from tests.soak.windows import Fired, Windows

MINUTES = 9
EVERY = 30
WINDOW = 120
INSTANTS = range(EVERY, MINUTES * 60, EVERY)


def seen_object(through: int) -> dict[str, Any]:
    """An object that fires every 30 seconds, and has settled all up to a second."""
    due = through // EVERY
    return {
        "metadata": {
            "uid": UID,
            "namespace": "team",
            "name": "report",
            "generation": 1,
            "creationTimestamp": text(0),
            "resourceVersion": "7",
        },
        "spec": {"schedule": "*/30 * * * * *"},
        "status": {
            "settledThrough": text(through),
            "counts": {"due": due, "created": due},
            "recent": [{"scheduledAt": text(through), "reason": "Created"}],
            "owner": "north",
        },
    }


def seen_job(second: int, uid: str) -> dict[str, Any]:
    """The Job of an instant."""
    return {
        "metadata": {
            "uid": uid,
            "namespace": "team",
            "name": name(second),
            "annotations": {"dcron.io/scheduled-at": text(second), "dcron.io/generation": "1"},
            "ownerReferences": [{"kind": "DistributedCronJob", "uid": UID, "controller": True}],
        },
        "status": {"conditions": [{"type": "Complete", "status": "True"}]},
    }


def name(second: int) -> str:
    return f"report-{at(second):%Y%m%d%H%M%S}-0a1b2c3d4e"


def line(verb: str, second: float, of: int) -> str:
    """A line of the audit log."""
    return json.dumps(
        {
            "verb": verb,
            "requestURI": "/apis/batch/v1/namespaces/team/jobs",
            "userAgent": "dcron-controller",
            "objectRef": {"resource": "jobs", "apiGroup": "batch", "namespace": "team", "name": name(of)},
            "responseStatus": {"code": 201 if verb == "create" else 200},
            "stageTimestamp": at(second).isoformat(),
        },
        separators=(",", ":"),
    )


def judged(folder: Path, *, without: Iterable[int] = (), again: int | None = None) -> tuple[Windows, Notebook]:
    """A run of 9 minutes in which each Job is deleted 40 s after its instant.

    Args:
        without: Instants, in seconds, that get no Job.
        again: An instant that gets a second Job in the last minute.
    """
    notebook, log = Notebook(), folder / "audit.jsonl"
    log.touch()
    windows = Windows(notebook, log, "team", folder / "reports", at(5))
    notebook.note_object(seen_object(0), at(0))
    moments: list[tuple[float, str, int]] = []
    for second in INSTANTS:
        if second not in without:
            moments += [(second + 0.05, "create", second), (second + 40, "delete", second)]
        moments.append((second + 0.5, "settle", second))
    if again is not None:
        moments.append((INSTANTS[-1] + 1, "create", again))
    end = WINDOW + 5
    for moment, what, second in sorted(moments):
        if moment > end + 15:
            windows.judge(at(end), at(end + 15))
            end += WINDOW
        if what == "settle":
            notebook.note_object(seen_object(second), at(moment))
            continue
        uid = f"{second} of {int(moment) if what == 'create' else second}"
        notebook.note_job(seen_job(second, uid), at(moment + 0.01), gone=what == "delete")
        with log.open("a") as lines:
            lines.write(line(what, moment, second) + "\n")
    windows.judge(at(INSTANTS[-1] + 5), at(INSTANTS[-1] + 30))
    return windows, notebook


def test_a_clean_run_is_clean_in_each_window_and_little_is_kept(tmp_path: Path) -> None:
    windows, notebook = judged(tmp_path)
    assert (windows.complaints, windows.windows) == ([], 5)
    assert windows.kinds == {Kind.OK: len(INSTANTS)}
    assert max(windows.late) < 0.1
    assert len(notebook.jobs()) < 6
    assert len(notebook.objects()[0].told) < 6


def test_a_missed_instant_is_told_in_its_window(tmp_path: Path) -> None:
    windows, _ = judged(tmp_path, without={210})
    assert windows.kinds[Kind.MISSED] == 1
    assert any("12:03:30" in complaint for complaint in windows.complaints)


def test_a_second_job_long_after_the_window_of_the_first_is_told(tmp_path: Path) -> None:
    windows, _ = judged(tmp_path, again=30)
    assert [complaint for complaint in windows.complaints if complaint.startswith("S1")] == [
        f"S1 team/{name(30)}: its instant had a Job in an earlier window"
    ]


def test_only_jobs_of_the_window_count_as_fired() -> None:
    fired = Fired()
    first, second = (
        replace(history([job(1)]), began=at(begin), until=at(begin + 10), ended=at(begin + 20)) for begin in (0, 10)
    )
    assert fired.again(first) == []
    assert fired.again(second) == []
    late = replace(second, jobs=[job(1, late=12)])
    assert fired.again(late) == [f"S1 team/{job(1).name}: its instant had a Job in an earlier window"]
    assert len(fired) == 1

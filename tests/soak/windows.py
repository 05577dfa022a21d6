"""The checker over a long run: window by window, so that neither its memory nor the log bound the run.

A window is judged when all that is due in it must have happened. Then what no later window needs is forgotten, but for
which instants got their Job: a second Job for one of them is seen however much later it comes.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.checker import evidence, report
from tests.checker.audit import Reading
from tests.checker.history import Fault, History
from tests.checker.notebook import Notebook
from tests.checker.rules import Judgment, judge
from tests.checker.verdicts import Kind
from tests.checker.words import clock

BUSY = timedelta(seconds=8)
"""How late a firing may be here: what is measured shares its machine with the control plane, the authors and the
checker, and a thousand objects are due at one instant. It stands in for D; the real lateness is told beside it."""
LENGTH = timedelta(minutes=2)
RIPE = BUSY + timedelta(seconds=7)
"""So long after its end a window is judged: then each instant has its Job and is settled, and the watch has seen it."""
CONTEXT = timedelta(minutes=1)
"""So much of what was before a window is kept for its rules."""


class Fired:
    """Which instants got a Job in windows that are forgotten: a few bytes each."""

    def __init__(self) -> None:
        self._instants: defaultdict[str, set[int]] = defaultdict(set)

    def again(self, run: History) -> list[str]:
        """The Jobs of this window for instants that had one in a window before; then these are remembered too."""
        fresh = [job for job in run.jobs if job.trigger.of_schedule and job.instant is not None]
        fresh = [job for job in fresh if run.began < job.created_at <= run.until]
        found = []
        for job in fresh:
            instants, second = self._instants[job.owner_uid], int(job.instant.timestamp()) if job.instant else 0
            if second in instants:
                found.append(f"S1 {job.namespace}/{job.name}: its instant had a Job in an earlier window")
            instants.add(second)
        return found

    def __len__(self) -> int:
        return sum(map(len, self._instants.values()))


class Windows:
    """Judges one namespace.

    Args:
        notebook: Of a watch from before the first object on.
        log: The audit log.
        folder: For reports of windows that are not valid.
        began: The begin of the first window.
    """

    def __init__(self, notebook: Notebook, log: Path, namespace: str, folder: Path, began: datetime) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.late = array("d")
        self.complaints: list[str] = []
        self.windows = 0
        self.began = self.until = began
        self._notebook = notebook
        self._reading = Reading(log, namespace)
        self._folder = folder
        self._fired = Fired()

    @property
    def next_end(self) -> datetime:
        """The end of the next whole window."""
        return self.until + LENGTH

    def is_ripe(self, now: datetime) -> bool:
        """Whether another whole window can be judged."""
        return now >= self.next_end + RIPE

    def judge(self, until: datetime, ended: datetime, faults: Sequence[Fault] = ()) -> str:
        """Judge from the end of the last window up to a moment; gives a line about it.

        Args:
            until: The end of the window.
            ended: Now: when the evidence ends.
            faults: For the timeline of a window that is not valid; they excuse nothing here.
        """
        record = self._reading.go_on()
        run = evidence.history(
            self._notebook, record, began=self.until, until=until, ended=ended, faults=[*map(_excusing_nothing, faults)]
        )
        judgment = judge(replace(run, calm=BUSY))
        again = self._fired.again(run)
        self.windows += 1
        self._count(judgment, again)
        self.until = until
        self._notebook.forget(until - CONTEXT)
        self._reading.forget(until - CONTEXT, keep={(job.namespace, job.name) for job in self._notebook.jobs()})
        return f"{clock(run.began)} to {clock(until)} {report.headline(judgment)}"

    def _count(self, judgment: Judgment, again: list[str]) -> None:
        for verdict in judgment.verdicts:
            self.kinds[verdict.kind] += 1
            if verdict.lateness is not None:
                self.late.append(verdict.lateness.total_seconds())
        fresh = [one for one in (*judgment.complaints, *again) if one not in self.complaints]
        self.complaints += fresh
        if fresh:
            report.write(judgment, self._folder / f"window-{self.windows:02}")


def _excusing_nothing(fault: Fault) -> Fault:
    return replace(fault, within=timedelta(0))

"""Holds a run on the real control plane against every rule: the checker, with a watch of one namespace.

A run that is not valid leaves its report and its timeline in the test's folder, and the failure names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.checker import audit, evidence, report
from tests.checker.history import Fault
from tests.checker.rules import Judgment, judge
from tests.checker.watch import ApiSource, Watch
from tests.cluster.team import Team, now

BEFORE, AFTER = timedelta(seconds=1), timedelta(seconds=3)
"""How much of the calm on both sides of what happens is looked at too."""
_RESTING = ("Completed", "CircuitOpen")
"""Conditions of an object that fires no more."""
_SAID = 12
"""So many complaints stand in the failure; the report has them all."""


def watching(team: Team) -> Watch:
    """A watch of a namespace; it must begin before its first object is applied."""
    return Watch(ApiSource(team.control_plane.api), team.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Judges what happens in one namespace.

    Attributes:
        folder: Of the test.
    """

    team: Team
    watch: Watch
    folder: Path

    def hold(
        self, since: datetime, *faults: Fault, until: datetime | None = None, only: Iterable[str] | None = None
    ) -> Judgment:
        """Assert that the run is valid from shortly before a moment on until now and a little more; gives the judgment.

        Args:
            since: When something was about to happen.
            faults: What was done, and for how long it excuses lateness.
            until: The last instant that is judged; now and a little more, if not given.
            only: Names of the objects that are judged; None: all.
        """
        until = until or now() + AFTER
        self._wait_until_settled(until)
        record = audit.read(self.team.control_plane.audit_log, self.team.namespace)
        run = evidence.history(
            self.watch.notebook, record, began=since - BEFORE, until=until, ended=now(), faults=faults, only=only
        )
        judgment = judge(run)
        if not judgment.valid:
            path = report.write(judgment, self.folder)
            lines = "\n".join(judgment.complaints[:_SAID])
            raise AssertionError(
                f"{report.headline(judgment)}\n{lines}\nreport: {path}\ntimeline: {path.with_name(report.PICTURE)}"
            )
        return judgment

    def _wait_until_settled(self, until: datetime) -> None:
        """Of an object that fires no more, the ledger stands still."""
        things = self.team.cron_jobs()
        resting = {
            found["metadata"]["name"]
            for found in things
            for told in found.get("status", {}).get("conditions", ())
            if told["type"] in _RESTING and told["status"] == "True"
        }
        names = {found["metadata"]["name"] for found in things} - resting
        self.team.wait_until_settled(until, *names, seconds=60)


def sudden(what: str, at: datetime, seconds: float) -> Fault:
    """A fault of a moment, which excuses lateness for so long."""
    return Fault(what=what, since=at, until=at, within=timedelta(seconds=seconds))


def lasting(what: str, since: datetime, until: datetime, seconds: float) -> Fault:
    """A fault that lasts; it excuses lateness for so long after its begin and after its end."""
    return replace(sudden(what, since, seconds), until=until)

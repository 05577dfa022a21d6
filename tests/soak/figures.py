"""What the soak came to: the figures as values, and as lines for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.checker.verdicts import Kind
from tests.soak.samples import Sample
from tests.soak.slope import Slope, lives

GOAL_MB_PER_HOUR = 1.0
CALM_SECONDS = 2.0
"""D of the invariants: how late a firing may be on a machine that does nothing else."""
_LISTED = 20
_AT_FIRST = 60.0
"""Seconds into its life at which a replica's file descriptors and tasks are first told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """From an instant until its Job was made, in seconds, by the API server's own record.

    Attributes:
        over_calm: How many were later than D.
    """

    firings: int
    p50: float
    p99: float
    worst: float
    over_calm: int

    @classmethod
    def of(cls, late: Sequence[float]) -> Lateness:
        """The lateness of all firings."""
        ranked = sorted(late) or [0.0]
        p50, p99 = (ranked[min(len(ranked) - 1, int(len(ranked) * share))] for share in (0.5, 0.99))
        over = sum(seconds > CALM_SECONDS for seconds in ranked)
        return cls(firings=len(late), p50=p50, p99=p99, worst=ranked[-1], over_calm=over)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that is told.

    Attributes:
        period: Seconds between two firings of an object.
        churn: How many objects were created, edited, deleted.
        restarts: How many.
        unasked: Replicas that ended otherwise, in sentences.
        windows: How many the checker judged.
        verdicts: By kind.
        complaints: Of the checker, in sentences.
        slopes: The longest first.
        cores: By process, how many processor cores it used on average.
        load: The machine's load average at the end.
    """

    minutes: float
    objects: int
    period: int
    kept: str
    churn: Mapping[str, int]
    restarts: int
    unasked: Sequence[str]
    windows: int
    verdicts: Mapping[Kind, int]
    complaints: Sequence[str]
    lateness: Lateness
    slopes: Sequence[Slope]
    samples: Sequence[Sample]
    cores: Mapping[str, float]
    load: float

    @property
    def slope(self) -> Slope | None:
        """Of the kept replica; None: the run was too short."""
        return next((slope for slope in self.slopes if slope.node == self.kept), None)

    @property
    def passed(self) -> bool:
        """Whether the verdict is clean, no replica ended by itself, and memory keeps its goal."""
        grows = self.slope is not None and self.slope.mb_per_hour > GOAL_MB_PER_HOUR
        return not self.complaints and not self.unasked and not grows and bool(self.lateness.firings)

    def lines(self) -> Iterator[str]:
        """The summary."""
        yield f"{'PASSED' if self.passed else 'FAILED'} after {self.minutes:.0f} minutes"
        churn = ", ".join(f"{number} {what}" for what, number in self.churn.items())
        yield f"objects    {self.objects}, each every {self.period} s; {churn}"
        counts = ", ".join(f"{number} {kind}" for kind, number in self.verdicts.items())
        yield f"instants   {sum(self.verdicts.values())} judged in {self.windows} windows: {counts}"
        yield f"complaints {len(self.complaints)}"
        yield from (f"  {complaint}" for complaint in self.complaints[:_LISTED])
        late = self.lateness
        times = f"p50 {late.p50:.2f} s, p99 {late.p99:.2f} s, worst {late.worst:.2f} s"
        yield f"lateness   {times}; {late.over_calm} of {late.firings} later than D = {CALM_SECONDS:g} s"
        yield f"memory     {self._memory()}"
        yield from (f"  {_told(slope)}" for slope in self.slopes[1:])
        yield from (f"counts     {line}" for line in _counts(self.samples, self.kept))
        yield f"restarts   {self.restarts} asked for, {len(self.unasked)} others"
        yield from (f"  {one}" for one in self.unasked)
        cores = ", ".join(f"{name} {share:.2f}" for name, share in self.cores.items())
        yield f"cores      {cores}; load average {self.load:.1f}"

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, default=str) + "\n")

    def _memory(self) -> str:
        if self.slope is None:
            return f"the run was too short to tell a slope of {self.kept}"
        return f"{_told(self.slope)} (goal: at most {GOAL_MB_PER_HOUR:g})"


def _told(slope: Slope) -> str:
    line = f"{slope.mb_per_hour:+.2f} MB an hour, standard error {slope.error:.2f}"
    if slope.blocks_per_hour is not None:
        line += f", {slope.blocks_per_hour:+.0f} blocks"
    return f"{slope.node} {line}, over {slope.seconds / 60:.0f} minutes at {slope.mean_mb:.1f} MB"


def _counts(samples: Sequence[Sample], kept: str) -> Iterator[str]:
    """File descriptors and tasks of the kept replica, and the most that any life of the others had."""
    for life in lives(samples):
        if life[0].node == kept:
            first = next((one for one in life if one.seconds - life[0].seconds >= _AT_FIRST), life[0])
            last = life[-1]
            most = f"at most {max(one.fds for one in life)} and {max(one.tasks or 0 for one in life)}"
            yield (
                f"{kept}: {first.fds} descriptors and {first.tasks} tasks at the begin, "
                f"{last.fds} and {last.tasks} at the end, {most}"
            )
    others = [one for one in samples if one.node != kept]
    if others:
        fds, tasks = max(one.fds for one in others), max(one.tasks or 0 for one in others)
        yield f"others: at most {fds} descriptors and {tasks} tasks"

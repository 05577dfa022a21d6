"""What `herd` shows: how many Jobs the schedules make in each minute to come, who they are, and what `H` would change.

Objects that share a schedule and a jitter fire together, so each schedule is computed once. What fires nothing by
itself (suspended, completed, not ready) is left out; a pause counts until its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controller import schedule as schedules
from controller.errors import TerminalError
from controller.schedule import Schedule
from plugin.hashing import spread
from plugin.objects import Seen
from plugin.telling import text

MINUTES = 24 * 60
_MINUTE = timedelta(minutes=1)
_MOST = 24 * 60 * 60
"""A schedule fires once a second at most."""
WORST = 10
"""So many minutes are told with who fires in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of the day.

    Attributes:
        who: The objects that fire in it, with how many Jobs, the most first.
    """

    at: datetime
    firings: int
    who: tuple[tuple[str, int], ...]

    def value(self) -> dict[str, Any]:
        """The minute for programs."""
        return {"at": text(self.at), "firings": self.firings, "who": dict(self.who)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """An object that could leave the herd.

    Attributes:
        firings: How many it adds to the worst minutes.
    """

    key: str
    schedule: str
    instead: str
    firings: int

    def value(self) -> dict[str, Any]:
        """The advice for programs."""
        return {"object": self.key, "schedule": self.schedule, "instead": self.instead, "firings": self.firings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Herd:
    """A day.

    Attributes:
        since: The begin of its first minute.
        counts: By minute, how many Jobs are made.
        worst: The fullest minutes, the fullest first.
        advice: What could use H, those first that would help most.
        worst_then: What the fullest minute would be if all of that were done.
        silent: How many objects fire nothing, or cannot.
    """

    since: datetime
    counts: tuple[int, ...]
    worst: tuple[Minute, ...]
    advice: tuple[Advice, ...]
    worst_then: int
    silent: int

    def value(self) -> dict[str, Any]:
        """The day for programs."""
        return {
            "since": text(self.since),
            "counts": list(self.counts),
            "worst": [minute.value() for minute in self.worst],
            "advice": [one.value() for one in self.advice],
            "worstThen": self.worst_then,
            "silent": self.silent,
        }


@dataclass(kw_only=True)
class _Beats:
    """By schedule and delay, the minutes in which it fires: many objects share one."""

    since: datetime
    _known: dict[tuple[int, timedelta, datetime], Counter[int]] = field(default_factory=dict)
    _kept: list[Schedule] = field(default_factory=list)

    def of(self, schedule: Schedule, shift: timedelta, begin: datetime) -> Counter[int]:
        """By minute of the day, how often it fires from `begin` on."""
        asked = (id(schedule), shift, begin)
        if asked not in self._known:
            self._kept.append(schedule)  # so that its id stays its own
            until = self.since + MINUTES * _MINUTE - timedelta(microseconds=1)
            instants = schedule.between(begin - shift - timedelta(microseconds=1), until - shift, limit=_MOST)
            self._known[asked] = Counter(int((at + shift - self.since) / _MINUTE) for at in instants)
        return self._known[asked]


def herd(seen: Iterable[Seen], now: datetime) -> Herd:
    """The day that begins with the next minute."""
    since = now.replace(second=0, microsecond=0) + _MINUTE
    beats, mine, silent = _Beats(since=since), dict[str, Counter[int]](), 0
    loud: dict[str, Seen] = {}
    for one in seen:
        begin = _begin(one, now, since)
        if begin is None or isinstance(one.schedule, TerminalError):
            silent += 1
        else:
            mine[str(one.key)] = beats.of(one.schedule, one.cron_job.shift, begin)
            loud[str(one.key)] = one
    counts = _sum(mine.values())
    fullest = [minute for minute, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WORST]]
    advice, changed = _advise(loud, mine, fullest, beats, since)
    return Herd(
        since=since,
        counts=tuple(counts[minute] for minute in range(MINUTES)),
        worst=tuple(_minute(minute, since, mine) for minute in fullest),
        advice=advice,
        worst_then=max(_sum({**mine, **changed}.values()).values(), default=0),
        silent=silent,
    )


def _begin(seen: Seen, now: datetime, since: datetime) -> datetime | None:
    """From when on an object fires; None if it does not."""
    pause = seen.paused_until
    if not seen.cron_job.spec.suspend and pause is not None and now < pause:
        return max(since, pause)
    return since if seen.silence(now) is None else None


def _sum(counters: Iterable[Counter[int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for one in counters:
        total.update(one)
    return total


def _minute(minute: int, since: datetime, mine: Mapping[str, Counter[int]]) -> Minute:
    who = sorted(
        ((key, beats[minute]) for key, beats in mine.items() if beats[minute]), key=lambda one: (-one[1], one[0])
    )
    return Minute(at=since + minute * _MINUTE, firings=sum(number for _, number in who), who=tuple(who))


def _advise(
    loud: Mapping[str, Seen],
    mine: Mapping[str, Counter[int]],
    fullest: list[int],
    beats: _Beats,
    since: datetime,
) -> tuple[tuple[Advice, ...], dict[str, Counter[int]]]:
    """Who of the fullest minutes could use H, and when they would fire then; one alone in its minute is no herd."""
    crowded = [minute for minute in fullest if sum(bool(one[minute]) for one in mine.values()) > 1]
    found: list[Advice] = []
    changed: dict[str, Counter[int]] = defaultdict(Counter)
    for key, one in loud.items():
        texts = one.cron_job.spec.expressions
        instead, there = tuple(map(spread, texts)), sum(mine[key][minute] for minute in crowded)
        if instead == texts or not there or one.cron_job.spec.jitter_seconds:
            continue
        of = one.cron_job.spec
        schedule = schedules.parse(
            instead,
            of.time_zone,
            start_at=of.start_at,
            end_at=of.end_at,
            hashed_as=key,
            created_at=one.cron_job.created_at,
        )
        changed[key] = beats.of(schedule, timedelta(0), since)
        found.append(Advice(key=key, schedule=" | ".join(texts), instead=" | ".join(instead), firings=there))
    return tuple(sorted(found, key=lambda advice: (-advice.firings, advice.key))), dict(changed)

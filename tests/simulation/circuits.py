"""The circuit: when it opens, what it keeps from firing, and what closes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from controller.outcomes import Trigger
from tests.fakes.happenings import Happening, What
from tests.simulation.course import Course, Violation, condition, instant_of, violation
from tests.simulation.evidence import Told

OBEYED_WITHIN = timedelta(seconds=1)
"""From then on an open circuit must be obeyed."""
SETTLED_WITHIN = timedelta(seconds=2)
"""So long after an end of a Job must be seen, the circuit has opened or closed."""


def circuit_kept(course: Course) -> Iterator[Violation]:
    """While the circuit is open nothing fires; it opens after so many failures in a row, and for nothing else."""
    for opened, closed in _circuits(course):
        end = course.evidence.ended if closed is None else closed
        wish = course.life.wish_at(opened.at)
        if wish is not None and wish.until is not None:
            end = min(end, wish.until)
        for entry in course.creations:
            of_itself = entry.job.trigger is not Trigger.MANUAL
            if of_itself and opened.at + OBEYED_WITHIN < entry.at < end:
                what = f"created at {entry.at:%H:%M:%S.%f}, while the circuit is open"
                yield violation("circuit", course, instant_of(entry.job), what)
        limit = 0 if wish is None else int(wish.spec.get("suspendAfterFailures", 0))
        failures = [one for one in course.history if one.what is What.FINISHED and not one.job.succeeded]
        if not limit or sum(one.at <= opened.at for one in failures) < limit:
            yield violation("circuit", course, opened.at, "open without so many failures")
        yield from _closed_rightly(course, opened, closed)
    yield from _opened_in_time(course)


def _closed_rightly(course: Course, opened: Told, closed: datetime | None) -> Iterator[Violation]:
    """An open circuit is closed by an edit or by a manual run that succeeds, and by nothing else; then in time."""
    edits = [wish.since for wish in course.life.wishes if wish.since > opened.at - OBEYED_WITHIN]
    ends = [
        entry
        for entry in course.history
        if entry.what is What.FINISHED and course.patience.news_by(entry.at) + SETTLED_WITHIN > opened.at
    ]
    successes = [entry.at for entry in ends if entry.job.trigger is Trigger.MANUAL and entry.job.succeeded]
    if closed is not None and not any(at <= closed for at in (*edits, *successes)):
        yield violation("circuit", course, closed, "closed by nobody")
    for at in successes:
        by = course.patience.news_by(at) + SETTLED_WITHIN
        disputed = any(abs(entry.at - at) <= 2 * SETTLED_WITHIN and not entry.job.succeeded for entry in ends)
        over = course.life.ended or course.evidence.ended
        if opened.at < at and by < min([over, *edits]) and not disputed and (closed is None or closed > by):
            yield violation("circuit", course, at, "a manual run has succeeded, and it is still open")
            return


def _opened_in_time(course: Course) -> Iterator[Violation]:
    """Failures in a row, with no edit and no other end near them, open the circuit."""
    ends = [entry for entry in course.history if entry.what is What.FINISHED]
    uncounted = {entry.job.uid for entry in course.creations if course.given_up_beside(entry)}
    for wish in course.life.wishes:
        limit = wish.spec.get("suspendAfterFailures")
        until = wish.until or course.evidence.ended
        if limit is None:
            continue
        row: list[Happening] = []
        for entry in ends:
            if entry.at < wish.since + SETTLED_WITHIN or _deleted_at_once(course, entry):
                continue  # one write may close the edit and count an end that came right after it
            if entry.job.uid in uncounted:
                continue
            row = [*row, entry] if not entry.job.succeeded else []
            by = course.patience.news_by(entry.at) + SETTLED_WITHIN
            if len(row) < limit or by >= until or _near_success(ends, row[-limit:]):
                continue
            if not any(condition(told, "CircuitOpen") and entry.at <= told.at <= by for told in course.told) and (
                condition(course.told_at(entry.at), "CircuitOpen") is not True
            ):
                yield violation("circuit", course, entry.at, f"{len(row)} failures in a row, and it is not open")
                return


def _deleted_at_once(course: Course, entry: Happening) -> bool:
    """Whether a Job was deleted before anybody could have seen its end: under Replace it was on its way."""
    gone = [one.at for one in course.history if one.what is What.DELETED and one.job.uid == entry.job.uid]
    return bool(gone) and gone[0] <= entry.at + OBEYED_WITHIN


def _near_success(ends: list[Happening], row: list[Happening]) -> bool:
    """Whether a success lies so near that seconds do not tell which came first, or who was seen first."""
    begin, end = row[0].at - 2 * SETTLED_WITHIN, row[-1].at + 2 * SETTLED_WITHIN
    return any(begin <= entry.at <= end and entry.job.succeeded for entry in ends)


def _circuits(course: Course) -> Iterator[tuple[Told, datetime | None]]:
    """Each status that told of an open circuit first, and when one told that it is closed."""
    opened: Told | None = None
    for told in course.told:
        if condition(told, "CircuitOpen") and opened is None:
            opened = told
        elif opened is not None and not condition(told, "CircuitOpen"):
            yield opened, told.at
            opened = None
    if opened is not None:
        yield opened, None

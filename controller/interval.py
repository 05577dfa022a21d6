"""The least interval that an installation allows between two instants of a schedule.

No expression tells its shortest interval: unions, steps that do not divide the hour and changes of clocks all make some
that are shorter than they look. So instants themselves are looked at: the first hundred after the object's creation or
the last edit of its spec. That is the same for every replica at any time, so the answer does not change by itself.

Pure; `preparation` asks, once for each edit.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from controller.errors import IntervalTooShort, TerminalError
from controller.instants import format_time, span
from controller.schedule import Schedule
from controller.spec import CronJob

LOOKED_AT = 100
"""So many instants are looked at: about two milliseconds of the loop."""
LATEST = timedelta(days=366 * 5)
"""None that comes later than this is."""


def allowed(cron_job: CronJob, schedule: Schedule | TerminalError, minimum: timedelta) -> Schedule | TerminalError:
    """The schedule; or why it has none that is allowed.

    Args:
        cron_job: Whose it is.
        schedule: As it was read.
        minimum: The least distance of two instants; zero is any.
    """
    if not minimum or isinstance(schedule, TerminalError):
        return schedule
    since = max(cron_job.edited_at or cron_job.created_at, cron_job.spec.start_at or cron_job.created_at)
    return _too_short(schedule.between(since, since + LATEST, limit=LOOKED_AT), minimum) or schedule


def _too_short(instants: tuple[datetime, ...], minimum: timedelta) -> IntervalTooShort | None:
    closest = min(pairwise(instants), key=lambda pair: pair[1] - pair[0], default=None)
    if closest is None or closest[1] - closest[0] >= minimum:
        return None
    first, second = closest
    apart, least = span(second - first), span(minimum)
    if apart == least:  # a span is rounded
        apart, least = f"{(second - first).total_seconds():g}s", f"{minimum.total_seconds():g}s"
    return IntervalTooShort(
        f"two instants lie {apart} apart ({format_time(first)} and {format_time(second)}); "
        f"here at least {least} is allowed (DCRON_MINIMUM_INTERVAL_SECONDS)"
    )

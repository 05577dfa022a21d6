"""When a schedule fires: the engine, a house of its own that shows one door.

    parse(expressions, zone, ...) -> Schedule      next_after, latest_at, between, newest

From the text down: `union` mixes texts into one schedule; `zoned` lays a cron expression over the changes of clocks of
a `timezone`; `expression` puts days and times of the day together; `grammar` reads a text, `days` is the calendar;
`fixedtimes` are `@every` and `@at`; `text` holds what bounds and refuses any text.

Pure: it reads no clock, and never raises because nothing follows.
"""

from controller.schedule.timezone import zone_named
from controller.schedule.union import MAX_EXPRESSIONS, Schedule, parse

__all__ = ["MAX_EXPRESSIONS", "Schedule", "parse", "zone_named"]

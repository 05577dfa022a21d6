"""Where our schedules and those of robfig/cron v3 differ, and why it is meant.

`test_robfig` proves each row, and that there is no other; the page for users shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WE_ACCEPT: Final = "we accept"
WE_REFUSE: Final = "we refuse"

TEXTS: Final = (
    # text, what we do where the library does the opposite, why
    ("0 0 * * 7", WE_ACCEPT, "Sunday is 7 too, as in crontab(5)"),
    ("0 0 * * 5-7", WE_ACCEPT, "Sunday is 7 too, as in crontab(5)"),
    ("* * * * * *", WE_ACCEPT, "six fields have seconds first; batch/v1 knows five fields"),
    ("H H(0-6) * * *", WE_ACCEPT, "H is ours"),
    ("0 0 L * *", WE_ACCEPT, "L is ours"),
    ("0 0 15W * *", WE_ACCEPT, "W is ours"),
    ("0 0 * * MON#2", WE_ACCEPT, "# is ours"),
    ("0 0 * * FRIL", WE_ACCEPT, "L is ours"),
    ("@at 2030-01-31T06:00:00Z", WE_ACCEPT, "@at is ours"),
    ("@Daily", WE_ACCEPT, "macros are read in any case, as names are"),
    (" @daily", WE_ACCEPT, "blanks around a macro are read over, as around fields"),
    ("@daily\n", WE_ACCEPT, "blanks around a macro are read over: a YAML block scalar ends with one"),
    ("@every  5m", WE_ACCEPT, "blanks are read over, as between fields"),
    ("@every 0s", WE_REFUSE, "nothing can fire without a pause; the library makes a second of it"),
    ("@every 500ms", WE_REFUSE, "it is below a second; the library makes a second of it"),
    ("@every -5m", WE_REFUSE, "a negative time is a mistake; the library makes a second of it"),
    ("@every 2000000h", WE_REFUSE, "over a hundred years is a mistake in the unit"),
    (", * * * *", WE_REFUSE, "an empty list never fires: batch/v1 takes it and is silent for ever"),
    ("30 2 31 2 *", WE_REFUSE, "it never fires: batch/v1 takes it and is silent for ever"),
    ("+5 * * * *", WE_REFUSE, "a sign is no part of a value"),
    ("*-5 * * * *", WE_REFUSE, "a star is no end of a range; the library reads it as a star"),
    ("?-x-y * * * *", WE_REFUSE, "the library reads anything after `*-` as a star"),
    ("*\u00a0* * * *", WE_REFUSE, "a blank that is not ASCII is a mistake that nobody sees"),
    ("TZ=Europe/Berlin 0 4 * * *", WE_REFUSE, "spec.timeZone says it; batch/v1's API server refuses it too"),
    ("CRON_TZ=UTC 0 4 * * *", WE_REFUSE, "spec.timeZone says it; batch/v1's API server refuses it too"),
    ("0," * 128 + "0 * * * *", WE_REFUSE, "a text of more than 256 characters is not read"),
)

NO_MIDNIGHT: Final = (
    "The library looks for months and days from midnight to midnight. Where clocks skip a midnight it loses the day, "
    "or the month after, or does not ask whether the next day matches at all."
)
MIDNIGHT_TWICE: Final = (
    "The library looks for a day from its midnight. Where a midnight comes twice it may begin at the second, and fire "
    "once what batch/v1 elsewhere fires twice."
)
OFF_THE_HOUR: Final = (
    "The library looks for an hour in steps of 60 minutes. After a change by half an hour, or at a quarter to, it "
    "comes to an hour in its middle, or not at all, and loses what it stepped over."
)

CHANGES: Final = {"no midnight": NO_MIDNIGHT, "midnight twice": MIDNIGHT_TWICE, "off the hour": OFF_THE_HOUR}
"""Changes of clocks near which the library's answer may differ, and why. We fire when the wall clock says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the library says next near a change of clocks, and what we say. Instants are UTC, in ISO 8601.

    All lie in the past, so that no government changes them.
    """

    cause: str
    expression: str
    zone: str
    after: str
    library: str
    ours: str


DIFFERENCES: Final = (
    Change(
        cause="no midnight",
        expression="0 12 30 3 *",
        zone="Asia/Beirut",
        after="2025-03-01",
        library="2026-03-30T09:00",
        ours="2025-03-30T09:00",
    ),
    Change(
        cause="no midnight",
        expression="0 0 1 5 *",
        zone="America/Havana",
        after="2012-04-05",
        library="2013-05-01T04:00",
        ours="2012-05-01T04:00",
    ),
    Change(
        cause="no midnight",
        expression="0 2 * * SAT",
        zone="America/Santiago",
        after="2025-09-06T12:00",
        library="2025-09-07T05:00",
        ours="2025-09-13T05:00",
    ),
    Change(
        cause="midnight twice",
        expression="0 0 27 10 *",
        zone="Asia/Amman",
        after="2017-10-01",
        library="2017-10-26T22:00",
        ours="2017-10-26T21:00",
    ),
    Change(
        cause="off the hour",
        expression="10 3 * * *",
        zone="Australia/Lord_Howe",
        after="2025-10-04",
        library="2025-10-05T16:10",
        ours="2025-10-04T16:10",
    ),
    Change(
        cause="off the hour",
        expression="50 3 * * *",
        zone="Pacific/Chatham",
        after="2025-09-27",
        library="2025-09-28T14:05",
        ours="2025-09-27T14:05",
    ),
)

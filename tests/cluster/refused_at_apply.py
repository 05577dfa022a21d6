"""What the API server refuses at `kubectl apply`, and its sentence: a table, by the field that is wrong.

`refused_by_condition` has what only the controller sees. Sentences of our own rules stand here as people read them;
those that the API server makes of a bound or a type are made by `least`, `most` and `typed`.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.manifests import POD, TEMPLATE

Rows = dict[str, tuple[dict[str, Any], str]]

INT32 = 2**31 - 1
DATE_TIME = "must be of type date-time"
NO_SCHEDULE = "a schedule is missing; set spec.schedule, or spec.schedules for several"
BOTH = "spec.schedule and spec.schedules are both set; set only one of them"
EMPTY = "the schedule is empty; write five fields, such as '*/5 * * * *'"
ZONED = "a time zone does not belong in the schedule; set spec.timeZone"
FIELDS = "a schedule has 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first"
UNSEEN = "a character that is not ASCII, or cannot be seen; type it instead of pasting it"
MACRO = "the macro is not known; use @hourly, @daily"
EVERY = "@every needs a duration of at least one second, in hours, minutes and seconds, such as @every 90s"
AT = "@at needs an instant in RFC 3339, in whole seconds and with its offset from UTC, such as @at 2026-12-31T23:59:00Z"
NO_ZONE = "this is not the name of a time zone; use an IANA name such as Europe/Paris or Etc/GMT+2"
PATH = "the time zone is a name such as Europe/Paris, not the path of a file"
MACHINE = "the time zone must name a place: Local would mean another zone on each machine"
BACKWARDS = "spec.endTime must be later than spec.startTime"


def least(field: str, bound: int) -> str:
    """The sentence for a number below its bound."""
    return f"spec.{field} in body should be greater than or equal to {bound}"


def most(field: str, bound: int) -> str:
    """The sentence for a number above its bound."""
    return f"spec.{field} in body should be less than or equal to {bound}"


def typed(field: str, kind: str) -> str:
    """The sentence for a value of another type."""
    return f"spec.{field} in body must be of type {kind}"


def large(field: str) -> str:
    """The sentence for a number beyond 32 bits."""
    return f"Checked value must be of type integer with format int32 in spec.{field}"


def number(field: str, *, low: int, high: int = INT32, example: str = "3") -> Rows:
    """The rows of a field that is a whole number of 32 bits."""
    return {
        "too small": ({field: low - 1}, least(field, low)),
        "far too small": ({field: -INT32}, least(field, low)),
        "too large": ({field: high + 1}, large(field) if high == INT32 else most(field, high)),
        "a text": ({field: example}, typed(field, "integer")),
        "a fraction": ({field: 1.5}, typed(field, "int32")),
    }


def choice(field: str, *words: str) -> Rows:
    """The rows of a field that is one of some words."""
    supported = f"spec.{field}: Unsupported value: {{}}: supported values: " + ", ".join(f'"{word}"' for word in words)
    rows: Rows = {
        "a word that it does not know": ({field: "Perhaps"}, supported.format('"Perhaps"')),
        "a word in small letters": ({field: words[0].lower()}, supported.format(f'"{words[0].lower()}"')),
        "an empty word": ({field: ""}, supported.format('""')),
        "a number": ({field: 1}, typed(field, "string")),
    }
    return {row: wrong for row, wrong in rows.items() if "" not in words or row != "an empty word"}


def one_schedule(text: str) -> dict[str, Any]:
    """Only this schedule."""
    return {"schedule": text}


def second_schedule(text: str) -> dict[str, Any]:
    """A good schedule and this one."""
    return {"schedule": None, "schedules": ["0 * * * *", text]}


TEXTS = {
    "empty": ("", EMPTY),
    "blank": ("   ", EMPTY),
    "with a zone": ("TZ=UTC 0 * * * *", ZONED),
    "with a zone, robfig's way": ("CRON_TZ=Europe/Paris 0 * * * *", ZONED),
    "with a zone before a macro": ("tz=UTC @daily", ZONED),
    "one word": ("hourly", FIELDS),
    "four fields": ("0 * * *", FIELDS),
    "seven fields": ("0 0 * * * * 2027", FIELDS),
    "with a blank inside a list": ("0, 30 8, 9 * * *", FIELDS),
    "digits of another script": ("٣ * * * *", UNSEEN),
    "a space that does not break": ("0 * * *\u00a0*", UNSEEN),
    "a NUL": ("0 * * * \0", UNSEEN),
    "an unknown macro": ("@reboot", MACRO),
    "a macro that begins well": ("@everything", MACRO),
    "a macro and more": ("@daily 5", MACRO),
    "a macro torn apart": ("@ daily", MACRO),
    "@every without a duration": ("@every", EVERY),
    "@every without a unit": ("@every 10", EVERY),
    "@every with a blank before the unit": ("@every 10 s", EVERY),
    "@every in days": ("@every 1d", EVERY),
    "@every in capitals": ("@every 1H", EVERY),
    "@every nothing": ("@every 0s", EVERY),
    "@every less than a second": ("@every 999ms", EVERY),
    "@every backwards": ("@every -5m", EVERY),
    "@every for longer than durations go": ("@every 99999999999h", EVERY),
    "@at without an instant": ("@at", AT),
    "@at in words": ("@at tomorrow", AT),
    "@at a day": ("@at 2026-12-31", AT),
    "@at without an offset": ("@at 2026-12-31T23:59:00", AT),
    "@at a part of a second": ("@at 2026-12-31T23:59:00.5Z", AT),
    "@at a day that is not": ("@at 2026-02-30T00:00:00Z", AT),
    "@at an hour that is not": ("@at 2026-12-31T24:00:00Z", AT),
    "@at an offset that is not": ("@at 2026-12-31T23:59:00+25:00", AT),
    "@at a time before computers": ("@at 0001-01-01T00:00:00Z", AT),
    "too long": ("0 0 * * " + "1," * 200 + "1", "may not be more than 256"),
    "a megabyte of digits": ("9" * 1_000_000, "may not be more than 256"),
}

REFUSED: dict[str, Rows] = {
    "schedule": {
        "none": ({"schedule": None}, NO_SCHEDULE),
        "two ways": ({"schedules": ["0 * * * *"]}, BOTH),
        "a number": ({"schedule": 5}, typed("schedule", "string")),
        "a list": ({"schedule": ["0 * * * *"]}, typed("schedule", "string")),
        **{row: (one_schedule(text), sentence) for row, (text, sentence) in TEXTS.items()},
    },
    "schedules": {
        "none of them": ({"schedule": None, "schedules": []}, "spec.schedules in body should have at least 1 items"),
        "more than 32": ({"schedule": None, "schedules": ["0 * * * *"] * 33}, "must have at most 32 items"),
        "a text": ({"schedule": None, "schedules": "0 * * * *"}, typed("schedules", "array")),
        "a number among them": ({"schedule": None, "schedules": [5]}, typed("schedules[0]", "string")),
        # The rules are those of one schedule (a test of the CRD's text says so): one of a kind here.
        **{
            f"{row}, among others": (second_schedule(TEXTS[row][0]), TEXTS[row][1])
            for row in (
                "blank",
                "with a zone",
                "four fields",
                "an unknown macro",
                "@every nothing",
                "@at a day",
                "a NUL",
            )
        },
    },
    "timeZone": {
        "empty": ({"timeZone": ""}, "the time zone is empty; use an IANA name such as Europe/Paris, or leave"),
        "a path": ({"timeZone": "/etc/localtime"}, PATH),
        "a path that climbs": ({"timeZone": "../etc/passwd"}, PATH),
        "a path of Windows": ({"timeZone": "Europe\\Paris"}, PATH),
        "a blank at the end": ({"timeZone": "Europe/Paris "}, NO_ZONE),
        "a slash at the end": ({"timeZone": "Europe/"}, NO_ZONE),
        "an offset": ({"timeZone": "+02:00"}, NO_ZONE),
        "letters that no name has": ({"timeZone": "Europe/Zürich"}, NO_ZONE),
        "Local": ({"timeZone": "Local"}, MACHINE),
        "the file of the machine": ({"timeZone": "localtime"}, MACHINE),
        "too long": ({"timeZone": "A" * 65}, "spec.timeZone: Too long: may not be more than 64"),
        "a number": ({"timeZone": 2}, typed("timeZone", "string")),
    },
    "startingDeadlineSeconds": {
        "negative": ({"startingDeadlineSeconds": -1}, least("startingDeadlineSeconds", 0)),
        "beyond the calendar": ({"startingDeadlineSeconds": 10**12}, most("startingDeadlineSeconds", INT32)),
        "a text": ({"startingDeadlineSeconds": "60"}, typed("startingDeadlineSeconds", "integer")),
        "a duration": ({"startingDeadlineSeconds": "5m"}, typed("startingDeadlineSeconds", "integer")),
        "a fraction": ({"startingDeadlineSeconds": 0.5}, typed("startingDeadlineSeconds", "int64")),
    },
    "concurrencyPolicy": choice("concurrencyPolicy", "Allow", "Forbid", "Replace", "Queue", ""),
    "maxActiveJobs": number("maxActiveJobs", low=1),
    "queueLimit": number("queueLimit", low=1, high=1000),
    "suspend": {
        "a text": ({"suspend": "true"}, typed("suspend", "boolean")),
        "a number": ({"suspend": 1}, typed("suspend", "boolean")),
    },
    "jobTemplate": {
        "none": ({"jobTemplate": None}, "spec.jobTemplate: Required value"),
        "a text": ({"jobTemplate": "report"}, typed("jobTemplate", "object")),
        "without a spec": ({"jobTemplate": {"metadata": {}}}, "spec.jobTemplate.spec: Required value"),
        "without pods": ({"jobTemplate": {"spec": {}}}, "spec.jobTemplate.spec.template: Required value"),
        "with a list of pods": (
            {"jobTemplate": {"spec": {"template": [POD]}}},
            typed("jobTemplate.spec.template", "object"),
        ),
        "with a field beside the spec": (
            {"jobTemplate": {**TEMPLATE, "template": {}}},
            'unknown field "spec.jobTemplate.template"',
        ),
        "with metadata that has another field": (
            {"jobTemplate": {**TEMPLATE, "metadata": {"lables": {"team": "a"}}}},
            'unknown field "spec.jobTemplate.metadata.lables"',
        ),
        "with a label that is a number": (
            {"jobTemplate": {**TEMPLATE, "metadata": {"labels": {"tier": 1}}}},
            typed("jobTemplate.metadata.labels.tier", "string"),
        ),
        "with an annotation that is a switch": (
            {"jobTemplate": {**TEMPLATE, "metadata": {"annotations": {"inject": False}}}},
            typed("jobTemplate.metadata.annotations.inject", "string"),
        ),
    },
    "successfulJobsHistoryLimit": number("successfulJobsHistoryLimit", low=0),
    "failedJobsHistoryLimit": number("failedJobsHistoryLimit", low=0),
    "catchUpPolicy": choice("catchUpPolicy", "Latest", "All", "None"),
    "catchUpLimit": number("catchUpLimit", low=1, high=1000, example="all"),
    "jitterSeconds": number("jitterSeconds", low=0, high=86_400, example="5m"),
    "controllerName": {
        "empty": ({"controllerName": ""}, "spec.controllerName in body should be at least 1 chars long"),
        "too long": ({"controllerName": "a" * 64}, "spec.controllerName: Too long: may not be more than 63"),
        "a number": ({"controllerName": 1}, typed("controllerName", "string")),
    },
    "startTime": {
        "in words": ({"startTime": "tomorrow"}, DATE_TIME),
        "empty": ({"startTime": ""}, DATE_TIME),
        "a number": ({"startTime": 1767225600}, DATE_TIME),
        "a day": ({"startTime": "2027-01-01"}, DATE_TIME),
        "a day that is not": ({"startTime": "2027-02-30T00:00:00Z"}, DATE_TIME),
        "without a zone": ({"startTime": "2027-01-01T00:00:00"}, DATE_TIME),
        "before computers": ({"startTime": "0001-01-01T00:00:00Z"}, "spec.startTime must lie between the years 1970"),
    },
    "endTime": {
        "in words": ({"endTime": "never"}, DATE_TIME),
        "after the calendar": ({"endTime": "9999-12-31T23:59:59Z"}, "spec.endTime must lie between the years 1970"),
        "before the start": ({"startTime": "2027-01-02T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}, BACKWARDS),
        "the start": ({"startTime": "2027-01-02T00:00:00Z", "endTime": "2027-01-02T00:00:00Z"}, BACKWARDS),
        "the start, in another zone": (
            {"startTime": "2027-01-01T00:00:00Z", "endTime": "2027-01-01T01:00:00+01:00"},
            BACKWARDS,
        ),
    },
    "maxRuns": number("maxRuns", low=1),
    "suspendAfterFailures": number("suspendAfterFailures", low=1),
    "dstGap": choice("dstGap", "Skip", "After"),
    "dstOverlap": choice("dstOverlap", "Both", "First", "Last"),
    "a field that does not exist": {
        "misspelt": ({"shedule": "0 * * * *"}, 'unknown field "spec.shedule"'),
        "in other letters": ({"timezone": "Europe/Paris"}, 'unknown field "spec.timezone"'),
        "of the Job, a level too high": ({"backoffLimit": 3}, 'unknown field "spec.backoffLimit"'),
        "that sounds right": ({"suspended": False}, 'unknown field "spec.suspended"'),
    },
}

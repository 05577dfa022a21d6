"""What the API server lets in and the controller then objects to, and its sentence: a table.

`refused_at_apply` has what never gets so far. A row says where the answer shows: a condition by its type, `Event`, or
`backfill` for the state and message in the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.manifests import POD, TEMPLATE

EACH_YEAR = "0 0 1 1 *"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One object that is wrong, and the answer.

    Attributes:
        word: The reason of the condition or Event, or the state of the backfill.
        sentence: A part of the message.
        spec: What is wrong in the spec.
        annotations: What is wrong in the object's annotations.
        where: Where the answer shows.
    """

    word: str
    sentence: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    where: str = "Ready"


def schedule(text: str, sentence: str) -> Objection:
    """A schedule that cannot be read, or never fires."""
    return Objection(spec={"schedule": text}, word="InvalidSchedule", sentence=sentence)


def zone(name: str) -> Objection:
    """A zone that is not known."""
    sentence = f"time zone '{name}' is not known; use an IANA name like Europe/Paris"
    return Objection(spec={"timeZone": name}, word="UnknownTimeZone", sentence=sentence)


def job(sentence: str, **changes: Any) -> Objection:
    """A Job that the API server does not take, though its object is stored."""
    template = {"jobTemplate": {"spec": {**TEMPLATE["spec"], **changes}}}
    return Objection(spec=template, word="InvalidJobTemplate", sentence=sentence)


def pod(sentence: str, **changes: Any) -> Objection:
    """A Job whose pods the API server does not take."""
    return job(sentence, template={"spec": {**POD, **changes}})


def container(sentence: str, **changes: Any) -> Objection:
    """A Job whose container the API server does not take."""
    return pod(sentence, containers=[{**POD["containers"][0], **changes}])


def labelled(sentence: str, **metadata: Any) -> Objection:
    """A Job whose metadata the API server does not take."""
    template = {"jobTemplate": {**TEMPLATE, "metadata": metadata}}
    return Objection(spec=template, word="InvalidJobTemplate", sentence=sentence)


def pause(text: str, *, where: str = "Suspended", word: str = "InvalidSuspendUntil") -> Objection:
    """A time in `dcron.io/suspend-until` that cannot be read: it pauses nothing, and says so."""
    sentence = f"dcron.io/suspend-until is '{text}'; write an RFC 3339 instant such as 2026-01-31T08:00:00Z"
    return Objection(annotations={"dcron.io/suspend-until": text}, where=where, word=word, sentence=sentence)


def backfill(text: str, sentence: str, *, where: str = "backfill", word: str = "Refused", **spec: Any) -> Objection:
    """An interval in `dcron.io/backfill` that nobody can fire."""
    return Objection(annotations={"dcron.io/backfill": text}, spec=spec, where=where, word=word, sentence=sentence)


def interval(text: str) -> Objection:
    """Something that is no interval."""
    sentence = (
        f"dcron.io/backfill is '{text}'; write two RFC 3339 instants with a slash between them, "
        "such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"
    )
    return backfill(text, sentence)


_NOT_OVER = "the interval is not over yet; a backfill fires instants of the past"

OBJECTIONS: dict[str, Objection] = {
    # Schedules, field by field.
    "a second that is not": schedule("60 * * * * *", "second: 60 is not between 0 and 59"),
    "a minute that is not": schedule("60 * * * *", "minute: 60 is not between 0 and 59"),
    "an hour that is not": schedule("0 24 * * *", "hour: 24 is not between 0 and 23"),
    "a day zero": schedule("0 0 0 * *", "day of month: 0 is not between 1 and 31"),
    "a day that is not": schedule("0 0 32 * *", "day of month: 32 is not between 1 and 31"),
    "a month zero": schedule("0 0 1 0 *", "month: 0 is not between 1 and 12"),
    "a month that is not": schedule("0 0 1 13 *", "month: 13 is not between 1 and 12"),
    "a weekday that is not": schedule("0 0 * * 8", "day of week: 8 is not between 0 and 7"),
    "a name that is no month": schedule("0 0 1 FOO *", "month: 'FOO' is not a value"),
    "a name that is no weekday": schedule("0 0 * * MONDAY", "day of week: 'MONDAY' is not a value"),
    "a weekday among the months": schedule("0 0 1 MON *", "month: 'MON' is not a value"),
    "letters": schedule("x * * * *", "minute: 'x' is not a value"),
    "a negative minute": schedule("-5 * * * *", "minute: '' is not a value"),
    "a fraction": schedule("1.5 * * * *", "minute: '1.5' is not a value"),
    "a step of zero": schedule("*/0 * * * *", "minute: the step is zero"),
    "a step that is none": schedule("*/x * * * *", "minute: the step 'x' is not a number"),
    "a negative step": schedule("*/-5 * * * *", "minute: the step '-5' is not a number"),
    "steps of steps": schedule("*/2/3 * * * *", "minute: the step '2/3' is not a number"),
    "slashes for ever": schedule("*" + "/1" * 120 + " * * * *", "minute: the step '1/1"),
    "a range backwards": schedule("30-10 * * * *", "minute: the range 30-10 runs backwards"),
    "weekdays backwards": schedule("0 0 * * FRI-MON", "day of week: the range FRI-MON runs backwards"),
    "a range of three": schedule("0 1-2-3 * * *", "hour: '2-3' is not a value"),
    "a list of nothing": schedule(", * * * *", "minute: ',' names no value"),
    "a random value": schedule("R * * * *", "R (a random value) is refused: replicas could not agree on it"),
    "a hundred digits": schedule(f"{'9' * 100} * * * *", f"minute: {'9' * 100} is not between 0 and 59"),
    "a day that never comes": schedule("30 2 31 2 *", "day of month: 31 never comes in month 2"),
    "days that never come": schedule("0 0 31 4,6,9,11 *", "day of month: 31 never comes in month 4,6,9,11"),
    # Hashed values, days counted from the end or in weeks, durations.
    "a hashed step of zero": schedule("H/0 * * * *", "minute: the step is zero"),
    "hashed bounds that are not": schedule("H(50-70) * * * *", "minute: 70 is not between 0 and 59"),
    "hashed bounds backwards": schedule("0 H(7-0) * * *", "hour: the range 7-0 runs backwards"),
    "one hashed bound": schedule("H(5) * * * *", "minute: 'H(5)' is not a value; bounds are written H(0-59)"),
    "a hashed end": schedule("0-H * * * *", "minute: H (a hashed value) is no end of a range"),
    "the last minute": schedule("L * * * *", "minute: 'L' is known only in a field for days"),
    "the last of no weekday": schedule("0 0 * * L", "day of week: L needs a weekday before it, as in FRIL"),
    "three days before the last": schedule("0 0 L-3 * *", "day of month: L-3 (days before the last) is not supported"),
    "the last weekday": schedule("0 0 LW * *", "day of month: LW (the last weekday of the month) is not supported"),
    "near a day that is not": schedule("0 0 32W * *", "day of month: 32 is not between 1 and 31"),
    "near a day that never comes": schedule("0 0 31W 2 *", "day of month: 31W never comes in month 2"),
    "near a range": schedule("0 0 1-15W * *", "day of month: 15W stands alone, without a range or a step"),
    "the sixth Monday": schedule("0 0 * * MON#6", "a number between 1 and 5 comes after the #"),
    "the first of a weekday that is not": schedule("0 0 * * 8#1", "day of week: 8 is not between 0 and 7"),
    "@every for longer than people live": schedule("@every 999999h", "'999999h' is longer than 100 years"),
    "one of several": Objection(
        spec={"schedule": None, "schedules": ["0 * * * *", "0 25 * * *"]},
        word="InvalidSchedule",
        sentence="hour: 25 is not between 0 and 23",
    ),
    "a schedule, as an Event": Objection(
        spec={"schedule": "61 * * * *"},
        where="Event",
        word="UnparseableSchedule",
        sentence="InvalidSchedule: schedule '61 * * * *': minute: 61 is not between 0 and 59",
    ),
    # Zones.
    "a zone of another planet": zone("Mars/Olympus"),
    "a zone in small letters": zone("europe/paris"),
    "a zone by its letters in summer": zone("CEST"),
    "a zone as an offset": zone("UTC+2"),
    "a zone with leap seconds": zone("right/UTC"),
    "a folder of zones": zone("America/Argentina"),
    "a zone, as an Event": Objection(
        spec={"timeZone": "Moon/Base"},
        where="Event",
        word="UnknownTimeZone",
        sentence="UnknownTimeZone: time zone 'Moon/Base' is not known",
    ),
    # The Job: the API server's own sentences.
    "a field of the Job misspelt": job('unknown field "spec.backofLimit"', backofLimit=3),
    "a number of the Job as a text": job("backoffLimit", backoffLimit="many"),
    "a negative number of the Job": job("spec.backoffLimit: Invalid value: -1", backoffLimit=-1),
    "no time for the Job": job("spec.activeDeadlineSeconds: Invalid value: -1", activeDeadlineSeconds=-1),
    "a completion mode that is not": job("spec.completionMode: Unsupported value", completionMode="Perhaps"),
    "indexes without completions": job("spec.completions: Required value", completionMode="Indexed", parallelism=2),
    "a Job without pods": job("spec.template.spec.containers: Required value", template={"metadata": {}}),
    "a field of the pod misspelt": pod('unknown field "spec.template.spec.restartPollicy"', restartPollicy="Never"),
    "pods that start again for ever": pod("spec.template.spec.restartPolicy: Required value", restartPolicy="Always"),
    "no containers": pod("spec.template.spec.containers: Required value", containers=[]),
    "two containers of one name": pod(
        "spec.template.spec.containers[1].name: Duplicate value", containers=[POD["containers"][0]] * 2
    ),
    "a volume that is not there": container(
        "volumeMounts[0].name: Not found", volumeMounts=[{"name": "data", "mountPath": "/data"}]
    ),
    "a field of the container misspelt": container(
        'unknown field "spec.template.spec.containers[0].immage"', immage="busybox"
    ),
    "no image": container("spec.template.spec.containers[0].image: Required value", image=None),
    "a quantity that is none": container("quantities must match the regular", resources={"limits": {"memory": "much"}}),
    "variables as a map": container("env", env={"A": "b"}),
    "a label with a blank": labelled("metadata.labels: Invalid value", labels={"team": "a b"}),
    "an annotation with a wrong name": labelled("metadata.annotations: Invalid value", annotations={"a b": "c"}),
    # Annotations: a pause,
    "a pause until a word": pause("tomorrow"),
    "a pause until a day": pause("2099-01-31"),
    "a pause until a time without a zone": pause("2099-01-31T08:00:00"),
    "a pause until a day that is not": pause("2099-02-30T08:00:00Z"),
    "a pause as a number": pause("4070908800"),
    "a pause for a duration": pause("2h"),
    "a pause, as an Event": pause("some day", where="Event", word="InvalidSuspendUntil"),
    # a backfill.
    "a backfill of a word": interval("yesterday"),
    "a backfill of one instant": interval("2025-01-01T00:00:00Z"),
    "a backfill of three instants": interval("2025-01-01T00:00:00Z/2025-01-02T00:00:00Z/3"),
    "a backfill of days": interval("2025-01-01/2025-02-01"),
    "a backfill without an end": interval("2025-01-01T00:00:00Z/"),
    "a backfill for a duration": interval("2025-01-01T00:00:00Z/P1D"),
    "a backfill without zones": interval("2025-01-01T00:00:00/2025-01-02T00:00:00"),
    "a backfill backwards": backfill("2025-02-01T00:00:00Z/2025-01-01T00:00:00Z", "it ends before it begins"),
    "a backfill of nothing": backfill("2025-01-01T00:00:00Z/2025-01-01T00:00:00Z", "it ends before it begins"),
    "a backfill of the future": backfill("2025-01-01T00:00:00Z/2099-01-01T00:00:00Z", _NOT_OVER),
    "a backfill of too much": backfill(
        "2025-01-01T00:00:00Z/2025-01-01T02:46:41Z",
        "the interval has more than 10000 instants; ask for a part of it",
        schedule="* * * * * *",
        startTime="2025-01-01T00:00:00Z",
        endTime="2025-02-01T00:00:00Z",
    ),
    "a backfill without a schedule": backfill(
        "2025-01-01T00:00:00Z/2025-01-02T00:00:00Z", "there is no schedule to fire: schedule", schedule="60 * * * *"
    ),
    "a backfill, as an Event": backfill(
        "2025-01-01T00:00:00Z/2099-01-02T00:00:00Z", _NOT_OVER, where="Event", word="BackfillRefused"
    ),
}

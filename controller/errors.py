"""The errors that cross rooms, and what each asks for.

    DcronError
    ├── InvalidSettings            the start stops with one line that names the setting
    ├── TerminalError              the author must edit: condition and Event, no retry
    │   ├── InvalidSchedule
    │   ├── IntervalTooShort
    │   └── UnknownTimeZone
    └── TransientError             try again later, with backoff
        ├── ClusterUnavailable     no answer from the API server, or a 5xx
        │   └── NotServed          it does not know the path: the CRD is not installed
        ├── Throttled              429: it says when to come back
        ├── Refused                403: quota, or a right that is missing
        │   └── NamespaceTerminating   silence: the object goes too
        ├── Conflict               another write came first: read again, decide again
        └── StoreUnavailable       Redis gave no answer in time
            └── StoreDenied            it does not let us in: somebody must put that right

Only the work queue acts on the two families. Foreign exceptions stop at their adapter and leave it as one of these.
What is an answer and not a failure (AlreadyExists, NotFound on a delete, a Job that the API server rejects for good)
is a value in `ports`, not an error.
"""

from __future__ import annotations

from typing import ClassVar


class DcronError(Exception):
    """Any error of ours."""


class InvalidSettings(DcronError):
    """A setting has a value that the controller cannot start with."""


class TerminalError(DcronError):
    """The object cannot work until its author edits it.

    Attributes:
        reason: The word for the `Ready` condition and the Event.
    """

    reason: ClassVar[str]


class InvalidSchedule(TerminalError):
    """A schedule that does not parse, or that never fires."""

    reason = "InvalidSchedule"


class IntervalTooShort(TerminalError):
    """A schedule with two instants that lie closer than this installation allows."""

    reason = "IntervalTooShort"


class UnknownTimeZone(TerminalError):
    """A time zone that the controller's tz database does not know."""

    reason = "UnknownTimeZone"


class TransientError(DcronError):
    """Something outside failed; the same call may go through later.

    Attributes:
        after_progress: Something else went through in the same look: the key is not stuck.
    """

    after_progress: bool = False


class ClusterUnavailable(TransientError):
    """The API server gave no answer in time, or a server error."""


class NotServed(ClusterUnavailable):
    """The API server does not know the path: the CRD is not installed, or not yet, or not any more."""


class Throttled(TransientError):
    """The API server asks to slow down.

    Attributes:
        retry_after_seconds: How long it asks to wait.
    """

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Refused(TransientError):
    """The API server forbids this for now: a quota, or a right that is missing."""


class NamespaceTerminating(Refused):
    """Nothing can be created here any more; the object goes with its namespace."""


class Conflict(TransientError):
    """The object has changed since it was read; the write did not happen."""


class StoreUnavailable(TransientError):
    """Redis did not answer in time, or answered with an error."""


class StoreDenied(StoreUnavailable):
    """Redis does not know the password, forbids a command, or TLS fails: unlike an outage it does not end by itself."""

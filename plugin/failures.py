"""What can go wrong, one sentence and one exit code each.

    Failure
    ├── Unfulfilled      1   what was asked for has come to nothing: a run failed, a file has mistakes
    ├── Misused          2   the command line cannot be understood (click's own errors have this code too)
    ├── NotFound         3   there is no such object, or the CRD is not installed
    ├── Unreachable      4   no kubeconfig, or no answer from the API server
    ├── Denied           5   the API server does not know the user, or forbids it
    ├── Rejected         6   the API server does not take it as it is, or somebody else was faster
    └── TimedOut         7   it was waited for in vain

`docs/kubectl.md` promises the codes.
"""

from __future__ import annotations

from typing import ClassVar


class Failure(Exception):
    """The command ends here; the message is a sentence for people.

    Attributes:
        exit_code: What the process ends with.
    """

    exit_code: ClassVar[int] = 1


class Unfulfilled(Failure):
    """What was asked for has come to nothing."""

    exit_code = 1


class Misused(Failure):
    """The command line cannot be understood."""

    exit_code = 2


class NotFound(Failure):
    """There is no such object."""

    exit_code = 3


class Unreachable(Failure):
    """The API server cannot be asked."""

    exit_code = 4


class Denied(Failure):
    """The API server does not let the user do that."""

    exit_code = 5


class Rejected(Failure):
    """The API server does not take what it was sent."""

    exit_code = 6


class Conflicting(Rejected):
    """The object has changed since it was read."""


class TimedOut(Failure):
    """It was waited for in vain."""

    exit_code = 7

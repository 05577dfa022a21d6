"""What may go wrong with the local control plane.

::

    LocalError
      MissingPrerequisite   the machine lacks something; the message says what to install
      BuildFailed           the Go build of a binary failed
      StartFailed           a process died or was not ready in time; the message ends with its log
      KubectlFailed         kubectl refused; `.stderr` is what it said
"""


class LocalError(Exception):
    """Anything that stops the local control plane; its text is meant for a person."""


class MissingPrerequisite(LocalError):
    """The machine lacks something that must be installed first."""


class BuildFailed(LocalError):
    """A binary could not be built."""


class StartFailed(LocalError):
    """A process died, or did not become ready in time."""


class KubectlFailed(LocalError):
    """Kubectl ended with an error.

    Attributes:
        stderr: What kubectl said, for tests of refusals.
    """

    def __init__(self, arguments: "tuple[str, ...]", stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)}: {stderr.strip()}")
        self.stderr = stderr

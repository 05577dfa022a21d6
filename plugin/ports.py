"""What the commands need of the world: an API server, and a clock. Tests have their own of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from controller.spec import API_VERSION, PLURAL, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object.

    Attributes:
        singular: What an object of the kind is called in a sentence.
    """

    api_version: str
    plural: str
    singular: str

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Where its objects are: in the whole cluster (None), in a namespace, or one of them."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [root, *(("namespaces", namespace) if namespace else ()), self.plural, name, subresource]
        return "/".join(part for part in parts if part)


CRON_JOBS = Kind(api_version=API_VERSION, plural=PLURAL, singular="DistributedCronJob")
BATCH_CRON_JOBS = Kind(api_version="batch/v1", plural="cronjobs", singular="CronJob of batch/v1")
JOBS = Kind(api_version="batch/v1", plural="jobs", singular="Job")
CONFIG_MAPS = Kind(api_version="v1", plural="configmaps", singular="ConfigMap")
EVENTS = Kind(api_version="v1", plural="events", singular="Event")


class Clock(Protocol):
    """The clock of the user's machine."""

    def now(self) -> datetime:
        """The time, aware UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Time since a moment of its own choice, which goes on evenly."""
        ...

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        ...


class Cluster(Protocol):
    """The API server, as one user sees it. Every method may raise a `Failure`."""

    @property
    def namespace(self) -> str:
        """The namespace that is meant where none is named."""
        ...

    def now(self) -> datetime:
        """The time of the API server, up to a second behind."""
        ...

    def read(self, kind: Kind, key: Key) -> dict[str, Any]:
        """One object.

        Raises:
            NotFound: There is none.
        """
        ...

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """All objects of a namespace, or (None) of the cluster, that the selectors select."""
        ...

    def patch(self, kind: Kind, key: Key, change: Mapping[str, Any], *, subresource: str = "") -> dict[str, Any]:
        """Apply a JSON merge patch; one that carries a resourceVersion holds only for that one.

        Raises:
            NotFound: There is no such object.
            Conflicting: The object has another resourceVersion.
        """
        ...

    def create(self, kind: Kind, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object, or only ask whether it would be taken.

        Raises:
            Rejected: It is not taken.
        """
        ...

    def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        """Delete the object with this UID; nothing happens if it is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Which cluster is meant, as kubectl's options say it; None is what kubectl takes without them."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a command reaches for.

    Attributes:
        connect: Gives the cluster at an address.
    """

    connect: Callable[[Address], Cluster]
    clock: Clock

"""What this replica may do in the cluster: the API server is asked, before a right that is missing is missed.

A verb that is lacking shows in many ways, and in some of them not at all: a watch that was begun goes on, a history
that is not cleaned up looks like one that is kept. So each right is asked for by name, at the start and now and then;
that needs no right but the one that every account has. What is missing makes the replica unready, so that a rolling
update that brings a wrong role stops at its first pod; only Events are for people, and it is ready without them.

It decides nothing else: the replica goes on as well as it can. `health` and `metrics` show what this room finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple, NoReturn

from controller.api import ApiServer
from controller.errors import TransientError
from controller.messages import EventType
from controller.ports import Clock
from controller.spec import GROUP, PLURAL
from controller.web import Finding

logger = logging.getLogger(__name__)

ASK_EVERY = timedelta(seconds=30)
ASK_AGAIN = timedelta(seconds=2)
"""While something is missing: whoever has mended the role wants to see it."""
FOR_EACH = timedelta(milliseconds=100)
"""No more often than this for each right: a replica of a hundred namespaces has a thousand to ask for."""
_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

Tell = Callable[[EventType, str, str], None]
"""Takes the type, the reason and the message of an Event."""


class Right(NamedTuple):
    """One verb on one kind of thing.

    Attributes:
        resource: With its subresource, such as `distributedcronjobs/status`.
        namespace: Where; None is everywhere.
    """

    group: str
    resource: str
    verb: str
    namespace: str | None = None

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{where}"


EVENTS = Right("", "events", "create")
IN_SCOPE = (
    *(Right(GROUP, PLURAL, verb) for verb in ("get", "list", "watch")),
    Right(GROUP, f"{PLURAL}/status", "update"),
    *(Right("batch", "jobs", verb) for verb in ("get", "list", "watch", "create", "delete")),
    EVENTS,
)
"""Needed wherever objects are served."""
EVERYWHERE = tuple(Right("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("list", "watch"))
"""Needed in the whole cluster."""
OF_SOME_NAMESPACES = tuple(Right("", "namespaces", verb) for verb in ("list", "watch"))
"""Needed beside it by a replica that serves some namespaces only."""


def needed(namespaces: Sequence[str]) -> tuple[Right, ...]:
    """All rights of a replica that serves these namespaces, or (none) all of them."""
    if not namespaces:
        return (*IN_SCOPE, *EVERYWHERE)
    scoped = (right._replace(namespace=namespace) for namespace in namespaces for right in IN_SCOPE)
    return (*scoped, *EVERYWHERE, *OF_SOME_NAMESPACES)


class Rights:
    """The rights of one replica, as the API server tells them.

    Args:
        api: The API server.
        clock: For the pauses between two questions.
        rights: Those that are needed.
        count: Takes how many are missing, after each answer.
        tell: Publishes an Event.

    Attributes:
        missing: Those that are, as far as it is known.
    """

    def __init__(
        self, api: ApiServer, clock: Clock, rights: Iterable[Right], *, count: Callable[[int], None], tell: Tell
    ) -> None:
        self._api = api
        self._clock = clock
        self._rights = tuple(rights)
        self._count = count
        self._tell = tell
        self.missing: tuple[Right, ...] = ()

    async def run(self) -> NoReturn:
        """Ask for ever."""
        while True:
            await self.ask()
            await self._clock.sleep(self.pause)

    @property
    def pause(self) -> timedelta:
        """How long until it asks again."""
        return max(ASK_AGAIN if self.missing else ASK_EVERY, FOR_EACH * len(self._rights))

    async def ask(self) -> None:
        """Ask for each right; if one of the answers fails, what was known before holds on."""
        try:
            missing = tuple([right for right in self._rights if not await self._may(right)])
        except TransientError as error:
            logger.debug("could not ask for the rights", extra={"reason": str(error)})
            return
        before, self.missing = self.missing, missing
        self._count(len(missing))
        if missing and missing != before:
            logger.warning("rights are missing", extra={"rights": _listed(missing)})
            self._tell(EventType.WARNING, "RightsMissing", f"The account of this replica may not {_listed(missing)}.")
        elif before and not missing:
            logger.warning("no right is missing any more")
            self._tell(EventType.NORMAL, "RightsComplete", "The account of this replica has all its rights again.")

    def finding(self) -> Finding | None:
        """What is missing, for probes; None if nothing is."""
        if not self.missing:
            return None
        unready = any(right._replace(namespace=None) != EVENTS for right in self.missing)
        return Finding(f"the account may not {_listed(self.missing)}", unready=unready)

    async def _may(self, right: Right) -> bool:
        """What the API server says of one right. One that does not answer such questions is no reason to worry."""
        resource, _, subresource = right.resource.partition("/")
        attributes = {
            "group": right.group,
            "resource": resource,
            "subresource": subresource,
            "verb": right.verb,
            "namespace": right.namespace or "",
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = await self._api.request("review", _PATH, body=body)
        return not answer.ok or bool(answer.body["status"]["allowed"])


def _listed(rights: Iterable[Right]) -> str:
    return ", ".join(map(str, rights))

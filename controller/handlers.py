"""Intake of DistributedCronJobs by kopf: each watch event goes to the replica as a value, and nothing more.

kopf does what it is good at: listing, watching, reconnecting. It must never write to our objects, so there is an event
handler only (timers, daemons and change handlers leave finalizers or annotations from every replica), and it runs
standalone (its peering freezes replicas of equal priority). Each event is taken in the handler's filter, which kopf
asks once for each: to call a handler costs as much again as all else that kopf does for an event (175 microseconds with
it, 110 without), and all replicas see all changes. What cannot be read is said here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import kopf
from kubernetes.aio.client import ApiClient

from controller import spec
from controller.replica import Replica
from controller.spec import GROUP, PLURAL, VERSION, Key

PAGE = 500
"""Objects on one page of kopf's list. Whole, it is in memory as text and as values at once, and holds the loop."""

logger = logging.getLogger(__name__)


class Backoffs:
    """Pauses between tries of one request by kopf, in seconds: without end.

    After the last pause of a finite list kopf ends its watch for good, and the process with it; an API server that
    restarts answers 503 for seconds, to all replicas at once.
    """

    def __iter__(self) -> Iterator[float]:
        return chain((0.2, 0.5, 1.0), repeat(2.0))


class NoDiff(kopf.DiffBaseStorage):
    """Keeps no last-handled state, and looks for no difference from it: only change handlers ask, and there are none.

    By default kopf copies each object deeply at each event to find out: half of what an event costs.
    """

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:
        """Nothing of it matters."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Keep nothing: it would be an annotation on the object."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers: an event handler has none."""

    def fetch(self, **_: Any) -> kopf.ProgressRecord | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing: it would be an annotation on the object."""

    def purge(self, **_: Any) -> None:
        """Nothing was kept."""

    def touch(self, **_: Any) -> None:
        """Leave the object alone."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """As it is."""
        return essence


def register(replica: Replica, client: ApiClient) -> kopf.OperatorRegistry:
    """A registry whose only handler hands each event to the replica.

    Args:
        replica: Who wants to know.
        client: Whose credentials kopf uses too: it asks for them at the start, and again after a 401.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await credentials(client)

    def taken(event: Mapping[str, Any], **_: Any) -> bool:
        try:
            take(replica, event)
        except Exception:  # for that kopf would rest from the object, longer and longer: up to ten minutes
            logger.exception(
                "an object was not taken over, by a bug", extra={"uid": event["object"]["metadata"]["uid"]}
            )
        return False

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry, when=taken)
    async def cron_job_event(**_: Any) -> None:
        """Nothing is left to do: see the room's docstring."""

    return registry


def take(replica: Replica, event: Mapping[str, Any]) -> None:
    """Hand one raw watch event to the replica.

    Args:
        replica: Who wants to know.
        event: `type` (None in a list, else ADDED, MODIFIED, DELETED) and `object`.
    """
    meta = event["object"]["metadata"]
    key = Key(meta["namespace"], meta["name"])
    if event["type"] == "DELETED":
        replica.cron_job_gone(key, meta["uid"])
        return
    try:
        cron_job = spec.parse(event["object"])
    except spec.UNREADABLE as error:
        logger.warning("cannot read an object; leaving it alone", extra={"key": str(key), "reason": repr(error)})
        replica.cron_job_unreadable(key, meta["uid"], meta["resourceVersion"])
    else:
        replica.cron_job_seen(cron_job)


async def credentials(client: ApiClient) -> kopf.ConnectionInfo:
    """The client's address and credentials in kopf's words."""
    configuration = client.configuration
    headers: dict[str, str] = {}
    await client.update_params_for_auth(headers, [], ["BearerToken"], "/", "GET", None)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )


def settings() -> kopf.OperatorSettings:
    """How kopf is to run: as a watcher that writes nothing, to our objects or about them."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDiff()
    settings.persistence.progress_storage = NoProgress()
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = Backoffs()
    settings.watching.reconnect_backoff = 0.2
    settings.watching.inactivity_timeout = 70  # the API server sends a bookmark each minute
    settings.watching.chunk_size = PAGE
    settings.queueing.idle_timeout = 0.1  # a worker for each object is kept no longer than needed: it takes 3 KiB
    settings.queueing.exit_timeout = 1.0
    return settings

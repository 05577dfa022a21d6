"""An own watch of all Jobs, held from before the first object exists: a Job that is deleted later has been seen.

It runs in a thread of its own and only fills a queue. It begins at the version of a list and goes on from the version
last seen, so that nothing falls between two connections; if the API server cannot grant that, `error` says so.
"""

from __future__ import annotations

import json
import queue
import ssl
import threading
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from deploy.demo.evidence import SeenJob

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.local.apiclient import ApiClient

_PATH = "/apis/batch/v1/jobs"
_PAUSE_SECONDS = 0.2


class JobWatch:
    """Sees each Job that is created; a context manager that watches until its end.

    Attributes:
        error: Why the record has a gap; None while it is complete.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._version = api.call("GET", f"{_PATH}?limit=1")["metadata"]["resourceVersion"]
        self._seen: queue.SimpleQueue[SeenJob] = queue.SimpleQueue()
        self._ended = threading.Event()
        # A daemon, as it may wait for the next event: the process does not wait for it.
        self._thread = threading.Thread(target=self._run, name="jobwatch", daemon=True)
        self.error: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()

    def take(self) -> Iterator[SeenJob]:
        """What was seen since the last call."""
        while not self._seen.empty():
            yield self._seen.get()

    def _run(self) -> None:
        while not self._ended.is_set() and self.error is None:
            try:
                self._watch()
            except (OSError, ValueError):  # the connection broke, in the middle of a line perhaps
                self._ended.wait(_PAUSE_SECONDS)

    def _watch(self) -> None:
        request = urllib.request.Request(
            f"{self._api.server}{_PATH}?watch=true&resourceVersion={self._version}",
            headers={"Authorization": f"Bearer {self._api.token}"},
        )
        context = ssl.create_default_context(cafile=str(self._api.certificate))
        with urllib.request.urlopen(request, context=context) as events:
            for line in events:
                self._note(json.loads(line))

    def _note(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "ERROR":
            self.error = f"the watch of Jobs ended: {event['object'].get('message')}"
            raise ValueError(self.error)
        if event["type"] == "ADDED":
            self._seen.put(SeenJob.parse(event["object"], datetime.now(UTC)))
        self._version = event["object"]["metadata"]["resourceVersion"]

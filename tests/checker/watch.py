"""A watch of our own, of all objects and Jobs of a namespace, held from before the first object exists.

It goes on from the version last seen, so that nothing falls between two connections; where the API server cannot grant
that, it lists again and notes what is there and what is gone. Jobs that came and went meanwhile are in the audit log.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, Self

from deploy.local.apiclient import ApiClient
from tests.checker.notebook import Notebook

_PAUSE_SECONDS = 0.2
_ROUND_SECONDS = 5
"""A watch is opened anew so often: its thread ends that soon after it is asked to."""
_SILENCE_SECONDS = 15.0
"""An API server that says nothing for so long has stopped."""


class Expired(Exception):
    """The API server cannot go on from this version."""


class Source(Protocol):
    """Where lists and events come from."""

    def list(self, path: str) -> Mapping[str, Any]:
        """All that is there. Raises OSError or ValueError if nobody answers well."""

    def events(self, path: str, version: str) -> Iterator[Mapping[str, Any]]:
        """What happens after a version, until the server or the connection ends it."""


class ApiSource:
    """A real API server."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._context = ssl.create_default_context(cafile=str(api.certificate))

    def list(self, path: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._api.call("GET", path)
        return found

    def events(self, path: str, version: str) -> Iterator[Mapping[str, Any]]:
        query = f"watch=true&allowWatchBookmarks=true&timeoutSeconds={_ROUND_SECONDS}&resourceVersion={version}"
        request = urllib.request.Request(
            f"{self._api.server}{path}?{query}", headers={"Authorization": f"Bearer {self._api.token}"}
        )
        with urllib.request.urlopen(request, timeout=_SILENCE_SECONDS, context=self._context) as lines:
            for line in lines:
                yield json.loads(line)


class Watch:
    """Fills a notebook until its end; a context manager. The lists are read when it is made."""

    def __init__(self, source: Source, namespace: str, notebook: Notebook | None = None) -> None:
        self.notebook = notebook or Notebook()
        self._source = source
        self._paths = {
            "objects": f"/apis/dcron.io/v1/namespaces/{namespace}/distributedcronjobs",
            "jobs": f"/apis/batch/v1/namespaces/{namespace}/jobs",
        }
        self._ended = threading.Event()
        self._versions = {what: self._relist(what) for what in self._paths}
        self._threads = [
            threading.Thread(target=self._run, args=(what,), name=f"watch of {what}", daemon=True)
            for what in self._paths
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(_ROUND_SECONDS + _SILENCE_SECONDS)

    def follow(self, what: str) -> None:
        """Note the events of one connection; list again if they cannot go on from where they were."""
        try:
            for event in self._source.events(self._paths[what], self._versions[what]):
                self._note(what, event)
                if self._ended.is_set():
                    return
        except Expired:
            self._versions[what] = self._relist(what)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.client.GONE:
                self._versions[what] = self._relist(what)
            else:
                raise

    def _run(self, what: str) -> None:
        while not self._ended.is_set():
            try:
                self.follow(what)
            except (OSError, ValueError, http.client.HTTPException):  # it broke, in the middle of a line perhaps
                self._ended.wait(_PAUSE_SECONDS)

    def _note(self, what: str, event: Mapping[str, Any]) -> None:
        body = event["object"]
        if event["type"] == "ERROR":
            raise Expired(str(body.get("message")))
        if event["type"] != "BOOKMARK":
            self._seen(what, body, gone=event["type"] == "DELETED")
        self._versions[what] = body["metadata"]["resourceVersion"]

    def _relist(self, what: str) -> str:
        found = self._source.list(self._paths[what])
        for body in found["items"]:
            self._seen(what, body)
        self.notebook.note_there(what, {body["metadata"]["uid"] for body in found["items"]}, datetime.now(UTC))
        return str(found["metadata"]["resourceVersion"])

    def _seen(self, what: str, body: Mapping[str, Any], *, gone: bool = False) -> None:
        note = self.notebook.note_object if what == "objects" else self.notebook.note_job
        note(body, datetime.now(UTC), gone=gone)

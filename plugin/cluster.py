"""The API server: the only room that talks to it, with the credentials that kubectl would use.

The library finds the credentials and keeps the connection; its models are not used, and none of its errors leaves this
room. A request is never repeated here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from controller.spec import Key
from plugin.failures import Conflicting, Denied, Failure, NotFound, Rejected, Unreachable
from plugin.ports import Address, Clock, Kind

FIELD_MANAGER = "kubectl-dcron"
"""The name that our writes carry in `managedFields`."""
TIMEOUT_SECONDS = 15.0
"""Longest that one request may take."""
PAGE = 500
"""So many objects are listed by one request, as kubectl does it."""

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ApiServer:
    """The `Cluster` of the command line. Made by `connect`.

    Args:
        client: An ApiClient of the library, credentials loaded.
        namespace: The one that is meant where none is named.
        clock: Carries the API server's time on between two answers.
    """

    def __init__(self, client: Any, namespace: str, clock: Clock) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._origin: datetime | None = None

    @property
    def namespace(self) -> str:
        """The namespace that is meant where none is named."""
        return self._namespace

    def now(self) -> datetime:
        """The time of the API server, up to a second behind."""
        if self._origin is None:
            self._request("GET", "/version")
        return (self._origin or self._clock.now() - self._clock.elapsed()) + self._clock.elapsed()

    def read(self, kind: Kind, key: Key) -> dict[str, Any]:
        """One object."""
        return self._about(kind, key, "GET", kind.path(*key))

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """All objects of a namespace, or (None) of the cluster, page by page."""
        found: list[dict[str, Any]] = []
        query = {"limit": str(PAGE), "labelSelector": labels, "fieldSelector": fields, "continue": ""}
        while True:
            page = self._request("GET", kind.path(namespace), query={key: text for key, text in query.items() if text})
            found += page.get("items") or ()
            query["continue"] = (page.get("metadata") or {}).get("continue") or ""
            if not query["continue"]:
                return found

    def patch(self, kind: Kind, key: Key, change: Mapping[str, Any], *, subresource: str = "") -> dict[str, Any]:
        """Apply a JSON merge patch."""
        path, query = kind.path(*key, subresource), {"fieldManager": FIELD_MANAGER}
        return self._about(kind, key, "PATCH", path, query=query, body=change, content_type=_MERGE_PATCH)

    def create(self, kind: Kind, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object, or only ask whether it would be taken."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        return self._request("POST", kind.path(body["metadata"]["namespace"]), query=query, body=body)

    def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        """Delete the object with this UID; nothing happens if it is gone."""
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        with suppress(NotFound):
            self._about(kind, key, "DELETE", kind.path(*key), body=options)

    def _about(self, kind: Kind, key: Key, method: str, path: str, **more: Any) -> dict[str, Any]:
        """A request about one object, whose absence is said in our own words."""
        try:
            return self._request(method, path, **more)
        except NotFound as error:
            if str(error).startswith("the server could not find the requested resource"):
                raise
            raise NotFound(f"there is no {kind.singular} {key.name!r} in namespace {key.namespace!r}") from error

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = _JSON,
    ) -> dict[str, Any]:
        # Imported late, as in `connect`: what asks nobody, and each tab that is typed, need not wait for it.
        from kubernetes.client.exceptions import ApiException
        from kubernetes.config import ConfigException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": _JSON, **({} if body is None else {"Content-Type": content_type})}
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            serialized = self._client.param_serialize(
                method, target, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            answer = self._client.call_api(*serialized, _request_timeout=TIMEOUT_SECONDS)
            content = answer.read()
        except (ApiException, HTTPError, OSError, ConfigException) as error:
            raise Unreachable(f"the API server cannot be reached: {_first_line(error)}") from error
        self._keep_time(answer.getheader("Date"))
        return _judged(answer.status, content, path)

    def _keep_time(self, date: str | None) -> None:
        with suppress(TypeError, ValueError):
            self._origin = parsedate_to_datetime(date or "").astimezone(UTC) - self._clock.elapsed()


def connect(address: Address, clock: Clock) -> ApiServer:
    """The API server that kubectl would talk to, were it given the same options.

    Raises:
        Unreachable: There is no kubeconfig, or none that can be read.
    """
    from kubernetes import config
    from kubernetes.client import ApiClient, Configuration

    settings = Configuration()
    settings.retries = False  # whoever asks again says so
    paths = address.kubeconfig or os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    try:
        if any(Path(path).expanduser().exists() for path in paths.split(os.pathsep) if path):
            contexts, active = config.list_kube_config_contexts(paths)
            chosen = next((one for one in contexts if one["name"] == address.context), active)
            if address.context is not None and chosen["name"] != address.context:
                raise Unreachable(f"the kubeconfig has no context {address.context!r}")
            config.load_kube_config(paths, context=chosen["name"], client_configuration=settings, persist_config=False)
            namespace = (chosen.get("context") or {}).get("namespace")
        elif address.kubeconfig is None and _SERVICE_ACCOUNT.exists():
            config.load_incluster_config(client_configuration=settings)
            namespace = _SERVICE_ACCOUNT.read_text().strip()
        else:
            raise Unreachable(f"there is no kubeconfig at {paths}; name one with --kubeconfig or KUBECONFIG")
    except Failure:
        raise
    except Exception as error:  # the library lets out what its YAML reader, and whatever a login helper does, may raise
        raise Unreachable(f"the kubeconfig {paths} cannot be used: {_first_line(error)}") from error
    return ApiServer(ApiClient(configuration=settings), address.namespace or namespace or "default", clock)


def _judged(status: int, content: bytes, path: str) -> dict[str, Any]:
    """The JSON of a good answer; any other is a failure."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if isinstance(body, dict) and status < HTTPStatus.BAD_REQUEST:
        return body
    said = body.get("message") if isinstance(body, dict) else None
    message = str(said or f"HTTP {status} for {path}")
    match status:
        case HTTPStatus.UNAUTHORIZED:
            raise Denied(f"the API server does not know who you are: {message}")
        case HTTPStatus.FORBIDDEN:
            raise Denied(message)
        case HTTPStatus.NOT_FOUND if said is None:
            raise NotFound(f"the server could not find the requested resource {path}: is the CRD installed?")
        case HTTPStatus.NOT_FOUND:
            raise NotFound(message)
        case HTTPStatus.CONFLICT:
            raise Conflicting(message)
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise Unreachable(f"the API server is too busy: {message}")
        case _ if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Rejected(message)
    raise Unreachable(f"the API server failed: {message}")


def _first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""The API server over HTTP: one request, its time-out, and what its answer means.

`kubernetes.aio` finds the credentials and keeps the connections; its models are not used, because they cost many times
what the JSON does. This room turns every failure into one of our errors, so that none of the library's leaves it,
reports each request to the recorder. It never repeats a request: who
asks again looks at the world again first. `kube`, `jobwatch` and `events` stand on it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.config import ConfigException

from controller import stream
from controller.errors import ClusterUnavailable, NamespaceTerminating, NotServed, Refused, Throttled, TransientError
from controller.ports import Clock, Recorder

FIELD_MANAGER = "dcron-controller"
"""The name that our writes carry in `managedFields`."""
TIMEOUT_SECONDS = 5.0
"""Longest that one request may take, its connection included (PROTOCOL, before each create)."""
DEFAULT_RETRY_AFTER_SECONDS = 1.0
"""How long to stay away after a 429 that does not say."""
JSON = "application/json"

_METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "review": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
}
_TERMINATING = "NamespaceTerminating"
_TOKEN = ["BearerToken"]


class WatchExpired(Exception):
    """A watch cannot go on where it stood: list again."""


class UnexpectedAnswer(Exception):
    """An answer that a correct request does not get: a bug of ours, or an API server that is not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API server said, if it did not fail or forbid.

    Attributes:
        status: HTTP status: 2xx, or a 4xx that means something to the caller (400, 404, 409, 410, 422...).
        body: The JSON; a `Status` object for a 4xx.
        date: The header of that name, as HTTP writes a time; empty if there was none.
    """

    status: int
    body: Mapping[str, Any]
    date: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def reason(self) -> str:
        """The machine-readable word of a `Status`, such as AlreadyExists."""
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        """The sentence of a `Status`."""
        return str(self.body.get("message") or f"HTTP {self.status}")

    def expect_ok(self) -> Mapping[str, Any]:
        """The body of a request that was carried out.

        Raises:
            UnexpectedAnswer: It was not.
        """
        if not self.ok:
            raise UnexpectedAnswer(f"HTTP {self.status}: {self.message}")
        return self.body


class ApiServer:
    """The API server as one replica reaches it.

    Args:
        client: Credentials, TLS and connections; closed by whoever made it.
        clock: For durations.
        recorder: Told of each request.
        timeout: For one request; watches have their own.
    """

    def __init__(
        self,
        client: ApiClient,
        clock: Clock,
        recorder: Recorder,
        *,
        timeout: timedelta = timedelta(seconds=TIMEOUT_SECONDS),
    ) -> None:
        self._client = client
        self._clock = clock
        self._recorder = recorder
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())

    async def request(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Answer:
        """Send one request and read its answer.

        Args:
            verb: What Kubernetes calls it: get, list, create, update, patch or delete; review is a create too.
            path: From the root; names in it need no quoting, Kubernetes allows none that do.
            query: Parameters.
            body: JSON to send.
            content_type: Of the body.
            accept: Content type to ask for.

        Raises:
            ClusterUnavailable: No answer in time, a server error, credentials that are not accepted (401), or a path
                that is not served.
            Throttled: 429.
            NamespaceTerminating: 403, because the namespace is being deleted.
            Refused: Any other 403.
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        with self._recorded(verb), _translated(self._timeout.total):
            async with await self._send(verb, _url(path, query), body, headers, self._timeout) as response:
                return self._judge(response, await response.read())

    async def watch(
        self, path: str, *, query: Mapping[str, str], silence: timedelta, busy: Callable[[], bool]
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a watch as they come, until the API server ends it. Close it (`aclosing`) when done.

        Args:
            path: From the root.
            query: Parameters, `watch` among them.
            silence: Longest wait for the next byte.
            busy: While it says so, lines are read some at a time (`stream`).

        Raises:
            ClusterUnavailable, Throttled, Refused: As for `request`; also while lines are read.
            WatchExpired: It cannot begin at this resourceVersion.
        """
        response = await self._open_watch(_url(path, query), silence.total_seconds())
        with _translated(silence.total_seconds()):
            async with response:
                async for line in stream.lines(response, self._clock, busy=busy):
                    yield line

    async def _open_watch(self, url: str, silence: float) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, sock_read=silence)
        limit = self._timeout.total  # the API server answers at once that it watches
        with self._recorded("watch"), _translated(limit):
            async with asyncio.timeout(limit):
                response = await self._send("watch", url, None, {"Accept": JSON}, timeout)
                if response.status == HTTPStatus.OK:
                    return response
                async with response:
                    raise WatchExpired(self._judge(response, await response.read()).message)

    @contextmanager
    def _recorded(self, verb: str) -> Iterator[None]:
        """Report how long this took, and how it failed."""
        began = self._clock.elapsed()
        error: str | None = None
        try:
            yield
        except (TransientError, asyncio.CancelledError) as failure:
            error = type(failure).__name__
            raise
        finally:
            self._recorder.request("api", verb, (self._clock.elapsed() - began).total_seconds(), error=error)

    async def _send(
        self,
        verb: str,
        url: str,
        body: Mapping[str, Any] | None,
        headers: dict[str, str],
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """Send with credentials; gives the answer once its headers are there."""
        client = self._client
        method, url, headers, _, _ = await client.param_serialize(
            _METHODS[verb], url, header_params=headers, auth_settings=_TOKEN
        )
        answer = await client.call_api(method, url, headers, body=body, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answer.response
        return response

    def _judge(self, response: aiohttp.ClientResponse, content: bytes) -> Answer:
        """What an answer means; failures and prohibitions become errors."""
        status, body = response.status, _parse(content)
        message = str((body or {}).get("message") or f"HTTP {status} {response.reason}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ClusterUnavailable(message)
        if status == HTTPStatus.UNAUTHORIZED:
            raise ClusterUnavailable(f"the API server does not accept our credentials: {message}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Throttled(message, retry_after_seconds=_retry_after(response))
        if status == HTTPStatus.FORBIDDEN:
            raise NamespaceTerminating(message) if _is_terminating(body) else Refused(message)
        if body is None:
            # Each answer of a served path is JSON, errors included; "404 page not found" is plain text.
            kind = NotServed if status == HTTPStatus.NOT_FOUND else ClusterUnavailable
            raise kind(f"{response.url.path} is not served (is the CRD installed?): {message}")
        return Answer(status=status, body=body, date=response.headers.get("Date", ""))


def collection_path(api_version: str, plural: str, namespace: str | None) -> str:
    """Where the objects of one kind are: in a namespace, or (None) in the whole cluster.

    Args:
        api_version: `v1` or `group/version`.
        plural: Such as `jobs`.
    """
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/{plural}" if namespace is None else f"{root}/namespaces/{namespace}/{plural}"


@contextmanager
def _translated(limit: float | None) -> Iterator[None]:
    """Turn every error of the libraries and of the network into one of ours.

    Args:
        limit: The time-out in seconds that holds meanwhile, for the message.
    """
    try:
        yield
    except TimeoutError as error:
        raise ClusterUnavailable(f"the API server gave no answer within {limit:g} s") from error
    except (aiohttp.ClientError, OSError, ConfigException) as error:
        raise ClusterUnavailable(f"the API server cannot be reached: {error or type(error).__name__}") from error


def _url(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{_encoded(tuple(query.items()))}" if query else path


@lru_cache(maxsize=64)
def _encoded(query: tuple[tuple[str, str], ...]) -> str:
    """Nearly all requests are creates and status writes, with one query each."""
    return urlencode(query)


def _parse(content: bytes) -> Mapping[str, Any] | None:
    """The JSON object of an answer; None if it is none."""
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return DEFAULT_RETRY_AFTER_SECONDS


def _is_terminating(body: Mapping[str, Any] | None) -> bool:
    status = body or {}
    causes = (status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == _TERMINATING for cause in causes)

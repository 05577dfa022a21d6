"""The way from one replica to the API server: plain HTTP on its side, TLS on the other, watches streamed.

The replica's own credentials are passed on, so the API server knows who asks. A mishap is decided for each request;
the rest is the weather, for each piece of an answer.
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from aiohttp import web

from deploy.local.ports import LOOPBACK, free_port
from tests.faults.proxies import Crossing, Gone, Mishap, break_off

_STOP_SECONDS = 0.5
_ANY_SIZE = 1 << 26
_BETWEEN_HOPS = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "upgrade", "content-length"})
_REASONS = {401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests"}


class HttpProxy:
    """Passes requests to one API server.

    Args:
        server: `https://host:port` or `http://host:port`.
        certificate: What the server's certificate is checked with; None for plain HTTP.

    Attributes:
        port: Where it listens.
        crossing: What may pass.
    """

    def __init__(self, server: str, certificate: Path | None) -> None:
        self.port = free_port()
        self.crossing = Crossing()
        self._server = server
        self._tls = ssl.create_default_context(cafile=str(certificate)) if certificate else False
        application = web.Application(client_max_size=_ANY_SIZE)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=_STOP_SECONDS, auto_decompress=False
        )
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Listen."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port).start()

    async def stop(self) -> None:
        """Break all connections and listen no more."""
        for transport in list(self.crossing.breaking):
            break_off(transport)
        await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise web.HTTPBadGateway
        self.crossing.breaking.add(transport)
        try:
            return await self._pass_on(request)
        except (Gone, aiohttp.ClientError, OSError):
            break_off(transport)  # as an API server does that is not there
            raise web.HTTPBadGateway from None
        finally:
            self.crossing.breaking.discard(transport)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        def gone() -> bool:
            return request.transport is None or request.transport.is_closing()

        assert self._session is not None
        content, of_watch = await request.read(), "watch" in request.query
        mishap = self.crossing.hits(request.method)
        if mishap is Mishap.LATE:
            await self.crossing.dawdle()
            mishap = None
        await self.crossing.request(gone)
        if mishap is Mishap.REFUSED_BEFORE:
            return self._refusal()
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _BETWEEN_HOPS]
        asked = self._session.request(
            request.method,
            self._server + request.raw_path,
            headers=headers,
            data=content or None,
            allow_redirects=False,
        )
        async with asked as answer:
            if mishap is not None:
                await answer.read()
                await self.crossing.answer(gone)
                if mishap is Mishap.ANSWER_DROPPED:
                    raise Gone
                return self._refusal()
            response = web.StreamResponse(status=answer.status, headers=_passed_back(answer.headers))
            await self.crossing.answer(gone)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await self.crossing.answer(gone, of_watch=of_watch)
                await response.write(piece)
        with contextlib.suppress(OSError):
            await response.write_eof()
        return response

    def _refusal(self) -> web.Response:
        """An error as the API server tells it."""
        told = self.crossing.condition
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": _REASONS.get(told.status, "InternalError"),
            "message": f"the way to the API server is spoilt: {told.status}",
            "code": told.status,
        }
        headers = {} if told.retry_after is None else {"Retry-After": str(told.retry_after)}
        return web.Response(
            status=told.status, text=json.dumps(status), content_type="application/json", headers=headers
        )


def _passed_back(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _BETWEEN_HOPS]

"""An API server that says what a test tells it to, for answers that a real one gives only in bad times."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.redis_tls import Certificates

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def scripted(handler: Handler, certificates: Certificates | None = None) -> AsyncIterator[ApiClient]:
    """A client of a server whose every request goes to `handler`, over TLS if there are certificates."""
    port = free_port()
    async with listening(handler, port, certificates), client_of(port, certificates) as client:
        yield client


@contextlib.asynccontextmanager
async def listening(handler: Handler, port: int, certificates: Certificates | None = None) -> AsyncIterator[None]:
    """A server on that port whose every request goes to `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port, ssl_context=_tls(certificates)).start()
        yield
    finally:
        await runner.cleanup()


def _tls(certificates: Certificates | None) -> ssl.SSLContext | None:
    if certificates is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


@contextlib.asynccontextmanager
async def silent() -> AsyncIterator[ApiClient]:
    """A client of a server that takes connections and never says a word."""
    connections: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    port = free_port()
    server = await asyncio.start_server(accept, LOOPBACK, port)
    try:
        async with client_of(port) as client:
            yield client
    finally:
        server.close()
        for writer in connections:
            writer.close()


@contextlib.asynccontextmanager
async def client_of(port: int, certificates: Certificates | None = None) -> AsyncIterator[ApiClient]:
    """A client of whatever listens on that port, or of nothing."""
    configuration = Configuration(host=f"{'https' if certificates else 'http'}://{LOOPBACK}:{port}")
    if certificates is not None:
        configuration.ssl_ca_cert = str(certificates.authority)
    async with ApiClient(configuration) as client:
        yield client


def always(status: int, body: Any = None, **headers: str) -> Handler:
    """A handler with one answer to everything: JSON, or plain text if the body is a string."""

    async def answer(_: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body or {}, status=status, headers=headers)

    return answer


def in_turn(*handlers: Handler) -> Handler:
    """A handler that hands each request to the next of these."""
    script = iter(handlers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await next(script)(request)

    return answer


async def stream(request: web.Request, *events: Any, pause: float = 0) -> web.StreamResponse:
    """Answer a watch with these events; then stay silent for `pause` seconds and end it."""
    response = web.StreamResponse()
    await response.prepare(request)
    for event in events:
        await response.write(json.dumps(event).encode() + b"\n")
    await asyncio.sleep(pause)
    return response

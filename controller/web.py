"""What a replica answers over HTTP: is it alive, is it ready, what are its numbers.

The answers are looked up when they are asked for, in the event loop that does the work: a loop that hangs does not
answer, and that too is an answer. The room decides nothing: what counts as alive and ready comes in as a `Health`,
`metrics` as its `Numbers`. `app` starts it before the replica joins the ring, and stops it last.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from controller.errors import InvalidSettings

_STOP_SECONDS: Final = 1.0
"""How long answers under way may take when the server stops: a replica must exit within 10 s in all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        sentence: What it is.
        unready: Whether the replica is not ready because of it; else it only goes on in a lesser way.
    """

    sentence: str
    unready: bool = True


class Health(Protocol):
    """What a replica says about itself. Neither method waits."""

    def alive(self) -> list[str]:
        """What is so wrong that only a restart helps, each a sentence; empty if nothing is."""
        ...

    def ready(self) -> Mapping[str, Finding | None]:
        """For each thing that it depends on, by name, what is wrong with it; None if nothing is."""
        ...


class Numbers(Protocol):
    """What `/metrics` shows."""

    def render(self) -> tuple[bytes, str]:
        """The body and its content type."""
        ...


class WebServer:
    """The HTTP server of one replica.

    Args:
        health: Asked at each probe.
        numbers: Asked at each scrape.
        port: Where to listen; 0 takes any free port, see `port`. (That 0 switches it off is settled by `app`.)
        host: Address to listen on; None is all of them.
    """

    def __init__(self, health: Health, numbers: Numbers, *, port: int, host: str | None = None) -> None:
        self._health = health
        self._numbers = numbers
        self._port = port
        self._host = host
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=_STOP_SECONDS)

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen.

        Raises:
            InvalidSettings: The port is taken or not allowed.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            hint = " (0 switches the HTTP server off)" if error.errno == errno.EADDRINUSE else ""
            said = os.strerror(error.errno) if error.errno else str(error)
            raise InvalidSettings(f"DCRON_HTTP_PORT: cannot listen on port {self._port}: {said}{hint}") from error

    async def stop(self) -> None:
        """Close the port and finish the answers under way. May be called without `start`, and again."""
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        problems = self._health.alive()
        if problems:
            return web.json_response({"status": "unavailable", "problems": problems}, status=503)
        return web.json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        found = self._health.ready()
        checks = {name: "ok" if finding is None else finding.sentence for name, finding in found.items()}
        findings = [finding for finding in found.values() if finding is not None]
        if any(finding.unready for finding in findings):
            return web.json_response({"status": "unavailable", "checks": checks}, status=503)
        return web.json_response({"status": "degraded" if findings else "ok", "checks": checks})

    async def _metrics(self, _: web.Request) -> web.Response:
        body, content_type = self._numbers.render()
        # The whole content type: aiohttp's own argument refuses the parameters that Prometheus puts into it.
        return web.Response(body=body, headers={"Content-Type": content_type})

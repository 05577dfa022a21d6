"""A gate in the watch of the objects alone: it may fall silent, end, or tell an error, while all else passes.

A proxy like the others in this package, for faults that a network does not have but an API server, or a connection
that a firewall has forgotten, does. `test_object_watch` stands at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from deploy.local.cluster import ControlPlane
from deploy.local.ports import LOOPBACK
from tests.faults.httpproxy import HttpProxy

PLURAL = "distributedcronjobs"
_METADATA = "PartialObjectMetadataList"
_ANSWER_SECONDS = 30.0


class WatchGate(HttpProxy):
    """One replica's way to the API server.

    Attributes:
        lists: How many whole lists of the objects it has asked for,
        watches: and how many watches. The comparison asks for neither.
        told: The names of objects that a watch has told of.
        blind: Nothing passes on any watch of the objects, and none ends.
    """

    def __init__(self, server: str, certificate: Path) -> None:
        super().__init__(server, certificate)
        self.lists = self.watches = 0
        self.told: set[str] = set()
        self.blind = False
        self._dead = 0
        self._order = asyncio.Event()
        self._last_words: bytes = b""

    def stall(self) -> None:
        """The watches that are open fall silent for ever, and are not closed."""
        self._dead = self.watches

    async def end(self, code: int | None = None) -> None:
        """The watches that are open end: in order, or with an error told in the stream."""
        error = {"kind": "Status", "code": code, "message": "the test says so", "reason": "Expired"}
        self._last_words = b"" if code is None else json.dumps({"type": "ERROR", "object": error}).encode() + b"\n"
        self._order.set()
        self._order = asyncio.Event()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith(f"/{PLURAL}") and request.method == "GET":
            if "watch" in request.query:
                return await self._watch(request)
            self.lists += _METADATA not in request.headers.get("Accept", "")
        return await super()._pass_on(request)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        self.watches += 1
        number, order = self.watches, self._order
        headers = {name: value for name, value in request.headers.items() if name in ("Authorization", "Accept")}
        async with self._session.get(self._server + request.raw_path, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            pump = asyncio.create_task(self._pump(number, answer, response))
            ordered = asyncio.create_task(order.wait())
            try:
                await asyncio.wait({pump, ordered}, return_when=asyncio.FIRST_COMPLETED)
                if ordered.done():
                    await response.write(self._last_words)
            finally:
                for task in (pump, ordered):
                    task.cancel()
                await asyncio.gather(pump, ordered, return_exceptions=True)
        with contextlib.suppress(OSError):
            await response.write_eof()
        return response

    async def _pump(self, number: int, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        rest = b""
        async for piece in answer.content.iter_any():
            if not self.blind and number > self._dead:
                await response.write(piece)
                *lines, rest = (rest + piece).split(b"\n")
                self.told.update(_name(line) for line in lines)


def _name(event: bytes) -> str:
    """Of the object that an event is about; empty for a bookmark or an error."""
    return str(json.loads(event)["object"].get("metadata", {}).get("name", "")) if event else ""


class Gates:
    """Gates in a thread with a loop of its own; a context manager.

    Args:
        control_plane: What is behind them.
        folder: For kubeconfigs.
    """

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        self._control_plane = control_plane
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gates", daemon=True)
        self._gates: dict[str, WatchGate] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for gate in self._gates.values():
            self._wait_for(gate.stop())
        self._wait_for(_end_all_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_SECONDS)
        self._loop.close()

    def __getitem__(self, name: str) -> WatchGate:
        return self._gates[name]

    def open(self, name: str) -> Path:
        """A gate, a new one or the one there is; gives a kubeconfig that leads through it."""
        path = self._folder / f"{name}.kubeconfig"
        if name in self._gates:
            return path
        control_plane = self._control_plane
        gate = self._gates[name] = WatchGate(control_plane.server, control_plane.api.certificate)
        self._wait_for(gate.start())
        config = json.loads(control_plane.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": f"http://{LOOPBACK}:{gate.port}"}
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def end(self, name: str, code: int | None = None) -> None:
        """End the watches that are open at a gate."""
        self._wait_for(self._gates[name].end(code))

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_SECONDS)


async def _end_all_tasks() -> None:
    """Watches that were cut off are still being answered."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

"""Creates, replaces or reads many objects as fast as the API server takes them: what any client can do at most, and how
a run is laid out.

The bodies are made before the first request, the connections too. Several processes share the work where one would be
the limit itself.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import ssl
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from deploy.local.apiclient import ApiClient

ABREAST = 64
"""Requests of all processes together that are on their way at a time."""


def post(
    api: ApiClient, path: str, bodies: Sequence[dict[str, Any]], *, go_at: float = 0.0, processes: int = 1
) -> None:
    """Create objects.

    Args:
        path: The collection.
        go_at: The first request is not sent before this, Unix time.
        processes: How many share the work.

    Raises:
        RuntimeError: One was not created.
    """
    _send(api, "POST", [(path, _text(body)) for body in bodies], go_at, processes)


def put(api: ApiClient, bodies: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Replace objects.

    Args:
        bodies: Path and body of each.

    Raises:
        RuntimeError: One was not replaced.
    """
    _send(api, "PUT", [(path, _text(body)) for path, body in bodies], 0.0, 1)


def get(api: ApiClient, paths: Sequence[str]) -> None:
    """Read objects.

    Args:
        paths: Where they are.

    Raises:
        RuntimeError: One was not there.
    """
    _send(api, "GET", [(path, None) for path in paths], 0.0, 1)


def _text(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _send(
    api: ApiClient, method: str, requests: Sequence[tuple[str, bytes | None]], go_at: float, processes: int
) -> None:
    context = multiprocessing.get_context("spawn")
    abreast = max(1, ABREAST // processes)
    workers = [
        context.Process(target=_work, args=(api, method, list(requests[number::processes]), go_at, abreast))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(f"{method} failed for some of {len(requests)} objects; the first was {requests[0][0]}")


def _work(api: ApiClient, method: str, requests: list[tuple[str, bytes | None]], go_at: float, abreast: int) -> None:
    asyncio.run(_send_all(api, method, requests, go_at, abreast))


async def _send_all(
    api: ApiClient, method: str, requests: list[tuple[str, bytes | None]], go_at: float, abreast: int
) -> None:
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=abreast, ssl=ssl.create_default_context(cafile=str(api.certificate)))
    async with aiohttp.ClientSession(api.server, headers=headers, connector=connector) as session:

        async def ask() -> None:
            async with session.get("/version") as answer:
                await answer.read()

        async def take() -> None:
            while requests:
                path, text = requests.pop()
                async with session.request(method, path, data=text) as answer:
                    await answer.read()
                    answer.raise_for_status()

        await asyncio.gather(*(ask() for _ in range(abreast)))
        await asyncio.sleep(max(0.0, go_at - time.time()))
        await asyncio.gather(*(take() for _ in range(abreast)))

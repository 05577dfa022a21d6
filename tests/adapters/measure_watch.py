"""Measures what a change that the Job watch shows takes of a processor: `python -m tests.adapters.measure_watch`.

A server of its own shows new Jobs over TLS, one every millisecond and a half as in a herd; they are read one by one,
and then some at a time (`controller/stream.py`).
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from controller.api import ApiServer
from controller.clock import SystemClock
from controller.jobwatch import JobWatch
from controller.lister import JobLister
from deploy.local.ports import free_port
from deploy.local.redis_tls import Certificates
from tests.adapters.cluster_worlds import Requests, running
from tests.adapters.scripted_server import client_of, listening
from tests.bench import bodies

CHANGES = 2000
APART_SECONDS = 0.0015
PATIENCE_SECONDS = 30.0
NOT_COUNTED = 100
"""Changes before the watch has come into its stride."""


def lines() -> Iterator[bytes]:
    """New Jobs, about as the API server shows them."""
    for number, job in enumerate(bodies.plain_jobs("bench", CHANGES, datetime(2030, 1, 1, tzinfo=UTC))):
        uid, at = f"00000000-0000-4000-9000-{number:012}", "2030-01-01T00:00:00Z"
        given = {
            "uid": uid,
            "resourceVersion": str(number + 2),
            "creationTimestamp": at,
            "managedFields": [managed(job)],
        }
        body = {**job, "metadata": {**job["metadata"], **given}}
        yield json.dumps({"type": "ADDED", "object": body}, separators=(",", ":")).encode() + b"\n"


def managed(value: Any) -> Any:
    """What the API server notes of who wrote which field."""
    return {f"f:{name}": managed(part) for name, part in value.items()} if isinstance(value, dict) else {}


async def answer(request: web.Request) -> web.StreamResponse:
    """An empty list, or the watch."""
    if "watch" not in request.query:
        return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})
    response = web.StreamResponse()
    await response.prepare(request)
    at = time.monotonic()
    for line in lines():
        await response.write(line)
        at += APART_SECONDS
        await asyncio.sleep(max(0.0, at - time.monotonic()))
    await asyncio.sleep(60)
    return response


def serve(port: int, certificates: Certificates, ready: Event) -> None:
    """Show new Jobs to whoever watches, for ever."""

    async def for_ever() -> None:
        async with listening(answer, port, certificates):
            ready.set()
            await asyncio.Event().wait()

    uvloop.run(for_ever())


async def watch(port: int, certificates: Certificates, *, busy: bool) -> float:
    """Processor time for each change, microseconds."""
    async with client_of(port, certificates) as client:
        clock, jobs, seen = SystemClock(), JobLister(), 0
        done, began = asyncio.Event(), 0.0

        def take(job: Any) -> None:
            nonlocal seen, began
            jobs.see(job, elapsed=clock.elapsed())
            seen += 1
            if seen == NOT_COUNTED:
                began = time.process_time()
            if seen == CHANGES:
                done.set()

        watch = JobWatch(ApiServer(client, clock, Requests()), clock, busy=lambda: busy)
        async with running(watch.run(lambda _: None, take)):
            await done.wait()
        return 1e6 * (time.process_time() - began) / (CHANGES - NOT_COUNTED)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        certificates, port = Certificates(Path(folder)), free_port()
        context = multiprocessing.get_context("spawn")
        ready = context.Event()
        server = context.Process(target=serve, args=(port, certificates, ready))
        server.start()
        try:
            ready.wait(PATIENCE_SECONDS)
            for busy, how in ((False, "one by one"), (True, "some at a time")):
                taken = uvloop.run(watch(port, certificates, busy=busy))
                sys.stdout.write(f"{how}: {taken:.0f} us a change\n")
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()

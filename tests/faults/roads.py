"""All proxies of a stage, in a thread with an event loop of its own; they are told from any other thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from deploy.local.ports import LOOPBACK
from tests.cluster.fleet import Way
from tests.faults.httpproxy import HttpProxy
from tests.faults.proxies import CLEAR, Condition, Crossing, TcpProxy

_ANSWER_SECONDS = 30.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """The two ways of one replica."""

    redis: TcpProxy
    api: HttpProxy


class Roads:
    """Between each replica and the world; a context manager.

    Args:
        redis_url: Of the Redis behind the proxies; its user, password and database are kept.
        kubeconfig: Of the API server behind the proxies.
        certificate: What the API server's certificate is checked with.
        folder: For the replicas' kubeconfigs.
    """

    def __init__(self, redis_url: str, kubeconfig: Path, certificate: Path, folder: Path) -> None:
        self._redis_url = redis_url
        self._kubeconfig = json.loads(kubeconfig.read_text())
        self._certificate = certificate
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._roads: dict[str, Road] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for road in self._roads.values():
            self._wait_for(road.redis.stop())
            self._wait_for(road.api.stop())
        self._wait_for(_end_all_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_SECONDS)
        self._loop.close()

    def way(self, node: str) -> Way:
        """How a replica reaches the world, by proxies of its own."""
        road = self._roads.get(node) or self._built(node)
        return Way(
            kubeconfig=self._folder / f"{node}.kubeconfig",
            redis_url=_with_port(self._redis_url, road.redis.port),
        )

    def to_redis(self, node: str, condition: Condition) -> None:
        """Change the weather between a replica and Redis."""
        self._set(self._roads[node].redis.crossing, condition)

    def to_api(self, node: str, condition: Condition) -> None:
        """Change the weather between a replica and the API server."""
        self._set(self._roads[node].api.crossing, condition)

    def clear(self) -> None:
        """Fair weather on all ways."""
        for node in self._roads:
            self.to_redis(node, CLEAR)
            self.to_api(node, CLEAR)

    def _built(self, node: str) -> Road:
        parts = urlsplit(self._redis_url)
        assert parts.hostname is not None
        assert parts.port is not None
        road = Road(
            redis=TcpProxy(parts.hostname, parts.port),
            api=HttpProxy(self._kubeconfig["clusters"][0]["cluster"]["server"], self._certificate),
        )
        self._wait_for(road.redis.start())
        self._wait_for(road.api.start())
        self._roads[node] = road
        cluster = {"server": f"http://{LOOPBACK}:{road.api.port}"}
        config = {**self._kubeconfig, "clusters": [{**self._kubeconfig["clusters"][0], "cluster": cluster}]}
        path = self._folder / f"{node}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return road

    def _set(self, crossing: Crossing, condition: Condition) -> None:
        async def change() -> None:
            crossing.set(condition)

        self._wait_for(change())

    def _wait_for(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_SECONDS)


async def _end_all_tasks() -> None:
    """Watches that were cut off are still being answered."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _with_port(url: str, port: int) -> str:
    """The same Redis behind another port."""
    parts = urlsplit(url)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit(parts._replace(netloc=f"{user}{LOOPBACK}:{port}"))

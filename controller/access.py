"""How a replica reaches its cluster: `KUBECONFIG`, `~/.kube/config`, or the service account of its pod.

It gives a `kubernetes.aio` client with connections, TLS and credentials, and keeps the credentials fresh. It sends no
request of its own. `app` calls it once; `api` uses what it gives.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from controller.errors import InvalidSettings
from controller.ports import Clock

MAX_CONNECTIONS = 100
"""How many requests may be under way at once; more wait for a connection. An API server without load admits several
hundred, so this leaves room for the other clients."""
REFRESH = timedelta(minutes=1)
"""How long a token from a kubeconfig is used before the file is read again; `kubernetes` does so for those of pods."""
USER_AGENT = "dcron-controller"

logger = logging.getLogger(__name__)


async def connect(clock: Clock, environ: Mapping[str, str] = os.environ) -> ApiClient:
    """A client of the cluster that the environment names; the caller closes it.

    Args:
        clock: Says when a token is to be read again.
        environ: Where `KUBECONFIG` and `HOME` are read.

    Raises:
        InvalidSettings: There is no cluster, or its kubeconfig cannot be used.
    """
    configuration = Configuration()
    try:
        await _load(configuration, environ, clock)
    except (ConfigException, OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise InvalidSettings(f"no access to a cluster: {error}") from error
    configuration.retries = None  # a request is never repeated by itself: who retries looks at the world first
    configuration.connection_pool_maxsize = MAX_CONNECTIONS
    # As strict as kubectl: many clusters' authorities lack the key identifiers that Python 3.13 began to ask for.
    configuration.disable_strict_ssl_verification = True
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    # aiohttp would look into ~/.netrc before each request, in a thread, and might send a password found there.
    configuration.client_session_kwargs = {"trust_env": False}
    client = ApiClient(configuration)
    client.rest_client = _RestClient(configuration)
    client.user_agent = USER_AGENT
    return client


async def _load(configuration: Any, environ: Mapping[str, str], clock: Clock) -> None:
    given = environ.get("KUBECONFIG")
    usual = Path(environ.get("HOME") or Path.home()) / ".kube" / "config"
    if given or usual.exists():
        await _KubeConfig(given or str(usual), clock).load(configuration)
    else:
        load_incluster_config(configuration)  # it reads the token again by itself, each minute


class NewestFirst(aiohttp.TCPConnector):
    """Connections of which the one used last is used next, so that those of a busy moment fall idle and are closed.

    aiohttp takes the one that has waited longest. As long as there are some requests in each 15 s, its keep-alive, none
    is ever closed then; and each holds a third of a megabyte for TLS.
    """

    async def _get(self, key: Any, traces: Any) -> Any:
        if connections := self._conns.get(key):
            connections.rotate(1)  # it takes from the left, and puts back to the right
        return await super()._get(key, traces)


class _RestClient(RESTClientObject):  # type: ignore[misc]  # the library has no types
    """The library's own, with connections of ours: it names this method as the one to override."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        return NewestFirst(limit=self.maxsize, ssl=self.ssl_context)


class _KubeConfig:
    """A kubeconfig whose token may change while we run."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._loader: Any = None
        self._loaded_at = clock.elapsed()

    async def load(self, configuration: Any) -> None:
        self._loader = await load_kube_config(self._path, client_configuration=configuration, persist_config=False)
        configuration.refresh_api_key_hook = self.refresh

    async def refresh(self, configuration: Any) -> None:
        """Called before each request that carries a token."""
        now = self._clock.elapsed()
        if now - self._loaded_at < REFRESH:
            return
        self._loaded_at = now  # first, so that requests beside this one go on with the token there is
        try:
            await self._reload(configuration)
        except (ConfigException, OSError, KeyError, TypeError, ValueError, yaml.YAMLError):
            logger.warning("kubeconfig cannot be read again, the old token is kept", exc_info=True)

    async def _reload(self, configuration: Any) -> None:
        if hasattr(self._loader, "exec_plugin_expiry"):
            # Runs the credential plugin again only if what it gave has run out.
            await self._loader.load_and_set(configuration)
        elif "exec" not in (self._loader._user or ()):
            await self.load(configuration)


def _proxy(host: str) -> str | None:
    """The proxy that the environment names for this host, by the usual variables; none on loopback, as in Go."""
    parts = urlsplit(host)
    if proxy_bypass(parts.netloc) or _is_loopback(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"

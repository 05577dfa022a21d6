"""One request to the API server of the local control plane, for readiness and for checks; no client library."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """Talks to one API server as one user; a new connection for each call."""

    server: str
    certificate: Path
    token: str

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        """The JSON answer to one request.

        Raises:
            urllib.error.HTTPError: The server refused.
            OSError: No connection.
        """
        return json.loads(self._answer(method, path, body))

    def holds(self, path: str) -> bool:
        """True if a GET of that path is answered with success now; False for any refusal or no connection."""
        try:
            self._answer("GET", path, None)
        except (OSError, ssl.SSLError):  # HTTPError is an OSError
            return False
        return True

    def _answer(self, method: str, path: str, body: dict[str, object] | None) -> bytes:
        request = urllib.request.Request(
            self.server + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=context) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            raise

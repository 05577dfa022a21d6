"""The files that say who may talk to the API server: its token file, and a kubeconfig for each user."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

ADMIN = "admin"
COMPONENTS = ("kube-controller-manager", "kube-scheduler", "kwok")


def token_file(tokens: dict[str, str], guests: Iterable[str] = ()) -> str:
    """The text for ``--token-auth-file``: every user may do everything, but has a name of its own in the audit log.

    Args:
        tokens: By user.
        guests: Those users who may do nothing but what somebody grants them.
    """
    strangers = set(guests)
    return "".join(
        f"{token},{user},{user}" + ("\n" if user in strangers else ',"system:masters"\n')
        for user, token in tokens.items()
    )


def kubeconfig(*, server: str, certificate: bytes, user: str, token: str) -> str:
    """A kubeconfig with one context, self-contained. It is JSON, which every reader of YAML reads.

    Args:
        server: ``https://host:port``.
        certificate: PEM of the authority that the server's certificate is checked with.
        user: A name for people.
        token: What the server knows the user by.
    """
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(certificate).decode()}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dcron-local",
        "contexts": [{"name": "dcron-local", "context": {"cluster": "dcron-local", "user": user}}],
        "clusters": [{"name": "dcron-local", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
    }
    return json.dumps(config, indent=2) + "\n"

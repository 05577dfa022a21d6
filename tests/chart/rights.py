"""What an account asked the API server for, and what it was granted: both as triples of group, resource and verb."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ABOUT_ITSELF = "selfsubjectaccessreviews"


class Right(NamedTuple):
    """One verb on one kind of thing.

    Attributes:
        resource: With its subresource, such as `distributedcronjobs/status`.
    """

    group: str
    resource: str
    verb: str


def asked(audit_log: Path, account: str) -> Iterator[tuple[Right, bool]]:
    """Each request of an account about resources, and whether RBAC allowed it.

    A refusal for another reason, such as a namespace that is being deleted, is none of RBAC. Nor is a question of an
    account about itself, which every account may ask.
    """
    with audit_log.open() as lines:
        for line in lines:
            entry = json.loads(line)
            thing = entry.get("objectRef")
            if entry["user"]["username"] != account or not thing or "resource" not in thing:
                continue
            if thing["resource"] == ABOUT_ITSELF:
                continue
            resource = "/".join(filter(None, (thing["resource"], thing.get("subresource"))))
            allowed = entry["annotations"].get("authorization.k8s.io/decision") != "forbid"
            yield Right(thing.get("apiGroup", ""), resource, entry["verb"]), allowed


def granted(roles: Iterable[dict[str, Any]]) -> set[Right]:
    """All that roles allow."""
    return {
        Right(group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

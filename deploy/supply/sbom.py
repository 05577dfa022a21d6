"""The software bill of materials: the lock file as CycloneDX JSON.

Written here, in place of a library with thirty packages of its own: the lock file has all that is in it. It is the same
for the same lock file and version, to the byte. Licences are not in it, nor what the base image brings along.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from deploy.supply.lock import Pin

ROOT: Final = "distributed-cron-job"
"""The project, as the lock file calls it."""


def purl(pin: Pin) -> str:
    """The package's address, such as `pkg:pypi/aiohttp@3.14.5`."""
    return f"pkg:pypi/{pin.name}@{quote(pin.version, safe='')}"


def document(pins: Sequence[Pin], version: str) -> dict[str, Any]:
    """The bill of materials of the project in this version."""
    addresses = {pin.name: purl(pin) for pin in pins}
    references = {ROOT: f"{ROOT}@{version}", **addresses}
    needed: dict[str, list[str]] = {name: [] for name in references}
    for pin in pins:
        for name in pin.via:
            if name in needed:
                needed[name].append(addresses[pin.name])
    body: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": references[ROOT],
                "name": ROOT,
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [_component(pin) for pin in pins],
        "dependencies": [{"ref": references[name], "dependsOn": sorted(below)} for name, below in needed.items()],
    }
    return {**body, "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(body)).urn}


def text(pins: Sequence[Pin], version: str) -> str:
    """The same as a file."""
    return json.dumps(document(pins, version), indent=2) + "\n"


def _component(pin: Pin) -> dict[str, Any]:
    """One package. Its hashes are of the files that it may be installed from; a component's own would be of one."""
    hashes = [{"alg": "SHA-256", "content": content} for content in pin.hashes]
    return {
        "type": "library",
        "bom-ref": purl(pin),
        "name": pin.name,
        "version": pin.version,
        "purl": purl(pin),
        "externalReferences": [{"type": "distribution", "url": purl(pin), "hashes": hashes}],
    }

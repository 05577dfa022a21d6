"""The real helm, as a person runs it against the local control plane."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.local.replica import PROJECT

CHART = PROJECT / "charts" / "dcron"
SECONDS = 600.0
"""Longest for a test that installs: helm waits for pods, and a release may come and go more than once in it."""
_HELM_SECONDS = 300.0


class HelmFailed(Exception):
    """Helm ended with an error; its text is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helm:
    """Helm with folders of its own, so that nobody's repositories or plugins count.

    Attributes:
        kubeconfig: Of whom it acts for; None: it reaches no cluster.
    """

    binary: Path
    folder: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str | Path, values: Mapping[str, Any] | None = None) -> str:
        """What helm prints.

        Args:
            arguments: Its arguments.
            values: Handed over as a values file.

        Raises:
            HelmFailed: It ended with an error.
        """
        given: Sequence[str] = () if values is None else ("--values", "-")
        answer = subprocess.run(
            [self.binary, *arguments, *given],
            input="" if values is None else json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
            timeout=_HELM_SECONDS,
            env={**os.environ, **self._environment()},
        )
        if answer.returncode != 0:
            raise HelmFailed(answer.stderr.strip() + answer.stdout.strip())
        return answer.stdout

    def template(
        self, values: Mapping[str, Any], *, release: str = "dcron", namespace: str = "dcron-system"
    ) -> list[dict[str, Any]]:
        """The objects that the chart renders, without any cluster."""
        text = self.run("template", release, CHART, "--namespace", namespace, values=values)
        return [body for body in yaml.safe_load_all(text) if body]

    def _environment(self) -> dict[str, str]:
        homes = {f"HELM_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return {**homes, "KUBECONFIG": str(self.kubeconfig or self.folder / "no-cluster")}


def of_kind(objects: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    """The one object of that kind, or of that name too."""
    (found,) = (o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"]))
    return found

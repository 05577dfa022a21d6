"""The plugin as a user has it: `kubectl dcron`, where the real kubectl finds the console script on the PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.cluster.team import Team

_SECONDS = 300.0
_EXECUTABLE = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What `-o json` gave."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The plugin, installed in a folder of its own."""

    control_plane: ControlPlane
    folder: Path

    @classmethod
    def installed(cls, control_plane: ControlPlane, folder: Path) -> Plugin:
        """Console scripts as an installation makes them, of what `pyproject.toml` names."""
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
        for name, entry in project["scripts"].items():
            room, function = entry.split(":")
            script = folder / name
            script.write_text(f"#!{sys.executable}\nfrom {room} import {function}\n\n{function}()\n")
            script.chmod(_EXECUTABLE)
        return cls(control_plane=control_plane, folder=folder)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> Answer:
        """The real kubectl with the plugin on its PATH."""
        kubectl = self.control_plane.kubectl_path
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.control_plane.kubeconfig),
            "PATH": os.pathsep.join([str(self.folder), os.environ["PATH"]]),
            "PYTHONPATH": str(PROJECT),
        }
        done = subprocess.run(
            [kubectl, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env=environment,
        )
        return Answer(code=done.returncode, out=done.stdout, err=done.stderr)

    def __call__(self, team: Team, command: str, *arguments: str, stdin: str | None = None) -> Answer:
        """A command in a team's namespace."""
        return self.kubectl("dcron", command, "-n", team.namespace, *arguments, stdin=stdin)

    def asked(self, team: Team, command: str, *arguments: str) -> Any:
        """What a command tells programs; it must go well."""
        answer = self(team, command, *arguments, "-o", "json")
        assert answer.code == 0, answer.err
        return answer.value

"""Builders of OCI images, as far as they differ: which of them works here, and what it is told."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple


class Builder(NamedTuple):
    """A program, and how it is asked for the digest of an image that it has pulled."""

    program: str
    digest: tuple[str, ...]


_REPOSITORY = ("image", "inspect", "--format", "{{index .RepoDigests 0}}")
BUILDERS: Final = (
    Builder("docker", _REPOSITORY),
    Builder("podman", _REPOSITORY),
    Builder("nerdctl", _REPOSITORY),
    Builder("buildah", ("inspect", "--type", "image", "--format", "{{.FromImageDigest}}")),
)
"""In the order in which they are tried."""


class NoBuilder(Exception):
    """None works here; its text is a sentence for a person."""


class BuilderFailed(Exception):
    """The builder ended with an error; its text is what it said, if it was listened to."""


def first() -> Builder:
    """The first that is there and answers: a docker without its daemon does not.

    Raises:
        NoBuilder: There is none.
    """
    broken = []
    for builder in BUILDERS:
        try:
            _told(builder, "version")
        except FileNotFoundError:
            continue
        except BuilderFailed as error:
            broken.append(f"{builder.program} is there, but says: {' '.join(str(error).split())}")
        else:
            return builder
    names = ", ".join(builder.program for builder in BUILDERS)
    raise NoBuilder("; ".join([f"no image can be built here, for that takes one of {names}", *broken]))


def pulled(builder: Builder, image: str) -> str:
    """What the builder says of the digest of an image that it pulls now.

    Raises:
        BuilderFailed: It could not.
    """
    _told(builder, "pull", image)
    return _told(builder, *builder.digest, image)


def build(builder: Builder, folder: Path, tag: str, arguments: Mapping[str, str]) -> None:
    """Build what the folder's Dockerfile says; the builder talks to the person.

    Raises:
        BuilderFailed: It could not.
    """
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    _run([builder.program, "build", *given, "--tag", tag, "--file", str(folder / "Dockerfile"), str(folder)])


def _told(builder: Builder, *arguments: str) -> str:
    answer = subprocess.run([builder.program, *arguments], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BuilderFailed(answer.stderr.strip() or answer.stdout.strip())
    return answer.stdout


def _run(command: Sequence[str]) -> None:
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise BuilderFailed(f"{command[0]} build ended with status {status}")

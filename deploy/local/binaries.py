"""The programs of the local control plane, helm and promtool: found, or built from pinned source.

Looked for in ``KUBEBUILDER_ASSETS`` first, then in a cache outside the checkout; what is in neither is built with Go
into the cache. The versions are those of the Go modules beside this file. This room starts nothing but ``go``,
and uses the standard library only: the check of prerequisites runs it on a bare Python.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from deploy.local.errors import BuildFailed, MissingPrerequisite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MODULES = Path(__file__).parent
MINIMUM_GO = (1, 26)

_PROGRESS_SECONDS = 30
_LOG_TAIL_BYTES = 3000


class Recipe(NamedTuple):
    """How one binary is built: its package, in a Go module beside this file or at an absolute path."""

    name: str
    module: str
    package: str


RECIPES = (
    Recipe("etcd", "kubernetes", "go.etcd.io/etcd/server/v3"),
    Recipe("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    Recipe("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    Recipe("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"),
    Recipe("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl"),
    Recipe("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok"),
)

HELM = (Recipe("helm", "helm", "helm.sh/helm/v3/cmd/helm"),)
"""Apart, with a cache folder of its own: who only runs a cluster never waits for it, and its pins move alone."""

PROMTOOL = (Recipe("promtool", "promtool", "github.com/prometheus/prometheus/cmd/promtool"),)
"""Apart too; without the ways to find targets in clouds, which take half of its build."""

ASSETS_MUST_HOLD = ("kube-apiserver", "etcd", "kubectl")


def find(
    say: Callable[[str], None] = lambda line: None,
    environ: Mapping[str, str] = os.environ,
    recipes: Sequence[Recipe] = RECIPES,
) -> dict[str, Path]:
    """Paths of all binaries by name; what is missing is built, which takes minutes.

    Args:
        say: Takes lines of progress.
        environ: Where ``KUBEBUILDER_ASSETS``, ``XDG_CACHE_HOME`` and ``HOME`` are read.
        recipes: Which binaries: the control plane's, `HELM`, `PROMTOOL` or others.

    Raises:
        MissingPrerequisite: ``KUBEBUILDER_ASSETS`` is incomplete, or Go is needed and not there.
        BuildFailed: Go could not build one.
    """
    found = present(environ, recipes)
    if len(found) < len(recipes):
        _build_missing(say, environ, recipes)
        found = present(environ, recipes)
    return found


def present(environ: Mapping[str, str] = os.environ, recipes: Sequence[Recipe] = RECIPES) -> dict[str, Path]:
    """Paths of those binaries, by name, that need no build.

    Raises:
        MissingPrerequisite: ``KUBEBUILDER_ASSETS`` is set but lacks what it must hold.
    """
    folders = [folder for folder in (_assets(environ), _cached_bin(environ, recipes)) if folder is not None]
    found: dict[str, Path] = {}
    for recipe in recipes:
        for folder in folders:
            if os.access(folder / recipe.name, os.X_OK):
                found[recipe.name] = folder / recipe.name
                break
    return found


def go_version() -> tuple[int, int] | None:
    """Major and minor version of the Go that would build, or None if there is none."""
    match = re.match(r"go(\d+)\.(\d+)", _go_version_text() or "")
    return (int(match.group(1)), int(match.group(2))) if match else None


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds one cache folder for each set of pinned versions."""
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".cache")
    return Path(base) / "dcron" / "local"


def pins_key(modules: Path = MODULES, recipes: Sequence[Recipe] = RECIPES) -> str:
    """A short hash of all that makes the binaries: each go.mod and go.sum, our own sources beside them, the machine."""
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for module in dict.fromkeys(recipe.module for recipe in recipes):
        folder = modules / module
        for file in (folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*.go"))):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def kubernetes_version(modules: Path = MODULES) -> str:
    """The pinned version of Kubernetes, such as v1.36.3."""
    match = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (modules / "kubernetes" / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildFailed("deploy/local/kubernetes/go.mod does not name k8s.io/kubernetes")
    return match.group(1)


def linker_flags(version: str) -> str:
    """What tells the binaries their own version; without it the API server calls itself v0.0.0."""
    major, minor = version.lstrip("v").split(".")[:2]
    package = "k8s.io/component-base/version"
    return f"-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"


def helm_flags(modules: Path = MODULES) -> str:
    """What tells helm which Kubernetes to render for where it asks none; without it that is v1.20."""
    match = re.search(r"^\s*k8s\.io/client-go v0\.(\d+)\.", (modules / "helm" / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildFailed("deploy/local/helm/go.mod does not name k8s.io/client-go")
    packages = ("helm.sh/helm/v3/pkg/lint/rules", "helm.sh/helm/v3/pkg/chartutil")
    told = (f"-X {package}.k8sVersionMajor=1 -X {package}.k8sVersionMinor={match.group(1)}" for package in packages)
    return " ".join(("-s -w", *told))


def _assets(environ: Mapping[str, str]) -> Path | None:
    value = environ.get("KUBEBUILDER_ASSETS")
    if not value:
        return None
    lacking = [name for name in ASSETS_MUST_HOLD if not os.access(Path(value) / name, os.X_OK)]
    if lacking:
        raise MissingPrerequisite(f"KUBEBUILDER_ASSETS={value} lacks {', '.join(lacking)}")
    return Path(value)


def _cached_bin(environ: Mapping[str, str], recipes: Sequence[Recipe]) -> Path | None:
    """The cache for these pins and this Go; without Go, one that any Go has filled."""
    key, version = pins_key(recipes=recipes), _go_version_text()
    if version is not None:
        return cache_root(environ) / f"{key}-{version}" / "bin"
    return next(iter(sorted(cache_root(environ).glob(f"{key}-*/bin"))), None)


def _go_version_text() -> str | None:
    """The Go that builds here: inside the module, where Go may have switched to a newer toolchain by itself."""
    try:
        answer = subprocess.run(
            ["go", "env", "GOVERSION"], cwd=str(MODULES / "kubernetes"), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.split()[0] if answer.stdout.strip() else None


def _build_missing(say: Callable[[str], None], environ: Mapping[str, str], recipes: Sequence[Recipe]) -> None:
    what = "the local control plane" if recipes == RECIPES else ", ".join(recipe.name for recipe in recipes)
    version = go_version()
    if version is None or version < MINIMUM_GO:
        raise MissingPrerequisite(f"Go >= {MINIMUM_GO[0]}.{MINIMUM_GO[1]} is needed to build {what}")
    target = _cached_bin(environ, recipes)
    assert target is not None, "with Go there is always a cache folder"
    target.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / "lock", what, say):
        found = present(environ, recipes)  # again: another build may have filled the cache while we waited
        missing = [recipe for recipe in recipes if recipe.name not in found]
        if missing:
            say(f"building {what} into {target}; once, it takes some minutes")
        for number, recipe in enumerate(missing, start=1):
            _build(recipe, target, lambda line, n=number: say(f"[{n}/{len(missing)}] {line}"))  # type: ignore[misc]


@contextlib.contextmanager
def _locked(path: Path, what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Held by one process at a time; the kernel releases it when the process ends, however it ends."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"another process builds {what}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, target: Path, say: Callable[[str], None]) -> None:
    """Build one binary aside and move it into place, so that a half-written one is never found."""
    began = time.monotonic()
    workshop = Path(tempfile.mkdtemp(prefix="build-", dir=str(target.parent)))
    try:
        log = workshop / "build.log"
        say(f"{recipe.name} ...")
        with log.open("wb") as output:
            build = subprocess.Popen(
                _go_build(recipe, workshop / recipe.name),
                cwd=str(MODULES / recipe.module),
                env={**os.environ, "CGO_ENABLED": "0"},  # no C compiler needed
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _wait_aloud(build, recipe.name, began, say)
        if build.returncode != 0:
            raise BuildFailed(f"go build of {recipe.name} failed:\n{_tail(log)}")
        (workshop / recipe.name).replace(target / recipe.name)
    finally:
        shutil.rmtree(str(workshop), ignore_errors=True)
    say(f"{recipe.name} built in {time.monotonic() - began:.0f} s")


def _go_build(recipe: Recipe, output: Path) -> list[str]:
    flags, tags = "-s -w", "remove_all_sd" if recipe.module == "promtool" else ""
    if recipe.module == "kubernetes":
        flags = linker_flags(kubernetes_version())
    elif recipe.module == "helm":
        flags = helm_flags()
    return ["go", "build", "-tags", tags, "-trimpath", "-ldflags", flags, "-o", str(output), recipe.package]


def _wait_aloud(build: subprocess.Popen[bytes], name: str, began: float, say: Callable[[str], None]) -> None:
    try:
        while True:
            try:
                build.wait(timeout=_PROGRESS_SECONDS)
                return
            except subprocess.TimeoutExpired:
                say(f"{name} ... {time.monotonic() - began:.0f} s")
    except BaseException:
        build.terminate()
        build.wait()
        raise


def _tail(log: Path) -> str:
    return log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")

"""The kustomize base: what the chart renders as it comes, for those who install with kubectl.

The overlays beside it are written by hand, but for the roles of the namespaced one, and a test says that each gives
what the chart renders for its values. All that may differ stands here, in `HELM_LABELS` and `PASSWORD`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from deploy.chart.places import CRDS, MANIFESTS

RELEASE: Final = "dcron"
NAMESPACE: Final = "dcron-system"
HELM_LABELS: Final = ("app.kubernetes.io/managed-by", "helm.sh/chart")
"""Labels that say that Helm keeps an object, and which chart it is of: left out."""
SERVED: Final = "team-a"
"""The namespace of the namespaced overlay."""
NAMESPACED: Final = ("--set", f"watch.scope=namespaces,watch.namespaces={{{SERVED}}}")
"""What `helm template` is told for it."""
PASSWORD: Final = "dcron-redis"
"""The Secret that Helm makes up; kustomize makes it of a file of the user's, so its data differ."""
PASSWORD_FILE: Final = "redis.env"

_HEAD = "# Made from the chart by `python -m deploy.chart write`: change the chart, or patch this in an overlay.\n"
_SOURCE = "# Source: "
_FOLDERS = ("base", "crd", "redis-password")
_ROLES = "overlays/namespaced/roles.yaml"
_KUSTOMIZATION = "kustomization.yaml"
_SECRET = (NAMESPACE, "Secret", PASSWORD)


class Document(NamedTuple):
    """One rendered object: the name of its template, and its text without what only Helm needs."""

    template: str
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """The object itself."""
        found: dict[str, Any] = yaml.safe_load(self.text)
        return found

    @property
    def identity(self) -> tuple[str, str, str]:
        """Namespace, kind and name."""
        body = self.body
        return body["metadata"].get("namespace", ""), body["kind"], body["metadata"]["name"]


def made(whole: str, namespaced: str) -> dict[str, str]:
    """Each file's text by its path below the folder of manifests.

    Args:
        whole: What `helm template` prints for the chart as it comes, without hooks.
        namespaced: The same where `SERVED` alone is served.
    """
    base = [document for document in _documents(whole) if document.identity != _SECRET]
    (secret,) = (document for document in _documents(whole) if document.identity == _SECRET)
    known = {document.identity for document in _documents(whole)}
    roles = [document for document in _documents(namespaced) if document.identity not in known]
    crds = {crd.name: crd.read_text() for crd in sorted(CRDS.iterdir())}
    templates = sorted({document.template for document in base})
    return {
        **{f"base/{name}": _joined(document for document in base if document.template == name) for name in templates},
        f"base/{_KUSTOMIZATION}": _kustomization(templates),
        **{f"crd/{name}": text for name, text in crds.items()},
        f"crd/{_KUSTOMIZATION}": _kustomization(list(crds)),
        f"redis-password/{_KUSTOMIZATION}": _password(secret.body),
        _ROLES: _joined(roles),
    }


def stale(whole: str, namespaced: str, folder: Path = MANIFESTS) -> list[str]:
    """Paths of files that are missing, left over or not equal."""
    wanted = made(whole, namespaced)
    paths = [path for name in _FOLDERS for path in (folder / name).glob("*") if path.name != PASSWORD_FILE]
    there = {str(path.relative_to(folder)): path.read_text() for path in [*paths, folder / _ROLES] if path.exists()}
    return sorted(path for path in {*wanted, *there} if wanted.get(path) != there.get(path))


def write(whole: str, namespaced: str, folder: Path = MANIFESTS) -> None:
    """Make them equal."""
    wanted = made(whole, namespaced)
    for path in stale(whole, namespaced, folder):
        if path in wanted:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(wanted[path])
        else:
            (folder / path).unlink()


def _documents(rendered: str) -> Iterator[Document]:
    for text in f"\n{rendered}".split("\n---\n"):
        source, _, rest = text.strip().partition("\n")
        if source.startswith(_SOURCE):
            kept = [line for line in rest.splitlines() if not line.strip().startswith(HELM_LABELS)]
            yield Document(Path(source.removeprefix(_SOURCE)).name, "\n".join(kept).rstrip() + "\n")


def _joined(documents: Iterable[Document]) -> str:
    return _HEAD + "---\n".join(document.text for document in documents)


def _kustomization(resources: list[str]) -> str:
    lines = [f"{_HEAD}apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", "resources:"]
    return "\n".join([*lines, *(f"- {name}" for name in resources)]) + "\n"


def _password(secret: dict[str, Any]) -> str:
    meta = secret["metadata"]
    (key,) = secret["data"]
    labels = "".join(f"\n      {key}: {json.dumps(value)}" for key, value in meta["labels"].items())
    return f"""\
{_HEAD}# The password of the bundled Redis. It is nobody's but yours, so its file is not here: make it once, with
#   echo "{key}=$(openssl rand -hex 24)" > deploy/kustomize/redis-password/{PASSWORD_FILE}
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
secretGenerator:
- name: {meta["name"]}
  namespace: {meta["namespace"]}
  type: {secret["type"]}
  envs: [{PASSWORD_FILE}]
  options:
    disableNameSuffixHash: true
    labels:{labels}
"""

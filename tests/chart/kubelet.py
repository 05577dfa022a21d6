"""Plays the kubelet for pods of the chart: what a container would be given, as the environment of a process.

No container runs on the local control plane; kwok says that pods are ready. What is in a pod is read here from the API
server, never from the templates: variables, Secrets, the downward API, and the token of the pod's service account.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.cluster import ControlPlane
from deploy.local.kubeconfig import kubeconfig

_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a container of a pod is started with.

    Attributes:
        command: Command and arguments, variables filled in.
        environment: Its variables; the paths of mounted Secrets are those of files that are there.
        mounts: By path in the container, the folder that stands for it.
    """

    pod: str
    command: list[str]
    environment: dict[str, str]
    mounts: dict[str, Path]


def containers(control_plane: ControlPlane, namespace: str, component: str, folder: Path) -> list[Container]:
    """The first container of each pod of a component of the chart, by the pods' names.

    Args:
        control_plane: Where the pods are.
        namespace: Theirs.
        component: The label `app.kubernetes.io/component`.
        folder: For what is mounted.
    """
    return [_container(control_plane, pod, folder) for pod in pods(control_plane, namespace, component)]


def pods(control_plane: ControlPlane, namespace: str, component: str) -> list[dict[str, Any]]:
    """The pods of a component that are there to stay, by their names."""
    selector = f"labelSelector=app.kubernetes.io/component%3D{component}"
    found = control_plane.api.call("GET", f"/api/v1/namespaces/{namespace}/pods?{selector}")["items"]
    there = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
    return sorted(there, key=lambda pod: str(pod["metadata"]["name"]))


def account_kubeconfig(control_plane: ControlPlane, pod: dict[str, Any], folder: Path) -> Path:
    """A kubeconfig with a token of the pod's service account, bound to the pod as the kubelet's are."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    account = pod["spec"]["serviceAccountName"]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": pod["metadata"]["uid"]}
    request: dict[str, object] = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600, "boundObjectRef": bound},
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    token = control_plane.api.call("POST", path, request)["status"]["token"]
    certificate = control_plane.api.certificate.read_bytes()
    file = folder / f"{name}.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(kubeconfig(server=control_plane.server, certificate=certificate, user=account, token=token))
    return file


def _container(control_plane: ControlPlane, pod: dict[str, Any], folder: Path) -> Container:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    spec = pod["spec"]["containers"][0]
    mounts = _mounts(control_plane, pod, spec, folder / f"{name}-mounts")
    environment: dict[str, str] = {}
    for variable in spec.get("env", []):
        value = _value(control_plane, namespace, pod, variable)
        environment[variable["name"]] = _moved(_filled(value, environment), mounts)
    words = [*spec.get("command", []), *spec.get("args", [])]
    command = [_moved(_filled(word, environment), mounts) for word in words]
    return Container(pod=name, command=command, environment=environment, mounts=mounts)


def _value(control_plane: ControlPlane, namespace: str, pod: dict[str, Any], variable: dict[str, Any]) -> str:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value", ""))
    if "fieldRef" in source:
        found: Any = pod
        for field in source["fieldRef"]["fieldPath"].split("."):
            found = found[field]
        return str(found)
    reference = source["secretKeyRef"]
    return _secret(control_plane, namespace, reference["name"])[reference["key"]].decode()


def _mounts(control_plane: ControlPlane, pod: dict[str, Any], spec: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Make the folders of a container's volumes; what the API server adds for its token is left out.

    A path in a file, such as that of a certificate in a URL, is turned into that of the folder, as in a variable.
    """
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    namespace = pod["metadata"]["namespace"]
    wanted = {
        mount["mountPath"]: volumes[mount["name"]]
        for mount in spec.get("volumeMounts", [])
        if not mount["name"].startswith("kube-api-access-")
    }
    mounts = {path: _place(control_plane, namespace, volume, folder) for path, volume in wanted.items()}
    for path, place in mounts.items():
        place.mkdir(parents=True, exist_ok=True)
        if "configMap" in wanted[path]:
            _bring(control_plane, pod, wanted[path]["configMap"], place)
        for source in _secrets(wanted[path]):
            data = _secret(control_plane, namespace, source["name"])
            for item in source.get("items") or [{"key": key, "path": key} for key in data]:
                (place / item["path"]).write_text(_moved(data[item["key"]].decode(), mounts))
    return mounts


def bring_config_maps(control_plane: ControlPlane, pod: dict[str, Any], folder: Path) -> None:
    """Bring the mounted ConfigMaps of a pod up to date, as the kubelet does now and then.

    Args:
        folder: The one that its containers were made in.
    """
    for volume in pod["spec"]["volumes"]:
        if "configMap" in volume:
            place = folder / f"{pod['metadata']['name']}-mounts" / volume["name"]
            _bring(control_plane, pod, volume["configMap"], place)


def _bring(control_plane: ControlPlane, pod: dict[str, Any], source: dict[str, Any], place: Path) -> None:
    """Put a ConfigMap's files there: a folder of its own for each version, and a link that is renamed over the last."""
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/configmaps/{source['name']}"
    found = control_plane.api.call("GET", path)
    version = place / f"..{found['metadata']['resourceVersion']}"
    version.mkdir(exist_ok=True)
    for name, text in found["data"].items():
        (version / name).write_text(text)
        if not (place / name).is_symlink():
            (place / name).symlink_to(f"..data/{name}")
    (place / "..new").symlink_to(version.name)
    (place / "..new").replace(place / "..data")


def _place(control_plane: ControlPlane, namespace: str, volume: dict[str, Any], folder: Path) -> Path:
    """The folder that stands for a volume: one of the pod's own, or the one that its claim is bound to."""
    claim = volume.get("persistentVolumeClaim")
    if claim is None:
        return folder / str(volume["name"])
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim['claimName']}"
    bound = control_plane.api.call("GET", path)["spec"]["volumeName"]
    return Path(control_plane.api.call("GET", f"/api/v1/persistentvolumes/{bound}")["spec"]["hostPath"]["path"])


def _secrets(volume: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if secret := volume.get("secret"):
        yield {"name": secret["secretName"], "items": secret.get("items")}
    for source in volume.get("projected", {}).get("sources", []):
        yield source["secret"]


def _secret(control_plane: ControlPlane, namespace: str, name: str) -> dict[str, bytes]:
    data = control_plane.api.call("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")["data"]
    return {key: base64.b64decode(value) for key, value in data.items()}


def _filled(text: str, environment: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: environment.get(found[1], found[0]), text)


def _moved(text: str, mounts: Mapping[str, Path]) -> str:
    """A text with the paths of mounts turned into those of the folders that stand for them, in one go."""
    paths = "|".join(map(re.escape, sorted(mounts, key=len, reverse=True)))
    return re.sub(rf"(?<![\w/])({paths})(?=/|$)", lambda found: str(mounts[found[1]]), text) if mounts else text

"""The optional share of the API server for the controller: accepted there, and for its own requests only."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.cluster.fleet import eventually

CONTROLLER = "system:serviceaccount:dcron-system:dcron"
_SCHEMA_HEADER = "X-Kubernetes-PF-FlowSchema-UID"
_TIMEOUT_SECONDS = 10.0


def schema_of(control_plane: ControlPlane, user: str) -> str:
    """The UID of the FlowSchema that a request of this user falls under, whether it is allowed or not."""
    api = control_plane.api
    request = urllib.request.Request(
        f"{api.server}/apis/batch/v1/namespaces/default/jobs",
        headers={
            "Authorization": f"Bearer {api.token}",
            "Impersonate-User": user,
            "Impersonate-Group": "system:serviceaccounts",
        },
    )
    context = ssl.create_default_context(cafile=str(api.certificate))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=context) as answer:
            return str(answer.headers.get(_SCHEMA_HEADER))
    except urllib.error.HTTPError as refused:
        refused.close()
        return str(refused.headers.get(_SCHEMA_HEADER))


@pytest.fixture
def schema(control_plane: ControlPlane) -> str:
    """The UID of the FlowSchema that is in `deploy/`, applied."""
    control_plane.kubectl("apply", "-f", str(PROJECT / "deploy" / "flowcontrol.yaml"))
    return control_plane.kubectl("get", "flowschema", "dcron", "-o", "jsonpath={.metadata.uid}")


def test_the_controllers_requests_have_a_share_of_their_own(control_plane: ControlPlane, schema: str) -> None:
    eventually(lambda: schema_of(control_plane, CONTROLLER) == schema, "the controller's flow schema")
    assert schema_of(control_plane, "system:serviceaccount:dcron-system:another") != schema
    missing = control_plane.kubectl(
        "get", "flowschema", "dcron", "-o", "jsonpath={.status.conditions[?(@.type=='Dangling')].status}"
    )
    assert missing == "False"

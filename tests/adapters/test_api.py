"""What each answer of an API server, and each silence, is to us."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client import ApiClient

from controller import access
from controller.api import Answer, ApiServer, UnexpectedAnswer
from controller.clock import SystemClock
from controller.errors import (
    ClusterUnavailable,
    Conflict,
    DcronError,
    InvalidSettings,
    NamespaceTerminating,
    NotServed,
    Refused,
    Throttled,
)
from controller.events import EventPoster
from controller.instants import parse_time
from controller.jobs import Job
from controller.kube import KubeCluster
from controller.messages import Extent, JobRejected
from controller.ports import Cluster
from controller.spec import CronJob, Key, Spec
from deploy.local.kubeconfig import kubeconfig
from deploy.local.ports import free_port
from tests.adapters.cluster_worlds import NODE, Hours, Requests, manifest
from tests.adapters.scripted_server import Handler, always, client_of, in_turn, scripted, silent

NOON = parse_time("2030-01-01T12:00:00Z")
CRON_JOB = CronJob(
    key=Key("default", "hourly"),
    uid="11111111-2222-4333-8444-555555555555",
    generation=1,
    resource_version="7",
    created_at=NOON,
    edited_at=NOON,
    deleted=False,
    spec=Spec(expressions=("0 * * * *",)),
)
JOB = Job(
    namespace="default",
    name="hourly-1",
    uid="66666666-7777-4888-8999-000000000000",
    owner_uid=CRON_JOB.uid,
    controlled_by=CRON_JOB.uid,
    created_at=NOON,
    scheduled_at=NOON,
)
PATIENT = timedelta(seconds=5)
Call = Callable[[Cluster], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "ping": lambda cluster: cluster.ping(),
    "read": lambda cluster: cluster.read(CRON_JOB.key),
    "versions": lambda cluster: cluster.versions(),
    "extent": lambda cluster: cluster.extent(),
    "list_jobs": lambda cluster: cluster.list_jobs(CRON_JOB),
    "create_job": lambda cluster: cluster.create_job(manifest(CRON_JOB)),
    "check_job": lambda cluster: cluster.check_job(manifest(CRON_JOB)),
    "delete_job": lambda cluster: cluster.delete_job(JOB),
    "write_status": lambda cluster: cluster.write_status(CRON_JOB, {}),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def status(reason: str, message: str = "", **details: Any) -> dict[str, Any]:
    """A `Status` as the API server gives it for a failure."""
    return {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "details": details}


def api_of(client: ApiClient, requests: Requests | None = None, timeout: timedelta = PATIENT) -> ApiServer:
    return ApiServer(client, SystemClock(), requests or Requests(), timeout=timeout)


def cluster_of(client: ApiClient, requests: Requests | None = None, timeout: timedelta = PATIENT) -> KubeCluster:
    api = api_of(client, requests, timeout)
    return KubeCluster(api, EventPoster(api, SystemClock(), Requests(), node=NODE))


@every_call
async def test_a_port_that_nobody_listens_on_is_an_unavailable_cluster(call: Call) -> None:
    requests = Requests()
    async with client_of(free_port()) as client:
        with pytest.raises(ClusterUnavailable, match="cannot be reached"):
            await call(cluster_of(client, requests))

    assert requests.errors == ["ClusterUnavailable"]  # asked once: nothing is repeated in here


@every_call
async def test_a_server_that_never_answers_is_given_up_after_the_time_out(call: Call) -> None:
    async with silent() as client:
        with pytest.raises(ClusterUnavailable, match=r"no answer within 0\.05 s"):
            await call(cluster_of(client, timeout=timedelta(seconds=0.05)))


@pytest.mark.parametrize(
    ("handler", "error", "words"),
    [
        pytest.param(always(500, status("InternalError", "etcd is slow")), ClusterUnavailable, "etcd", id="error"),
        pytest.param(always(503, "not ready"), ClusterUnavailable, "503", id="unavailable, in plain text"),
        pytest.param(always(401, status("Unauthorized")), ClusterUnavailable, "credentials", id="bad credentials"),
        pytest.param(always(404, "404 page not found"), NotServed, "is the CRD installed", id="not served"),
        pytest.param(always(200, "<html>"), ClusterUnavailable, "not served", id="something else answers"),
        pytest.param(always(429, status("TooManyRequests", "slowly")), Throttled, "slowly", id="too many"),
        pytest.param(always(403, status("Forbidden", "no right")), Refused, "no right", id="forbidden"),
        pytest.param(
            always(403, status("Forbidden", "it ends", causes=[{"reason": "NamespaceTerminating"}])),
            NamespaceTerminating,
            "it ends",
            id="namespace being deleted",
        ),
    ],
)
@every_call
async def test_a_failure_is_translated(call: Call, handler: Handler, error: type[DcronError], words: str) -> None:
    requests = Requests()
    async with scripted(handler) as client:
        with pytest.raises(error, match=words):
            await call(cluster_of(client, requests))

    assert requests.errors == [error.__name__]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7), ({}, 1), ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 1)],
    ids=["as it says", "unsaid", "unreadable"],
)
async def test_a_throttled_request_says_when_to_come_back(headers: dict[str, str], seconds: float) -> None:
    async with scripted(always(429, status("TooManyRequests"), **headers)) as client:
        with pytest.raises(Throttled) as caught:
            await api_of(client).request("get", "/version")

    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("code", "error"),
    [(200, None), (404, None), (403, Refused), (429, Throttled), (401, ClusterUnavailable), (500, ClusterUnavailable)],
)
async def test_a_ping_returns_only_if_the_api_server_shows_what_it_stores(
    code: int, error: type[Exception] | None
) -> None:
    async with scripted(always(code, status("Whatever"))) as client:
        with pytest.raises(error) if error is not None else contextlib.nullcontext():
            await cluster_of(client).ping()


async def test_a_create_that_loses_to_a_quota_of_another_create_is_a_conflict() -> None:
    async with scripted(always(409, status("Conflict", "quota"))) as client:
        with pytest.raises(Conflict, match="quota"):
            await cluster_of(client).create_job(manifest(CRON_JOB))


async def test_a_create_in_a_namespace_that_is_gone_is_that_of_one_being_deleted() -> None:
    async with scripted(always(404, status("NotFound", "namespaces"))) as client:
        with pytest.raises(NamespaceTerminating):
            await cluster_of(client).create_job(manifest(CRON_JOB))


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_create_that_can_never_work_is_rejected(code: int) -> None:
    async with scripted(always(code, status("Invalid", "spec.x: no"))) as client:
        assert await cluster_of(client).create_job(manifest(CRON_JOB)) == JobRejected(message="spec.x: no")
        assert await cluster_of(client).check_job(manifest(CRON_JOB)) == "spec.x: no"


async def test_a_create_that_meets_a_job_which_is_gone_when_it_is_read_is_a_conflict_and_not_sent_again() -> None:
    """The name was taken, so the firing had its Job: under Replace it may live for a second. One more would be two."""
    body = manifest(CRON_JOB)
    created = {**body, "metadata": {**body["metadata"], "uid": JOB.uid, "creationTimestamp": "2030-01-01T12:00:00Z"}}
    answers = in_turn(always(409, status("AlreadyExists")), always(404, status("NotFound")), always(201, created))
    async with scripted(answers) as client:
        with pytest.raises(Conflict, match="has been there"):
            await cluster_of(client).create_job(body)


@pytest.mark.parametrize("code", [404, 409], ids=["gone", "another UID"])
async def test_a_delete_of_what_is_gone_says_so(code: int) -> None:
    async with scripted(always(code, status("Whatever"))) as client:
        assert not await cluster_of(client).delete_job(JOB)


async def test_an_answer_that_no_correct_request_gets_is_a_bug() -> None:
    with pytest.raises(UnexpectedAnswer, match="HTTP 418"):
        Answer(status=418, body={}).expect_ok()


async def test_so_many_connections_are_open_afterwards_and_none_of_them_matters() -> None:
    peers: list[object] = []

    async def slowly(request: Any) -> Any:
        peers.append(request.transport.get_extra_info("peername"))
        await SystemClock().sleep(timedelta(milliseconds=50))
        return await always(503 if len(peers) == 1 else 200, {})(request)

    async with scripted(slowly) as client:
        cluster = cluster_of(client)
        await cluster.open_connections(7)
        assert len(set(peers)) == 7
        await cluster.open_connections(7)
        assert len(set(peers)) == 7, "they are used again"
    async with client_of(free_port()) as client:
        await cluster_of(client).open_connections(3)  # nobody is there: no error


def page(*names: str, more: str = "") -> Handler:
    """A page of a list of objects by their metadata."""
    items = [
        {"metadata": {"namespace": "ns", "name": name, "uid": f"u-{name}", "resourceVersion": "5"}} for name in names
    ]
    return always(200, {"metadata": {"resourceVersion": "9", "continue": more}, "items": items})


async def test_all_pages_of_the_versions_are_asked_for() -> None:
    asked: list[dict[str, str]] = []
    answer = in_turn(page("a", "b", more="after b"), page("c"))

    async def note(request: Any) -> Any:
        asked.append(dict(request.query))
        return await answer(request)

    async with scripted(note) as client:
        versions = await cluster_of(client).versions()

    assert versions == {Key("ns", name): (f"u-{name}", "5") for name in "abc"}
    assert [query.get("continue") for query in asked] == [None, "after b"]
    assert all(int(query["limit"]) <= 1000 for query in asked)


async def test_versions_whose_pages_took_too_long_are_no_list() -> None:
    async with scripted(in_turn(page("a", more="after a"), always(410, status("Expired", "too old")))) as client:
        with pytest.raises(ClusterUnavailable, match="too old"):
            await cluster_of(client).versions()


async def test_an_api_server_that_does_not_tell_how_many_come_after_a_page_has_all_pages_asked_for() -> None:
    async with scripted(in_turn(page("a", more="after a"), page("a", more="after a"), page("b", "c"))) as client:
        assert await cluster_of(client).extent() == Extent(count=3, version=9)


async def test_the_extent_of_several_namespaces_is_that_of_all() -> None:
    first = always(
        200, {"metadata": {"resourceVersion": "7", "continue": "more", "remainingItemCount": 41}, "items": [{}]}
    )
    second = always(200, {"metadata": {"resourceVersion": "8"}, "items": None})
    async with scripted(in_turn(first, second)) as client:
        api = api_of(client)
        cluster = KubeCluster(api, EventPoster(api, SystemClock(), Requests(), node=NODE), namespaces=("one", "two"))
        assert await cluster.extent() == Extent(count=42, version=8)


async def test_a_token_is_read_again_when_the_kubeconfig_changes(tmp_path: Path) -> None:
    seen: list[str | None] = []
    clock = Hours()

    async def note(request: Any) -> Any:
        seen.append(request.headers.get("Authorization"))
        return await always(200)(request)

    async with scripted(note) as plain:
        path = tmp_path / "kubeconfig"

        def write(token: str) -> None:
            path.write_text(kubeconfig(server=plain.configuration.host, certificate=b"", user="me", token=token))

        write("old")
        async with await access.connect(clock, {"KUBECONFIG": str(path)}) as client:
            await api_of(client).request("get", "/version")
            write("new")
            await api_of(client).request("get", "/version")
            clock.hours += 1
            await api_of(client).request("get", "/version")
            path.write_text("{")
            clock.hours += 1
            await api_of(client).request("get", "/version")

    assert seen == ["Bearer old", "Bearer old", "Bearer new", "Bearer new"]


@pytest.mark.parametrize("text", [None, "{", "[]", "kind: Config\n"], ids=["absent", "broken", "a list", "empty"])
async def test_a_kubeconfig_that_cannot_be_used_stops_the_start_with_a_sentence(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidSettings, match="cluster"):
        await access.connect(SystemClock(), {"KUBECONFIG": str(path)})


async def test_no_cluster_at_all_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cluster"):
        await access.connect(SystemClock(), {"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("server", "proxy"),
    [
        ("http://cluster.example:6443", "http://proxy.example:3128"),
        ("http://cluster.internal:6443", None),
        ("http://127.0.0.1:6443", None),
        ("http://localhost:6443", None),
    ],
    ids=["outside", "excepted", "loopback", "local host"],
)
async def test_the_proxy_of_the_environment_is_used_except_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, proxy: str | None
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", ".internal")
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(server=server, certificate=b"", user="me", token="secret"))
    async with await access.connect(SystemClock(), {"KUBECONFIG": str(path)}) as client:
        assert client.configuration.proxy == proxy

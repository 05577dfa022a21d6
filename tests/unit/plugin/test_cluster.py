"""The API server behind HTTP, played by a script: what each answer means, and which kubeconfig is taken.

The real one is tried by the cluster suite, with the same contract as the fake.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from controller.spec import Key
from plugin import cluster
from plugin.cluster import ApiServer
from plugin.failures import Conflicting, Denied, Failure, NotFound, Rejected, Unreachable
from plugin.ports import CRON_JOBS, JOBS, Address
from tests.unit.plugin.contract import keeps_the_contract
from tests.unit.plugin.fake import FakeClock, FakeCluster

KEY = Key("default", "report")


class Script(HTTPServer):
    """A server that gives what it was told to, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Script

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, content = self.server.answers.pop(0)
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response_only(status)
        self.send_header("Date", "Wed, 01 Jul 2026 10:00:30 GMT")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *arguments: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def script() -> Iterator[Script]:
    with Script() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def config(server: str, **contexts: str | None) -> str:
    """A kubeconfig whose contexts have these namespaces; the first is the current one."""
    listed = contexts or {"main": None}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": next(iter(listed)),
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "secret"}}],
            "contexts": [
                {"name": name, "context": {"cluster": "c", "user": "u", **({"namespace": of} if of else {})}}
                for name, of in listed.items()
            ],
        }
    )


@pytest.fixture
def api(script: Script, tmp_path: Path) -> ApiServer:
    path = tmp_path / "config"
    path.write_text(config(f"http://127.0.0.1:{script.server_port}"))
    return cluster.connect(Address(kubeconfig=str(path)), FakeClock())


def test_the_fake_keeps_the_contract() -> None:
    keeps_the_contract(FakeCluster(), "default")


def test_a_request_carries_credentials_and_what_it_is_about(api: ApiServer, script: Script) -> None:
    script.answers = [(200, {"kind": "x"})] * 4
    api.read(CRON_JOBS, KEY)
    api.patch(CRON_JOBS, KEY, {"a": 1}, subresource="status")
    api.create(JOBS, {"metadata": {"namespace": "x"}}, dry_run=True)
    api.delete(CRON_JOBS, KEY, uid="u")
    read, patch, create, delete = script.asked
    path = "/apis/dcron.io/v1/namespaces/default/distributedcronjobs/report"
    assert read[:2] == ("GET", path)
    assert read[2]["authorization" if "authorization" in read[2] else "Authorization"] == "Bearer secret"
    assert patch[:2] == ("PATCH", f"{path}/status?fieldManager=kubectl-dcron")
    assert (patch[2]["Content-Type"], patch[3]) == ("application/merge-patch+json", {"a": 1})
    assert urlsplit(create[1]).path == "/apis/batch/v1/namespaces/x/jobs"
    assert parse_qs(urlsplit(create[1]).query)["dryRun"] == ["All"]
    assert delete[3]["preconditions"] == {"uid": "u"}


def test_long_lists_are_read_page_by_page(api: ApiServer, script: Script) -> None:
    script.answers = [
        (200, {"metadata": {"continue": "more of it"}, "items": [{"a": 1}]}),
        (200, {"metadata": {}, "items": [{"a": 2}]}),
    ]
    assert api.list(CRON_JOBS, None, labels="x=y") == [{"a": 1}, {"a": 2}]
    queries = [parse_qs(urlsplit(path).query) for _, path, _, _ in script.asked]
    assert [query.get("continue") for query in queries] == [None, ["more of it"]]
    assert all(query["labelSelector"] == ["x=y"] for query in queries)
    script.answers = [(200, {"items": None})]
    assert api.list(CRON_JOBS, "x") == []


def test_the_time_is_that_of_the_api_server(api: ApiServer, script: Script) -> None:
    script.answers = [(200, {})]
    assert api.now() == datetime(2026, 7, 1, 10, 0, 30, tzinfo=UTC)
    api._clock.sleep(timedelta(seconds=5))
    assert api.now() == datetime(2026, 7, 1, 10, 0, 35, tzinfo=UTC)
    assert [path for _, path, _, _ in script.asked] == ["/version"], "it is asked once"


@pytest.mark.parametrize(
    ("status", "body", "failure", "sentence"),
    [
        (401, {"message": "Unauthorized"}, Denied, "does not know who you are: Unauthorized"),
        (403, {"message": "you may not"}, Denied, "you may not"),
        (404, {"message": "x not found"}, NotFound, "there is no DistributedCronJob 'report' in namespace 'default'"),
        (404, "404 page not found", NotFound, "is the CRD installed?"),
        (409, {"message": "modified"}, Conflicting, "modified"),
        (422, {"message": "is invalid"}, Rejected, "is invalid"),
        (400, {"message": "bad"}, Rejected, "bad"),
        (429, {"message": "later"}, Unreachable, "too busy: later"),
        (500, {"message": "no leader"}, Unreachable, "the API server failed: no leader"),
        (502, "<html>", Unreachable, "HTTP 502 for /apis"),
        (200, "<html>", Unreachable, "HTTP 200 for /apis"),
        (200, [1], Unreachable, "HTTP 200 for /apis"),
    ],
)
def test_what_an_answer_means(
    api: ApiServer, script: Script, status: int, body: Any, failure: type[Failure], sentence: str
) -> None:
    script.answers = [(status, body)]
    with pytest.raises(failure, match=re.escape(sentence)) as raised:
        api.read(CRON_JOBS, KEY)
    assert type(raised.value) is failure
    assert len(script.asked) == 1, "a request is never repeated"


def test_what_is_gone_already_is_deleted(api: ApiServer, script: Script) -> None:
    script.answers = [(404, {"message": "not found"})]
    api.delete(CRON_JOBS, KEY, uid="u")


def test_nobody_answers(tmp_path: Path, script: Script) -> None:
    port = script.server_port
    path = tmp_path / "config"
    path.write_text(config(f"http://127.0.0.1:{port}"))
    script.server_close()
    api = cluster.connect(Address(kubeconfig=str(path)), FakeClock())
    with pytest.raises(Unreachable, match="cannot be reached"):
        api.read(CRON_JOBS, KEY)


def test_the_context_says_the_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(config("http://127.0.0.1:1", main="team-a", other=None))
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert cluster.connect(Address(), FakeClock()).namespace == "team-a"
    assert cluster.connect(Address(context="other"), FakeClock()).namespace == "default"
    assert cluster.connect(Address(namespace="team-b"), FakeClock()).namespace == "team-b"


def test_several_kubeconfigs_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(config("http://127.0.0.1:1", main="team-a"))
    second.write_text(config("http://127.0.0.1:1", other="team-b"))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}:{tmp_path / 'nothing'}")
    assert cluster.connect(Address(context="other"), FakeClock()).namespace == "team-b"


@pytest.mark.parametrize(
    ("text", "context", "sentence"),
    [
        (None, None, "there is no kubeconfig at"),
        ("{}", None, "cannot be used"),
        ("a: [", None, "cannot be used"),
        ("", None, "cannot be used"),
        (config("http://127.0.0.1:1"), "nothing", "the kubeconfig has no context 'nothing'"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, text: str | None, context: str | None, sentence: str) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Unreachable, match=re.escape(sentence)) as raised:
        cluster.connect(Address(kubeconfig=str(path), context=context), FakeClock())
    assert len(str(raised.value).splitlines()) == 1

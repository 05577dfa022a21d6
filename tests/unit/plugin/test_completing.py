"""What kubectl and shells are told when somebody types a tab."""

from __future__ import annotations

import pytest

from plugin.completing import proposals
from plugin.failures import Unreachable
from plugin.ports import CRON_JOBS
from tests.unit.plugin.fake import FakeCluster, cron_job, dcron, world


@pytest.fixture
def cluster() -> FakeCluster:
    found = FakeCluster()
    for name in ("report", "repair", "backup"):
        found.add(CRON_JOBS, cron_job(name))
    found.add(CRON_JOBS, cron_job("remote", metadata={"namespace": "other"}))
    return found


def proposed(cluster: FakeCluster, *words: str) -> list[str]:
    return [line.split("\t")[0] for line in proposals(words, world(cluster)).splitlines()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tr"], ["trigger", ":4"]),
        (["trigger", "rep"], ["repair", "report", ":4"]),
        (["next", "b"], ["backup", ":4"]),
        (["trigger", "-n", "other", ""], ["remote", ":4"]),
        (["trigger", "--namespace=other", ""], ["remote", ":4"]),
        (["list", "-o", "j"], ["json", ":4"]),
        (["suspend", "report", "--un"], ["--until", ":4"]),
        (["lint", ""], [":0"]),
    ],
)
def test_proposals(cluster: FakeCluster, words: list[str], found: list[str]) -> None:
    assert proposed(cluster, *words) == found


def test_all_commands_are_proposed_with_what_they_do(cluster: FakeCluster) -> None:
    lines = proposals([], world(cluster)).splitlines()
    assert len(lines) > 12
    assert all("\t" in line for line in lines[:-1])


def test_where_nobody_answers_there_are_no_names(cluster: FakeCluster) -> None:
    cluster.refusals["list", "distributedcronjobs"] = Unreachable("nobody answers")
    assert proposed(cluster, "trigger", "") == [":4"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(FakeCluster(), "completion", shell) == 0
    assert f"_KUBECTL_DCRON_COMPLETE={shell}_complete" in capsys.readouterr().out

"""What is brought along from others: listed completely, and a weakness that is known of it never passes unseen."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

import controller
from deploy.supply import __main__ as command
from deploy.supply import audit, lock, sbom

PINS: Final = lock.pins(lock.LOCK.read_text())
BILL: Final = sbom.document(PINS, controller.__version__)
_REFERENCE = re.compile(r"pkg:pypi/[a-z0-9][a-z0-9-]*@[A-Za-z0-9.%]+")


# The lock files.


def test_each_package_of_a_lock_file_is_read_with_its_hashes_and_for_whom_it_is() -> None:
    first, second = "0" * 64, "1" * 64
    text = f"""\
#
#    pip-compile --output-file=requirements.txt pyproject.toml
#
One_Package[fast]==1.0+local \\
    --hash=sha256:{first} \\
    --hash=sha256:{second}
    # via
    #   -c requirements.txt
    #   distributed-cron-job (pyproject.toml)
    #   two.package
two-package==2 ; python_version < "3.13" \\
    --hash=sha256:{first}
    # via distributed-cron-job (pyproject.toml)

# The following packages are considered to be unsafe in a requirements file:
"""
    assert lock.pins(text) == [
        ("one-package", "1.0+local", (first, second), ("distributed-cron-job", "two-package")),
        ("two-package", "2", (first,), ("distributed-cron-job",)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one==1\n", "without a hash: one"),
        ("one>=1\n", "no line of a lock file: 'one>=1'"),
        ("-e .\n", "no line of a lock file: '-e .'"),
    ],
)
def test_what_is_not_pinned_by_hash_is_no_lock_file(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        lock.pins(text)


@pytest.mark.parametrize("path", sorted(lock.PROJECT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_each_lock_file_pins_all_by_hash_and_names_no_host(path: Path) -> None:
    text = path.read_text()
    pins = lock.pins(text)
    assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 0
    assert sum(len(pin.hashes) for pin in pins) == text.count("--hash=")
    assert "://" not in text


def test_what_builds_the_package_is_what_the_project_says_and_the_developers_have() -> None:
    required = tomllib.loads((lock.PROJECT / "pyproject.toml").read_text())["build-system"]["requires"]
    pins = lock.pins(lock.BUILD.read_text())
    assert [pin.name for pin in pins] == [re.split(r"[^a-z]", name)[0] for name in required]
    assert {(pin.name, pin.version) for pin in pins} <= {
        (pin.name, pin.version) for pin in lock.pins((lock.PROJECT / "requirements-dev.txt").read_text())
    }


# The bill of materials.


def test_the_bill_has_each_pin_of_the_lock_file_with_its_hashes() -> None:
    components = BILL["components"]
    assert [(each["name"], each["version"]) for each in components] == [(pin.name, pin.version) for pin in PINS]
    for component, pin in zip(components, PINS, strict=True):
        assert component["type"] == "library"
        assert component["purl"] == component["bom-ref"] == f"pkg:pypi/{pin.name}@{pin.version.replace('+', '%2B')}"
        assert _REFERENCE.fullmatch(component["purl"])
        (files,) = component["externalReferences"]
        assert files["type"] == "distribution"
        assert {each["content"] for each in files["hashes"]} == set(pin.hashes)
        assert {each["alg"] for each in files["hashes"]} == {"SHA-256"}


def test_the_bill_is_about_this_version_and_in_the_form_of_cyclonedx() -> None:
    assert {key: BILL[key] for key in ("bomFormat", "specVersion", "version")} == {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
    }  # fmt: skip
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", BILL["serialNumber"])
    root = BILL["metadata"]["component"]
    assert (root["name"], root["version"]) == (sbom.ROOT, controller.__version__)
    project = tomllib.loads((lock.PROJECT / "pyproject.toml").read_text())["project"]
    assert project["name"] == root["name"]
    assert project["license"] == root["licenses"][0]["license"]["id"]


def test_the_bill_says_who_needs_whom_and_the_project_needs_what_it_says() -> None:
    graph = {each["ref"]: each["dependsOn"] for each in BILL["dependencies"]}
    root = BILL["metadata"]["component"]["bom-ref"]
    assert set(graph) == {root, *(each["bom-ref"] for each in BILL["components"])}
    wanted = tomllib.loads((lock.PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {lock.normal(re.split(r"[<>=]", name)[0]) for name in wanted}
    assert {reference.partition("/")[2].partition("@")[0] for reference in graph[root]} == names
    reached, open_ends = {root}, [root]
    while open_ends:
        for reference in graph[open_ends.pop()]:
            if reference not in reached:
                reached.add(reference)
                open_ends.append(reference)
    assert reached == set(graph)


def test_the_bill_is_the_same_each_time_and_another_for_another_lock() -> None:
    assert sbom.text(PINS, "1") == sbom.text(lock.pins(lock.LOCK.read_text()), "1")
    serials = {
        sbom.document(pins, version)["serialNumber"] for pins, version in ((PINS, "1"), (PINS[1:], "1"), (PINS, "2"))
    }
    assert len(serials) == 3


def test_the_command_writes_the_bill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "dist" / "sbom.cdx.json"
    assert command.main(["sbom", str(file)]) == 0
    assert json.loads(file.read_text()) == BILL
    assert capsys.readouterr().out == f"{file}\n"


# The audit.


def answer(*packages: dict[str, Any]) -> str:
    """What pip-audit prints."""
    return json.dumps({"dependencies": packages, "fixes": []})


WELL: Final = {"name": "one", "version": "1", "vulns": []}
WEAK: Final = {"name": "two", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": []}]}
HOPELESS: Final = {"name": "three", "version": "3", "vulns": [{"id": "PYSEC-2", "fix_versions": [], "aliases": []}]}
UNKNOWN: Final = {"name": "four", "skip_reason": "Dependency not found"}
_NOTHING: Final = "NOT AUDITED, so nothing is known about weaknesses: "


@pytest.mark.parametrize(
    ("text", "errors", "verdict"),
    [
        (answer(WELL), "", (["audit: nothing is known against 1 packages"], False, True)),
        (answer(WELL, WEAK), "Found 1", (["two 2: PYSEC-1, mended in 2.1"], True, True)),
        (answer(HOPELESS), "", (["three 3: PYSEC-2, not mended yet"], True, True)),
        (
            answer(WELL, UNKNOWN),
            "",
            (
                [
                    "audit: nothing is known against 1 packages",
                    "NOT AUDITED: four: the index did not answer for them",
                ],
                False,
                False,
            ),
        ),
        (answer(UNKNOWN), "No known", ([f"{_NOTHING}the index answered for none of 1 packages"], False, False)),
        (answer(), "", ([f"{_NOTHING}the index answered for none of 0 packages"], False, False)),
        (
            "",
            "Traceback\n  File\nConnectionError: no route\n",
            ([f"{_NOTHING}ConnectionError: no route"], False, False),
        ),
        ("", "", ([f"{_NOTHING}pip-audit said nothing"], False, False)),
    ],
    ids=["well", "weak", "not mended", "some unknown", "all unknown", "no packages", "no network", "silent"],
)
def test_what_pip_audit_says_is_judged(text: str, errors: str, verdict: tuple[list[str], bool, bool]) -> None:
    assert audit.judged(text, errors) == verdict


@pytest.mark.parametrize(
    ("verdict", "status", "strictly"),
    [
        (audit.Verdict(["well"], False, True), 0, 0),
        (audit.Verdict(["weak"], True, True), 1, 1),
        (audit.Verdict(["weak, and more may be"], True, False), 1, 1),
        (audit.Verdict(["no network"], False, False), 0, 1),
    ],
)
def test_a_weakness_fails_and_a_missing_network_only_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], verdict: audit.Verdict, status: int, strictly: int
) -> None:
    asked: list[Sequence[Path]] = []

    def audited(locks: Sequence[Path]) -> audit.Verdict:
        asked.append(locks)
        return verdict

    assert (command.main(["audit"], audited), command.main(["audit", "--strict"], audited)) == (status, strictly)
    assert capsys.readouterr().out == f"{verdict.lines[0]}\n" * 2
    assert asked == [(lock.LOCK, lock.BUILD)] * 2

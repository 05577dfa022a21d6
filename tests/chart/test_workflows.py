"""The workflows name what exists: nobody can run them here, so each name in them is looked up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import controller
from deploy.chart.places import PROJECT
from deploy.local import binaries
from tests.chart import dockerfile

FOLDER: Final = PROJECT / ".github" / "workflows"
PYPROJECT: Final = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
TARGETS: Final = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def workflow(name: str) -> dict[str, Any]:
    """A workflow; its `on` is a truth value in the YAML that is read here."""
    read: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return {"on" if key is True else str(key): value for key, value in read.items()}


NAMES: Final = sorted(path.stem for path in FOLDER.iterdir())
WORKFLOWS: Final = {name: workflow(name) for name in NAMES}
RELEASE: Final[dict[str, Any]] = WORKFLOWS["release"]["jobs"]["release"]


def steps(name: str) -> Iterator[dict[str, Any]]:
    """All steps of a workflow."""
    for job in WORKFLOWS[name]["jobs"].values():
        yield from job.get("steps", ())


def step(word: str) -> dict[str, Any]:
    """The one step of the release whose name, action or command has that word."""
    told: dict[str, Any]
    (told,) = (each for each in RELEASE["steps"] if word in f"{each.get('name')} {each.get('uses')} {each.get('run')}")
    return told


def test_there_are_two_workflows() -> None:
    assert NAMES == ["ci", "release"]
    assert set(WORKFLOWS["ci"]["on"]) == {"push", "pull_request", "schedule", "workflow_call"}
    assert WORKFLOWS["release"]["on"] == {"push": {"tags": ["v*"]}}


def test_ci_runs_what_a_contributor_runs_on_each_python_that_the_project_names() -> None:
    job = WORKFLOWS["ci"]["jobs"]["test"]
    versions = job["strategy"]["matrix"]["python"]
    named = [word.rpartition(" :: ")[2] for word in PYPROJECT["classifiers"] if ":: Python ::" in word]
    assert versions == named
    assert PYPROJECT["requires-python"] == f">={versions[0]}"
    (setup,) = (each for each in job["steps"] if each.get("uses", "").startswith("actions/setup-python@"))
    assert setup["with"]["python-version"] == "${{ matrix.python }}"
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert os.access(PROJECT / ".ci" / "run", os.X_OK)


def test_the_image_runs_a_python_that_ci_tests() -> None:
    version = re.fullmatch(r"python:(\d+\.\d+)-slim(@.*)?", (PROJECT / "deploy/image/base.txt").read_text().strip())
    assert version is not None
    assert version[1] in WORKFLOWS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_exist(name: str) -> None:
    commands = "\n".join(each["run"] for each in steps(name) if "run" in each)
    made = set(re.findall(r"\bmake ([a-z-]+)", commands))
    assert made
    assert made <= TARGETS
    for module in re.findall(r"python -m (\S+)", commands):
        assert find_spec(f"{module}.__main__") is not None, module


@pytest.mark.parametrize("name", NAMES)
def test_each_action_has_a_version_and_go_is_one_that_builds(name: str) -> None:
    for each in steps(name):
        if "uses" in each:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})", each["uses"]), each["uses"]
            if each["uses"].startswith("actions/setup-go@"):
                assert each["with"]["go-version"] == ".".join(map(str, binaries.MINIMUM_GO))
        for value in each.get("with", {}).values():
            assert not isinstance(value, float), f"a version read as a number: {each}"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_step_refers_to_stands_before_it(name: str) -> None:
    for job in WORKFLOWS[name]["jobs"].values():
        before: set[str] = set()
        for each in job.get("steps", ()):
            assert set(re.findall(r"steps\.(\w+)\.outputs", str(each))) <= before, each
            before |= {each["id"]} if "id" in each else set()
        assert job.get("needs", "test") in WORKFLOWS[name]["jobs"] | {"test": None}


def test_the_cache_is_of_what_is_built_and_is_another_one_when_a_pin_moves() -> None:
    (cache,) = (each["with"] for each in steps("ci") if each.get("uses", "").startswith("actions/cache@"))
    assert Path(cache["path"]).expanduser() == binaries.cache_root({"HOME": str(Path.home())}).parent
    pattern = re.search(r"hashFiles\('([^']+)'\)", cache["key"])
    assert pattern is not None
    modules = {recipe.module for recipe in (*binaries.RECIPES, *binaries.HELM, *binaries.PROMTOOL)}
    assert {path.parent.name for path in PROJECT.glob(pattern[1])} >= modules


@pytest.mark.parametrize("name", NAMES)
def test_only_the_release_may_write(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    given = {job: body["permissions"] for job, body in WORKFLOWS[name]["jobs"].items() if "permissions" in body}
    wanted = {"contents": "write", "id-token": "write", "attestations": "write"}
    assert given == ({"release": wanted} if name == "release" else {})


def test_a_release_is_tested_signed_attested_and_has_its_bill_of_materials() -> None:
    assert WORKFLOWS["release"]["jobs"]["test"]["uses"] == "./.github/workflows/ci.yml"
    assert RELEASE["needs"] == "test"
    image, chart = "steps.image.outputs.digest", "steps.chart.outputs.digest"
    signed = step("cosign sign")
    assert (image in signed["env"]["IMAGE_DIGEST"], chart in signed["env"]["CHART_DIGEST"]) == (True, True)
    for subject, digest in (("$IMAGE", "$IMAGE_DIGEST"), ("$CHARTS/dcron", "$CHART_DIGEST")):
        assert f'cosign sign --yes "{subject}@{digest}"' in signed["run"]
    bill = re.search(r"deploy.supply sbom (\S+)", (PROJECT / "Makefile").read_text())
    assert bill is not None
    assert f"--type cyclonedx --predicate {bill[1]} " in signed["run"]
    attested = [each["with"] for each in RELEASE["steps"] if "attest-build-provenance" in each.get("uses", "")]
    assert [each["subject-digest"] for each in attested] == [f"${{{{ {image} }}}}", f"${{{{ {chart} }}}}"]
    assert 'make chart RELEASED="$IMAGE@$DIGEST"' in step("make chart")["run"]


def test_the_image_of_a_release_is_given_all_that_the_dockerfile_asks_for() -> None:
    given = step("docker/build-push-action")["with"]
    lines = dict(line.split("=", 1) for line in given["build-args"].splitlines())
    asked = {
        each.rest.partition("=")[0]
        for each in dockerfile.instructions(dockerfile.DOCKERFILE.read_text())
        if each.word == "ARG"
    }
    assert set(lines) == asked
    assert lines["BASE"] == "${{ steps.base.outputs.name }}"
    assert "cat deploy/image/base.txt" in step("deploy.image pin")["run"]
    assert (given["push"], given["provenance"], given["sbom"]) == (True, "mode=max", True)


# The step that stops a release which is not of one mind, run as it is.


@pytest.mark.parametrize(
    ("registry", "tag", "heading", "said"),
    [
        ("registry.example.com/dcron", "v{}", "## [{}] - 2027-01-31", None),
        ("", "v{}", "## [{}] - 2027-01-31", "set the variable REGISTRY of the repository"),
        ("registry.example.com/dcron", "v9.9.9", "## [{}] - 2027-01-31", "the tag is v9.9.9, the version {}"),
        ("registry.example.com/dcron", "v{}", "## [{}] - unreleased", "CHANGELOG.md has no date for {}"),
    ],
    ids=["well", "no registry", "another tag", "no date"],
)
def test_a_release_stops_where_tag_version_and_changelog_differ(
    tmp_path: Path, registry: str, tag: str, heading: str, said: str | None
) -> None:
    version = controller.__version__
    (tmp_path / "controller").mkdir()
    shutil.copy(PROJECT / "controller" / "__init__.py", tmp_path / "controller")
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading.format(version)}\n")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "REGISTRY": registry,
        "GITHUB_REF_NAME": tag.format(version),
        "GITHUB_ENV": str(tmp_path / "env"),
    }
    command = ["bash", "-e", "-o", "pipefail", "-c", step("There is a registry")["run"]]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == ((0, "") if said is None else (1, f"{said.format(version)}\n")), (
        told.stderr
    )
    if said is None:
        assert (tmp_path / "env").read_text() == f"VERSION={version}\nHOST=registry.example.com\n"


# The changelog.


def test_the_newest_version_of_the_changelog_is_the_controllers() -> None:
    headings = re.findall(r"^## (.*)$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [heading for heading in headings if heading != "[Unreleased]"]
    forms = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (unreleased|20\d\d-[01]\d-[0-3]\d)", heading) for heading in released]
    assert None not in forms
    versions = [form[1] for form in forms if form is not None]
    assert versions[0] == controller.__version__
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)

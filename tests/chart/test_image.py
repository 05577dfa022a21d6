"""The image: what the Dockerfile says fits the chart and the project, and its steps give a controller that starts.

No builder is needed: the steps of the first stage run in folders of this machine, with what a builder would be sent.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import controller
from deploy.chart.places import PROJECT
from deploy.image import base, builders
from deploy.image.__main__ import main
from tests.chart import dockerfile
from tests.chart.helm import SECONDS, Helm, of_kind

pytestmark = pytest.mark.timeout(2 * SECONDS)  # 40 s of processor time to install all, which others may need too

STEPS: Final = dockerfile.instructions(dockerfile.DOCKERFILE.read_text())
PYPROJECT: Final = tomllib.loads((PROJECT / "pyproject.toml").read_text())
USER: Final = 10001
DIGEST: Final = f"sha256:{'0123456789abcdef' * 4}"
_ONLY = "-all,+dac_read_search"
_AS_USER: Final = (
    *("setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--no-new-privs"),
    *(f"--{kind}={_ONLY}" for kind in ("inh-caps", "ambient-caps", "bounding-set")),
)
_PLACES: Final = ("/opt/build", "/opt/dcron", "/opt/wheels")


def test_user_and_command_are_those_that_the_chart_expects(helm: Helm) -> None:
    pod = of_kind(helm.template({}), "Deployment", "dcron")["spec"]["template"]["spec"]
    security, (container,) = pod["securityContext"], pod["containers"]
    assert dockerfile.one(STEPS, "USER") == f"{security['runAsUser']}:{security['runAsGroup']}" == f"{USER}:{USER}"
    assert dockerfile.as_list(dockerfile.one(STEPS, "ENTRYPOINT")) == container["command"]
    assert dockerfile.one(STEPS, "EXPOSE") == str(container["ports"][0]["containerPort"])
    assert dockerfile.assignments(dockerfile.one(STEPS, "ENV"))["PATH"].split(":")[0] == "/opt/dcron/bin"


def test_labels_say_what_the_project_says_of_itself() -> None:
    labels = dockerfile.assignments(dockerfile.one(STEPS, "LABEL"))
    assert labels["org.opencontainers.image.licenses"] == PYPROJECT["project"]["license"]
    description = labels["org.opencontainers.image.description"]
    assert PYPROJECT["project"]["description"] == f"DistributedCronJob: {description[0].lower()}{description[1:]}"
    given = {each.rest for each in STEPS if (each.word, each.stage) == ("ARG", 1)}
    used = {value.strip("${}") for value in labels.values() if value.startswith("$")}
    assert used == given == {"BASE", "VERSION", "REVISION", "SOURCE"}


def test_both_stages_are_made_from_the_base_whose_tag_is_recorded() -> None:
    assert [each.rest for each in STEPS if each.word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    assert dockerfile.one(STEPS, "ARG", -1) == f"BASE={base.read().name}"


def test_the_last_stage_takes_the_environment_alone() -> None:
    assert dockerfile.one(STEPS, "COPY") == "--from=build /opt/dcron /opt/dcron"
    assert dockerfile.one(STEPS, "RUN").startswith("python -m pip uninstall ")


def test_a_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    copied = dockerfile.sources(STEPS)
    sent = {path.relative_to(PROJECT).parts[0] for path in dockerfile.sent()}
    assert sorted(copied) == sorted(sent)
    packages = {name.split(".")[0] for name in PYPROJECT["tool"]["setuptools"]["packages"]}
    needed = {PYPROJECT["project"]["readme"], *PYPROJECT["project"]["license-files"], "pyproject.toml", "crds"}
    assert set(copied) == packages | needed | {"requirements.txt", "requirements-build.txt"}
    assert [path for path in dockerfile.sent() if path.suffix == ".pyc"] == []


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The folder that the last stage would take, made by the steps of the first, with nothing in it to write to."""
    place = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    try:
        place.chmod(0o755)
        for path in dockerfile.sent():
            target = place / "src" / path.relative_to(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)
        for step in STEPS:
            if (step.word, step.stage) == ("RUN", 0):
                _run_step(step.rest, place)
        subprocess.run(["chmod", "-R", "a-w", place / "opt/dcron"], check=True)
        yield place / "opt/dcron"
    finally:
        subprocess.run(["chmod", "-R", "u+w", place], check=True)
        shutil.rmtree(place)


def _run_step(command: str, place: Path) -> None:
    """What a builder would run as root, with its folders below a place of this test's own."""
    for folder in _PLACES:
        command = command.replace(folder, str(place) + folder)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PIP_NO_COMPILE": "1"}  # nothing here looks at compiled files
    step = subprocess.run(
        ["sh", "-euc", command],
        cwd=place / "src",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert step.returncode == 0, f"{command}\n{step.stdout}\n{step.stderr}"


def run(image: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in the image, from an empty folder, as the image's user if that may be chosen here.

    The interpreter may lie where that user could not look: it is given the right to read all, and none to write.
    """
    words = [*(_AS_USER if os.geteuid() == 0 else ()), str(image / "bin" / arguments[0]), *arguments[1:]]
    environment = {"PATH": f"{image}/bin:/usr/bin:/bin", "HOME": str(folder), **variables}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_controller_starts_from_an_empty_folder_and_writes_nothing(image: Path, tmp_path: Path) -> None:
    before = _all_files(image)
    told = run(image, tmp_path, *dockerfile.as_list(dockerfile.one(STEPS, "ENTRYPOINT")), "--help")
    assert told.returncode == 0, told.stderr
    assert "DCRON_REDIS_URL" in told.stdout
    nowhere = run(image, tmp_path, "python", "-m", "controller", DCRON_HTTP_PORT="0")
    assert nowhere.stderr.splitlines()[-1].startswith("dcron: no access to a cluster: ")
    assert nowhere.returncode == 2
    assert _all_files(image) == before
    assert list(tmp_path.iterdir()) == []


def test_the_image_has_the_packages_with_their_data_and_no_tools_to_install_more(image: Path, tmp_path: Path) -> None:
    script = (
        "import controller, importlib.util as u, plugin.schema, sys; "
        "print(controller.__version__, controller.__file__, [n for n in ('pip', 'setuptools') if u.find_spec(n)])"
    )
    told = run(image, tmp_path, "python", "-c", script)
    assert told.returncode == 0, told.stderr
    version, file, tools = told.stdout.split(maxsplit=2)
    assert (version, tools.strip()) == (controller.__version__, "[]")
    packages = image / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    assert Path(file) == packages / "controller" / "__init__.py"
    crd = PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml"
    assert (packages / "plugin" / "crd.yaml").read_bytes() == crd.read_bytes()
    names = {
        str(path.relative_to(PROJECT)) for name in ("controller", "plugin") for path in PROJECT.glob(f"{name}/**/*.py")
    }
    assert {name for name in names if not (packages / name).is_file()} == set()


def test_everybody_may_read_the_whole_image_and_nobody_may_write_it(image: Path) -> None:
    for path in [image, *image.rglob("*")]:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = 0o555 if path.is_dir() else 0o444
            assert mode & wanted == wanted, path


def _all_files(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.lstat().st_mtime_ns) for path in folder.rglob("*")}


# How it is built, with programs that play a builder.


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that is all that there is, but for git."""
    (folder := tmp_path / "programs").mkdir()
    git = shutil.which("git")
    assert git is not None
    (folder / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, digest: str = DIGEST) -> Path:
    """A builder that writes down what it is told, one line each; gives the file."""
    said = folder.parent / f"{name}.said"
    script = f'#!/bin/sh\necho "$*" >> {said}\ncase "$*" in *RepoDigests*|*FromImageDigest*) echo {digest};; esac\n'
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    return said


def record(folder: Path, text: str) -> Path:
    """A record of the base of this test's own."""
    (file := folder / "base.txt").write_text(f"{text}\n")
    return file


def test_where_no_builder_is_there_one_sentence_says_so(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build"], record(tmp_path, "python:3.11-slim")) == 1
    told = capsys.readouterr().err
    assert told == "error: no image can be built here, for that takes one of docker, podman, nerdctl, buildah\n"


def test_a_docker_without_its_daemon_is_passed_over(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (programs / "docker").write_text("#!/bin/sh\necho Cannot connect to the daemon >&2\nexit 1\n")
    (programs / "docker").chmod(0o755)
    file = record(tmp_path, "python:3.11-slim")
    assert main(["build"], file) == 1
    assert capsys.readouterr().err.endswith("; docker is there, but says: Cannot connect to the daemon\n")
    said = program(programs, "podman", f"registry.example.com/library/python@{DIGEST}")
    assert main(["build"], file) == 0
    assert said.read_text().startswith("version\npull python:3.11-slim\n")


@pytest.mark.parametrize("name", [builder.program for builder in builders.BUILDERS])
def test_the_digest_of_the_base_is_looked_up_once_recorded_and_built_from(
    programs: Path, tmp_path: Path, name: str
) -> None:
    said, file = program(programs, name), record(tmp_path, "python:3.11-slim")
    assert main(["build", "--tag", "here/dcron:1"], file) == 0
    assert file.read_text() == f"python:3.11-slim@{DIGEST}\n"
    last = said.read_text().splitlines()[-1]
    assert f"build --build-arg BASE=python:3.11-slim@{DIGEST} --build-arg VERSION={controller.__version__} " in last
    assert last.endswith(f"--tag here/dcron:1 --file {PROJECT}/Dockerfile {PROJECT}")
    said.unlink()
    assert main(["build"], file) == 0
    assert [line.split()[0] for line in said.read_text().splitlines()] == ["version", "build"]


def test_pin_looks_the_digest_up_anew(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(programs, "docker")
    file = record(tmp_path, f"python:3.11-slim@sha256:{'f' * 64}")
    assert main(["pin"], file) == 0
    assert capsys.readouterr().out == file.read_text() == f"python:3.11-slim@{DIGEST}\n"


def test_what_is_no_digest_is_not_recorded(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(programs, "docker", "python@sha256:cut")
    file = record(tmp_path, "python:3.11-slim")
    assert main(["build"], file) == 1
    assert capsys.readouterr().err == "error: no digest: 'python@sha256:cut'\n"
    assert file.read_text() == "python:3.11-slim\n"


def test_the_arguments_of_a_build_are_those_of_the_dockerfile(programs: Path, tmp_path: Path) -> None:
    said = program(programs, "docker")
    assert main(["build"], record(tmp_path, "python:3.11-slim")) == 0
    words: list[Any] = said.read_text().splitlines()[-1].split()
    given = {words[at + 1].partition("=")[0] for at, word in enumerate(words) if word == "--build-arg"}
    assert given <= {each.rest.partition("=")[0] for each in STEPS if each.word == "ARG"}

"""What is made of other files is what it would be if it were made today."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.chart import crd, manifests, table
from deploy.chart.places import CRDS
from tests.chart.helm import CHART, SECONDS, Helm

pytestmark = pytest.mark.timeout(SECONDS)

STALE = "write it anew with `python -m deploy.chart write`"
VALUES = """\
# A word on the file.

# -- How many.
count: 3
place:
  # -- Where it is,
  # and how far.
  name: ""
# -- All of it.
rest:
  any: {thing: 1}
"""


def test_the_chart_has_the_crd_of_the_project() -> None:
    assert crd.stale() == [], STALE


def test_a_crd_that_differs_is_lacking_or_is_left_over_is_stale_and_put_right(tmp_path: Path) -> None:
    names = [path.name for path in CRDS.iterdir()]
    (tmp_path / "gone.yaml").touch()
    (tmp_path / names[0]).write_text("kind: Another\n")
    assert crd.stale(tmp_path) == sorted({"gone.yaml", *names})
    crd.write(tmp_path)
    assert crd.stale(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_the_table_of_values_is_the_one_of_the_values_file() -> None:
    readme = table.README.read_text()
    assert table.filled(readme, table.VALUES.read_text()) == readme, STALE


def test_each_value_has_its_row() -> None:
    assert table.rows(VALUES) == [
        ("count", "How many.", 3),
        ("place.name", "Where it is, and how far.", ""),
        ("rest", "All of it.", {"any": {"thing": 1}}),
    ]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("# -- How many.\n", "count"),
        ("  # -- Where it is,\n  # and how far.\n", "place.name"),
        ("# -- All of it.\n", "rest.any.thing"),
    ],
)
def test_a_value_without_words_is_an_error(line: str, path: str) -> None:
    with pytest.raises(table.Undocumented, match=rf"^{path}$"):
        table.rows(VALUES.replace(line, ""))


def test_a_bar_does_not_break_the_table() -> None:
    text = table.filled("<!-- values --><!-- end of values -->", VALUES.replace("How many.", "One | two."))
    assert r"| `count` | `3` | One \| two. |" in text


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> tuple[str, str]:
    """The chart as it comes, and for one namespace."""
    told = ("template", manifests.RELEASE, CHART, "--namespace", manifests.NAMESPACE, "--no-hooks")
    return helm.run(*told), helm.run(*told, *manifests.NAMESPACED)


def test_the_kustomize_base_is_what_the_chart_renders(rendered: tuple[str, str]) -> None:
    assert manifests.stale(*rendered) == [], STALE


def test_a_manifest_that_differs_is_lacking_or_is_left_over_is_stale_and_put_right(
    rendered: tuple[str, str], tmp_path: Path
) -> None:
    manifests.write(*rendered, folder=tmp_path)
    assert manifests.stale(*rendered, folder=tmp_path) == []
    (tmp_path / "base" / "gone.yaml").touch()
    (tmp_path / "base" / "service.yaml").write_text("kind: Another\n")
    (tmp_path / "overlays" / "namespaced" / "roles.yaml").unlink()
    (tmp_path / "redis-password" / manifests.PASSWORD_FILE).write_text("password=kept")
    stale = ["base/gone.yaml", "base/service.yaml", "overlays/namespaced/roles.yaml"]
    assert manifests.stale(*rendered, folder=tmp_path) == stale
    manifests.write(*rendered, folder=tmp_path)
    assert manifests.stale(*rendered, folder=tmp_path) == []
    assert (tmp_path / "redis-password" / manifests.PASSWORD_FILE).read_text() == "password=kept"


def test_no_password_is_among_the_manifests(rendered: tuple[str, str]) -> None:
    (secret,) = (body for body in yaml.safe_load_all(rendered[0]) if body["kind"] == "Secret")
    assert [path for path, text in manifests.made(*rendered).items() if secret["data"]["password"] in text] == []

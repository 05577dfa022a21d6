"""What is made of other files is what it would be if it were made today."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.chart import crd, table
from deploy.chart.places import CRDS

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

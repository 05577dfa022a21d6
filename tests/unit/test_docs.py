"""The page about schedules says what the engine does, today."""

from __future__ import annotations

import re

import pytest

from tests.docs import examples
from tests.docs.tables import PAGE, TABLES, filled


def test_the_page_is_not_stale() -> None:
    page = PAGE.read_text()
    assert filled(page) == page, "write its tables anew with `python -m tests.docs`"


def test_the_page_shows_every_table_once() -> None:
    assert sorted(re.findall(r"<!-- table: (\S+) -->", PAGE.read_text())) == sorted(TABLES)


def test_a_table_changed_by_hand_is_put_right() -> None:
    page = PAGE.read_text()
    assert filled(page.replace("| `* * * * *` | every minute |", "| `* * * * *` | never |")) == page


def test_a_table_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(KeyError):
        filled("<!-- table: nothing -->\n<!-- end -->")


def test_the_page_shows_enough() -> None:
    groups = (examples.FIELDS, examples.HASHED, examples.DAYS, examples.MACROS, examples.UNIONS, examples.CLOCKS)
    assert sum(map(len, groups)) >= 35

"""The table of faults: what stands in it, and how it grows from run to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.faults import summary
from tests.faults.summary import Row

HELD = Row(
    fault="kill-9",
    stands_for="kill -9 of an owner",
    seed=0,
    struck_at="2026-03-02T12:00:00+00:00",
    instants=600,
    missed=0,
    twice=0,
    skipped=3,
    given_up=1,
    under_half=0.05,
    under_worst=5.1,
    allowed=12.0,
    after_half=None,
    after_worst=None,
    load=1.5,
    tries=1,
)
BROKEN = replace(HELD, fault="sigstop", missed=1, complaints=["L1: missed"])


def test_a_row_says_what_was_measured_and_whether_all_held() -> None:
    shown = summary.text([HELD, BROKEN])
    assert "1 of 2 runs held; 1200 instants checked, 1 missed, 0 fired twice." in shown
    assert "5.10" in shown
    assert "BROKEN: 1 complaints" in shown


def test_the_table_in_a_folder_goes_on(tmp_path: Path) -> None:
    summary.write([HELD, BROKEN], tmp_path)
    mended, other = replace(BROKEN, missed=0, complaints=[]), replace(HELD, seed=1)
    rows = summary.together(summary.read(tmp_path), [mended, other])
    assert rows == [HELD, mended, other]
    summary.write(rows, tmp_path)
    assert summary.read(tmp_path) == rows
    assert "| kill-9 | kill -9 of an owner | 1 | 600 | 0 | 0 |" in (tmp_path / summary.MARKDOWN).read_text()


def test_an_empty_folder_has_no_rows(tmp_path: Path) -> None:
    assert summary.read(tmp_path) == []

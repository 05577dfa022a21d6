"""The picture is well-formed, and shows a line for each life."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from tests.soak import picture
from tests.soak.slope import slopes
from tests.soak.test_slope import life

_SVG = "{http://www.w3.org/2000/svg}"


def test_each_life_has_a_line_in_each_panel_and_the_slope_is_drawn() -> None:
    samples = life(1, range(0, 3600, 5), 1.0) + life(2, range(0, 1800, 5), 0, node="south")
    samples += life(3, range(1805, 3600, 5), 0, node="south")
    samples.sort(key=lambda sample: sample.seconds)
    text = picture.drawn(samples, [(1800.0, "south")], slopes(samples)[0], 900.0, "a < b")
    paths = ET.fromstring(text).findall(f"{_SVG}path")
    legend, panels = 2, 3
    assert sum(path.get("class") == "life" for path in paths) == legend + panels * 3
    assert sum(path.get("class") == "fit" for path in paths) == 2
    assert sum(path.get("class") == "restart" for path in paths) == 1 + panels


def test_a_short_run_with_even_memory_is_drawn_without_a_slope() -> None:
    text = picture.drawn(life(1, range(0, 60, 5), 0.0), [], None, 900.0, "short")
    assert "warm-up" not in "".join(ET.fromstring(text).itertext())

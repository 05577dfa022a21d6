"""What a person sees of a run: the text, and the picture, which must say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from tests.checker import report, timeline
from tests.checker.by_hand import SECONDS, at, history, job, jobs, kill, statuses
from tests.checker.history import Fault, History
from tests.checker.rules import judge

SVG = "{http://www.w3.org/2000/svg}"
BAD = history(
    [*jobs(3, 7, 8), job(7, 7), job(8, 6), job(5, 0.9, node="south")],
    told=[*statuses(2), *statuses()[13:]],
    faults=[kill(6.5), Fault(what="Redis <down>", since=at(6.6), until=at(9))],
)


def marks(picture: str, style: str) -> list[str]:
    """The sentences of the marks of a style."""
    found = ElementTree.fromstring(picture).iter(f"{SVG}path")
    return [mark[0].text or "" for mark in found if mark.get("class", "").startswith(style) and len(mark)]


def test_the_text_says_what_broke_and_what_was_done() -> None:
    lines = report.told(judge(BAD)).splitlines()
    assert lines[0] == (
        "INVALID, 3 complaints: 20 instants of 1 objects: 16 ok, 2 late, 1 missed, 1 duplicate, worst lateness 7.000 s"
    )
    assert lines[1] == (
        "instants after 12:00:00 up to 12:00:20 UTC on 2026-03-02; D = 2 s, F = 8 s; evidence up to 12:00:40"
    )
    broken = lines.index("broken")
    assert [line.split()[0] for line in lines[broken + 1 : broken + 4]] == ["S1", "L1", "L4"]
    assert "  12:00:06.500  kill -9 of north; firings may be late until 12:00:14.500" in lines
    assert ("  12:00:06.600 to 12:00:09  Redis <down>; firings may be late for 8 s from its begin and its end") in lines
    row = next(line for line in lines if line.startswith("  team/report"))
    assert row.split() == ["team/report", *["*"] * 6, "20", "16", "2", "1", "1", "20", "7000", "7000"]


def test_a_valid_run_is_short() -> None:
    text = report.told(judge(history(jobs())))
    assert text.startswith("VALID: 20 instants of 1 objects: 20 ok, worst lateness 0.020 s\n")
    assert "broken" not in text


def test_the_picture_has_a_mark_for_each_verdict_and_the_faults() -> None:
    judgment = judge(BAD)
    picture = timeline.drawn(judgment)
    for style in ("ok", "late", "missed", "duplicate"):
        assert marks(picture, style) == [one.sentence for one in judgment.verdicts if one.kind == style]
    texts = [found.text for found in ElementTree.fromstring(picture).iter(f"{SVG}text")]
    assert {"kill -9 of north", "Redis <down>, 2 s", "team/report", "12:00:10", "UTC"} <= set(texts)
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_names_of_faults_that_lie_close_together_do_not_meet() -> None:
    found = ElementTree.fromstring(timeline.drawn(judge(BAD)))
    placed = {text.text: text.get("y") for text in found.iter(f"{SVG}text")}
    assert placed["kill -9 of north"] != placed["Redis <down>, 2 s"]


def many(number: int, dull: int) -> History:
    """A run of many objects, all alike but one."""
    one = history(jobs())
    things = [replace(one.objects[0], uid=f"uid-{index}", name=f"report-{index}") for index in range(number)]
    made = [
        replace(job, owner_uid=thing.uid, name=f"{thing.name}-{job.name}")
        for index, thing in enumerate(things)
        for job in (one.jobs if index != dull else one.jobs[1:])
    ]
    return replace(one, objects=things, jobs=made)


def test_of_more_objects_than_one_can_look_at_those_with_something_to_see_are_drawn() -> None:
    picture = timeline.drawn(judge(many(timeline.MAX_ROWS + 5, dull=timeline.MAX_ROWS + 3)))
    texts = [found.text for found in ElementTree.fromstring(picture).iter(f"{SVG}text")]
    assert f"team/report-{timeline.MAX_ROWS + 3}" in texts
    assert "and 5 more objects, not drawn" in texts
    assert len([text for text in texts if text and text.startswith("team/")]) == timeline.MAX_ROWS


def test_the_text_and_the_picture_are_written_side_by_side(tmp_path: Path) -> None:
    judgment = judge(BAD)
    path = report.write(judgment, tmp_path / "run")
    assert path.read_text() == report.told(judgment)
    assert path.with_name(report.PICTURE).read_text() == timeline.drawn(judgment)
    assert len(judgment.verdicts) == SECONDS

"""What people write into annotations: what it means, and the sentence that answers what means nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller import requests
from controller.requests import MAX_VALUE_CHARACTERS, Interval, Pause, Requests, Unreadable


def asked(**annotations: str) -> Requests:
    named = {f"dcron.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return requests.read({"other/annotation": "x", **named})


def test_nothing_is_asked_by_no_annotation_nor_by_an_empty_one() -> None:
    assert asked() == Requests()
    assert asked(trigger="", suspend_until="", suspend_reason="why", backfill="") == Requests()


def test_a_trigger_is_whatever_was_written() -> None:
    assert asked(trigger=" again ").trigger == " again "


def test_a_long_value_is_kept_short_and_still_tells_itself_from_others() -> None:
    one, other = (asked(trigger="x" * 1000 + end).trigger or "" for end in "ab")
    assert one != other
    assert len(one) == len(other) == MAX_VALUE_CHARACTERS


def test_a_pause_ends_at_an_instant_and_has_a_reason() -> None:
    until = datetime(2026, 1, 31, 7, tzinfo=UTC)
    assert asked(suspend_until="2026-01-31T08:00:00+01:00", suspend_reason="audit").pause == Pause(
        until=until, reason="audit"
    )


def test_a_backfill_is_an_interval_and_keeps_its_text_as_its_name() -> None:
    text = "2026-01-01T00:00:00Z/2026-02-01T00:00:00.5Z"
    assert asked(backfill=text).backfill == Interval(
        text=text,
        since=datetime(2026, 1, 1, tzinfo=UTC),
        until=datetime(2026, 2, 1, 0, 0, 0, 500_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("tomorrow", id="a word"),
        pytest.param("2026-01-31", id="a day"),
        pytest.param("2026-01-31T08:00:00", id="no offset"),
        pytest.param("2026-01-31 08:00:00Z", id="a blank for the T"),
        pytest.param("2026-02-30T08:00:00Z", id="a day that does not exist"),
        pytest.param("2026-01-31T25:00:00Z", id="an hour that does not exist"),
        pytest.param("0001-01-01T00:00:00+23:59", id="before the calendar"),
        pytest.param("9999-12-31T23:59:59-23:59", id="after the calendar"),
        pytest.param("9970-01-01T00:00:00Z", id="a year too far"),
        pytest.param("٢026-01-31T08:00:00Z", id="another script's digit"),
        pytest.param("1767225600", id="seconds"),
        pytest.param("\x00", id="NUL"),
        pytest.param("2" * 1_000_000, id="a million digits"),
    ],
)
def test_what_is_no_instant_is_said_with_an_example(text: str) -> None:
    pause = asked(suspend_until=text).pause
    assert isinstance(pause, Unreadable)
    assert pause.sentence.startswith("dcron.io/suspend-until is '")
    assert "2026-01-31T08:00:00Z" in pause.sentence
    assert len(pause.sentence) < 300
    backfill = asked(backfill=f"{text}/2026-02-01T00:00:00Z").backfill
    assert isinstance(backfill, Unreadable)
    assert "two RFC 3339 instants" in backfill.sentence
    assert len(backfill.sentence) < 300


@given(st.text())
def test_no_text_stops_anything(text: str) -> None:
    asked(trigger=text, suspend_until=text, suspend_reason=text, backfill=text)
    asked(suspend_until=f"2026-01-31T08:00:0{text}Z", backfill=f"2026-01-31T08:00:00Z/{text}")


def fields(*names: str) -> dict[str, Any]:
    return {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in names}}}


def test_requests_are_dated_by_the_newest_write_of_ours_among_the_annotations() -> None:
    managed: list[dict[str, Any]] = [
        {"time": "2026-01-01T00:00:01Z", "fieldsV1": fields("dcron.io/trigger")},
        {"time": "2026-01-01T00:00:02Z", "fieldsV1": fields("dcron.io/backfill", "other")},
        {"time": "2026-01-01T00:00:03Z", "fieldsV1": fields("other")},
        {"time": "2026-01-01T00:00:04Z", "fieldsV1": {"f:spec": {}}},
        {"time": "2026-01-01T00:00:05Z", "fieldsV1": {"f:metadata": {"f:annotations": {}}}},
        {"time": "2026-01-01T00:00:06Z"},
        {"fieldsV1": fields("dcron.io/trigger")},
    ]
    assert requests.read({}, managed).made_at == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert requests.read({}, ()).made_at is None

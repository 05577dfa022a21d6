"""Zones as segments of constant offset, and names that are no zones."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from controller.errors import UnknownTimeZone
from controller.schedule.timezone import FIRST_YEAR, LAST_YEAR, Segment, segment_from, segment_until, zone_named


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def forwards(zone: str, begin: int, end: int) -> list[Segment]:
    """The segments from the one of `begin` to the one of `end`."""
    found: list[Segment] = []
    while not found or found[-1].end <= end:
        segment = segment_from(zone, found[-1].end if found else begin)
        assert segment is not None
        found.append(segment)
    return found


def backwards(zone: str, begin: int, end: int) -> list[Segment]:
    """The same, newest first, found from the other side."""
    found: list[Segment] = []
    while not found or found[-1].begin > begin:
        segment = segment_until(zone, found[-1].begin - 1 if found else end)
        assert segment is not None
        found.append(segment)
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("Local", id="Local"),
        pytest.param("local", id="local"),
        pytest.param("localtime", id="the file of the machine's zone"),
        pytest.param("posixrules", id="a file beside the zones"),
        pytest.param("right/Europe/Berlin", id="with leap seconds"),
        pytest.param("posix/Europe/Berlin", id="a second copy"),
        pytest.param("/usr/share/zoneinfo/Europe/Berlin", id="absolute"),
        pytest.param("../../etc/passwd", id="upwards"),
        pytest.param("Europe/../Europe/Berlin", id="up and down"),
        pytest.param("Europe/", id="a folder with a slash"),
        pytest.param("Europe", id="a folder"),
        pytest.param("Europe//Berlin", id="two slashes"),
        pytest.param("Europe\\Berlin", id="backslash"),
        pytest.param("C:\\zones", id="a drive"),
        pytest.param("zone.tab", id="a table beside the zones"),
        pytest.param("leapseconds", id="a text beside the zones"),
        pytest.param("Europe/Berlin\n", id="a line break"),
        pytest.param("Europe/Berlin\x00", id="a zero byte"),
        pytest.param("Europe/Atlantis", id="unknown"),
        pytest.param("Europe/Zürich", id="not ASCII"),
        pytest.param("CET-1CEST", id="a POSIX rule"),
        pytest.param("+02:00", id="an offset"),
        pytest.param("A" * 10_000, id="very long"),
    ],
)
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZone) as refusal:
        zone_named(name)
    assert "use an IANA name like Europe/Paris" in str(refusal.value)
    assert len(str(refusal.value)) < 200
    assert str(refusal.value).isascii()


@pytest.mark.parametrize(
    "name", ["UTC", "Etc/GMT+5", "EST5EDT", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Asia/Kolkata"]
)
def test_the_names_of_zones_are_known(name: str) -> None:
    assert zone_named(name).key == name


@pytest.mark.parametrize(
    ("zone", "change", "before", "after"),
    [
        pytest.param("Europe/Berlin", "2024-03-31T01:00", 3600, 7200, id="Berlin forward"),
        pytest.param("Europe/Berlin", "2024-10-27T01:00", 7200, 3600, id="Berlin back"),
        pytest.param("Australia/Lord_Howe", "2024-10-05T15:30", 37800, 39600, id="Lord Howe, half an hour"),
        pytest.param("Africa/Casablanca", "2024-03-10T02:00", 3600, 0, id="Casablanca, Ramadan begins"),
        pytest.param("Africa/Casablanca", "2024-04-14T02:00", 0, 3600, id="Casablanca, Ramadan is over"),
        pytest.param("Antarctica/Troll", "2024-03-31T01:00", 0, 7200, id="Troll, two hours"),
        pytest.param("Pacific/Apia", "2011-12-30T10:00", -36000, 50400, id="Apia leaves a day out"),
        pytest.param("Asia/Gaza", "2040-10-20T00:00", None, None, id="Gaza, seven days before the next change"),
    ],
)
def test_a_change_begins_a_segment_at_its_second(zone: str, change: str, before: int | None, after: int | None) -> None:
    one, other = segment_from(zone, at(change) - 1), segment_from(zone, at(change))
    assert one is not None
    assert other is not None
    assert one.end == other.begin == at(change)
    assert one.offset != other.offset
    assert other.forward == other.offset - one.offset
    if before is not None:
        assert (one.offset, other.offset) == (before, after)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Gaza", "Africa/El_Aaiun", "Pacific/Chatham"])
def test_segments_follow_each_other_without_a_hole_in_both_directions(zone: str) -> None:
    begin, end = at("2036-02-01T00:00"), at("2042-12-31T23:59")
    found = forwards(zone, begin, end)
    assert found[0].begin <= begin < found[0].end
    assert found[-1].begin <= end < found[-1].end
    assert all(one.end == other.begin for one, other in pairwise(found))
    assert all(other.forward == other.offset - one.offset for one, other in pairwise(found))
    assert backwards(zone, begin, end) == found[::-1]


def test_gaza_2040_has_both_of_its_changes_of_one_week() -> None:
    autumn = forwards("Asia/Gaza", at("2040-10-01T00:00"), at("2040-12-31T00:00"))
    assert autumn[1].end - autumn[1].begin < 7 * 86_400


def test_there_are_no_segments_at_the_ends_of_the_calendar() -> None:
    first, last = segment_from("Europe/Berlin", at("0001-06-01")), segment_until("Europe/Berlin", at("9999-06-01"))
    assert first is not None
    assert last is not None
    assert first.begin == at(f"{FIRST_YEAR:04}-01-01") > at("0001-06-01")
    assert last.end == at(f"{LAST_YEAR + 1}-01-01") < at("9999-06-01")
    assert segment_until("Europe/Berlin", at("0001-06-01")) is None
    assert segment_from("Europe/Berlin", at("9999-06-01")) is None

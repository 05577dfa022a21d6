import zoneinfo
from collections.abc import Iterator

import pytest

from controller import events, settings
from controller.app import LONGEST_END, use_packaged_tzdata


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def test_zones_come_from_the_package_whose_version_members_announce() -> None:
    zoneinfo.reset_tzpath(["/some/folder/of/the/machine"])
    version = use_packaged_tzdata()
    assert zoneinfo.TZPATH == ()
    assert zoneinfo.ZoneInfo("Europe/Berlin").key == "Europe/Berlin"
    assert version.startswith("20")


def test_a_zone_read_before_from_the_machine_is_read_anew() -> None:
    before = zoneinfo.ZoneInfo("Europe/Paris")
    use_packaged_tzdata()
    assert zoneinfo.ZoneInfo("Europe/Paris") is not before


def test_an_orderly_end_takes_ten_seconds_at_most_even_if_nobody_answers() -> None:
    """The beat that is under way, the word that the node leaves, the overlap, the looks, and the last words."""
    given, _ = settings.read([], {})
    beats = 2 * given.node_ttl_seconds / 4
    ends = (LONGEST_END + events.LAST_WORDS).total_seconds()
    assert beats + given.node_update_seconds + ends <= 10  # docs/operating.md, "Draining nodes"

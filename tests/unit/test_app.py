import zoneinfo
from collections.abc import Iterator

import pytest

from controller.app import use_packaged_tzdata


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

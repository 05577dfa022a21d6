"""The chart's copy of the API's definition: Helm reads none from outside a chart, and packs no links."""

from __future__ import annotations

from pathlib import Path

from deploy.chart.places import CHART, CRDS


def stale(copies: Path = CHART / "crds") -> list[str]:
    """Names of files that are missing, left over or not equal."""
    names = {path.name for folder in (CRDS, copies) for path in folder.iterdir()}
    return sorted(name for name in names if _bytes(CRDS / name) != _bytes(copies / name))


def write(copies: Path = CHART / "crds") -> None:
    """Make them equal."""
    for name in stale(copies):
        source = _bytes(CRDS / name)
        if source is None:
            (copies / name).unlink()
        else:
            (copies / name).write_bytes(source)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None

"""Where the chart and its sources are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
CHART: Final = PROJECT / "charts" / "dcron"
CRDS: Final = PROJECT / "crds"
"""The one source of the API's definition."""
MANIFESTS: Final = PROJECT / "deploy" / "kustomize"
"""The chart once more, for those who apply it with kubectl."""

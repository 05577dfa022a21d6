"""Rows of a table that fail although they ought not to: each with its reason, in the open, until it is mended.

Such a row must fail: a mended one turns the run red until it is taken off the list. Nothing else may be excused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest


def each(names: Iterable[str], broken: Mapping[str, str]) -> pytest.MarkDecorator:
    """Runs a test for each name.

    Args:
        names: All of them.
        broken: Why the test fails, by the names for which it does.
    """
    excuses = {name: pytest.mark.xfail(strict=True, reason=why) for name, why in broken.items()}
    return pytest.mark.parametrize("name", [pytest.param(name, marks=excuses.get(name, ())) for name in names])

"""What `docs/redis.md` tells an administrator to type: tests take it from there, so that it is true."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "redis.md"


def documented_acl() -> str:
    """The ACL line for the operator's user, with PASSWORD in it."""
    (line,) = re.findall(r"^user dcron .*$", PAGE.read_text(), re.MULTILINE)
    return str(line)


def documented_cluster_commands() -> str:
    """What is added to that line on a Redis Cluster."""
    (words,) = re.findall(r"On a Redis Cluster add `([^`]+)`", PAGE.read_text())
    return str(words)


def documented_sentinel_commands() -> str:
    """What the user needs at the sentinels."""
    (words,) = re.findall(r"The sentinels' own user needs `([^`]+)`", PAGE.read_text())
    return str(words)

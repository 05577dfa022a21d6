"""How instants, durations and values are told: to people in a few characters, to programs as JSON or YAML."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo
from typing import Any

import yaml

from controller.instants import format_time, span


def as_json(value: Any) -> str:
    """A value as JSON, for programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_yaml(value: Any) -> str:
    """A value as YAML, for programs."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120).rstrip("\n")


def text(instant: datetime | None) -> str | None:
    """An instant for programs: RFC 3339 in UTC."""
    return None if instant is None else format_time(instant)


def ago(instant: datetime | None, now: datetime) -> str:
    """How far an instant is from now, in either direction; `-` if there is none."""
    if instant is None:
        return "-"
    return f"in {span(instant - now)}" if instant > now else f"{span(now - instant)} ago"


def wall(instant: datetime, zone: tzinfo) -> str:
    """An instant as the clock on a wall shows it, with the offset, and the weekday."""
    local = instant.astimezone(zone)
    offset = local.strftime("%z")
    shown = "Z" if not local.utcoffset() else f" {offset[:3]}:{offset[3:5]}"
    return f"{local:%a %Y-%m-%d %H:%M:%S}{shown}"

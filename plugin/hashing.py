"""How a schedule would read with `H`: as often as before, at a minute of the object's own.

Only what stands for "some time" is touched: minute 0 of an hour, midnight, a step from the beginning. A schedule that
names a minute other than 0 was meant so.
"""

from __future__ import annotations

import re
from typing import Final

_MACROS: Final = {
    "@hourly": "H * * * *",
    "@daily": "H H * * *",
    "@midnight": "H H(0-5) * * *",
    "@weekly": "H H * * 0",
    "@monthly": "H H 1 * *",
    "@yearly": "H H 1 1 *",
    "@annually": "H H 1 1 *",
}
_STEP: Final = re.compile(r"(?:\*|0)/(\d+)")


def spread(text: str) -> str:
    """The schedule with an H where it may have one; the same text if there is no such place."""
    words = text.split()
    if len(words) == 1:
        return _MACROS.get(words[0].lower(), text)
    if len(words) not in (5, 6):
        return text
    seconds, fields = words[:-5], words[-5:]
    if seconds and seconds != ["0"]:
        return text  # it is the seconds that make the herd, and they are wanted
    minute = _hashed(fields[0])
    if minute is None:
        return text
    # With seconds first, the 0 is a herd within the minute; without them it cannot be otherwise.
    return " ".join([*(["H"] if seconds else []), minute, *fields[1:]])


def _hashed(minute: str) -> str | None:
    step = _STEP.fullmatch(minute)
    if minute == "0":
        return "H"
    return f"H/{step.group(1)}" if step and int(step.group(1)) > 1 else None

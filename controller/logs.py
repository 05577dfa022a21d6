"""How log lines look: text for people, JSON for machines, one record a line, with the data of `extra`.

All rooms log by the standard library: a constant message, data in `extra`. This room gives that its form, once, when a
process starts; it never logs, and reads no clock (a record carries its time). `__main__` is its only user.

A text line is `2026-01-31T08:00:00.123Z INFO    controller.reconciler: fired key=team/report job=report-2026...`. A
value that holds a space or anything that could break a line is quoted as JSON. A traceback follows in lines of its own
in text, and is one field in JSON.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, TextIO

CHATTER: Final = {
    "kopf": logging.WARNING,
    "kopf._cogs.clients": logging.CRITICAL,  # an ERROR for each attempt while the API server is away; we say it once
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
}
"""Foreign loggers that tell of normal work on lower levels than these; heard in full when debugging."""
NEVER_BELOW: Final = {
    "kubernetes": logging.INFO,
    "urllib3": logging.INFO,
}
"""Foreign loggers that on `debug` print bodies of answers: too long, and secrets may be in them."""

_OWN_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_KOPF_FIELDS = frozenset({"settings", "k8s_skip", "k8s_ref"})  # kopf's way to pass objects to its own formatters
_JSON_FIELDS = ("time", "level", "logger", "message", "exception", "stack")


def configure(log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Send all logging of this process to one stream. What an earlier call set up is replaced.

    Args:
        log_format: `text` or `json`.
        level: A name of `logging`, in small or large letters; from there on our own lines are shown.
        stream: Standard error if None.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(handler)
    handler = _Handler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root.addHandler(handler)
    root.setLevel(threshold)
    for name, least in CHATTER.items():
        logging.getLogger(name).setLevel(threshold if threshold <= logging.DEBUG else max(least, threshold))
    for name, least in NEVER_BELOW.items():
        logging.getLogger(name).setLevel(max(least, threshold))
    # Warnings of Python, such as a coroutine that was never awaited, go the same way and keep the form.
    logging.captureWarnings(capture=True)


class TextFormatter(logging.Formatter):
    """Time, level, logger, message, then the data as `key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback below it if there is one."""
        message = _one_line(record.getMessage())
        data = "".join(f" {name}={_shown(value)}" for name, value in _extra(record).items())
        lines = [f"{_time(record)} {record.levelname:<7} {record.name}: {message}{data}", *_traces(self, record)]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message and the data side by side."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, on one line."""
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in _extra(record).items():
            fields[f"extra_{name}" if name in _JSON_FIELDS else name] = _plain(value)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return json.dumps(fields, ensure_ascii=False)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that it can be told from handlers that somebody else added."""


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    hidden = _OWN_FIELDS | _KOPF_FIELDS if record.name.partition(".")[0] == "kopf" else _OWN_FIELDS
    return {name: value for name, value in record.__dict__.items() if name not in hidden}


def _time(record: logging.LogRecord) -> str:
    return _instant(datetime.fromtimestamp(record.created, UTC))


def _instant(instant: datetime) -> str:
    if instant.tzinfo is None:
        return instant.isoformat()
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traces(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    traces = [formatter.formatException(record.exc_info)] if record.exc_info else []
    return [*traces, formatter.formatStack(record.stack_info)] if record.stack_info else traces


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return _instant(value)
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case tuple() if hasattr(value, "_fields"):  # a named tuple such as a Key says itself how it is shown
            return str(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return sorted(str(_plain(item)) for item in value)
        case _:
            return str(value)


def _shown(value: Any) -> str:
    plain = _plain(value)
    if not isinstance(plain, str):
        return json.dumps(plain, ensure_ascii=False)
    if plain and plain.isprintable() and not any(sign in plain for sign in ' "='):
        return plain
    return json.dumps(plain, ensure_ascii=not plain.isprintable())


def _one_line(text: str) -> str:
    return text if text.isprintable() else "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode()

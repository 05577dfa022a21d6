import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller import logs
from controller.logs import JsonFormatter, TextFormatter
from controller.outcomes import Reason
from controller.spec import Key

CREATED = datetime(2026, 1, 31, 8, 0, 0, 123_400, tzinfo=UTC)


def record(message: str = "fired", extra: Mapping[str, Any] | None = None, **changes: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "controller.reconciler", "levelname": "INFO", "msg": message, **changes})
    made.created = CREATED.timestamp()
    made.__dict__.update(extra or {})
    return made


def text(message: str = "fired", **extra: Any) -> str:
    return TextFormatter().format(record(message, extra))


def fields(message: str = "fired", **extra: Any) -> dict[str, Any]:
    line = JsonFormatter().format(record(message, extra))
    assert "\n" not in line
    loaded: dict[str, Any] = json.loads(line)
    return loaded


def caught() -> Any:
    try:
        raise LookupError("not there")
    except LookupError:
        return sys.exc_info()


def test_a_text_line_has_time_level_room_message_and_data() -> None:
    assert text(key=Key("team", "report"), lateness_seconds=0.25) == (
        "2026-01-31T08:00:00.123Z INFO    controller.reconciler: fired key=team/report lateness_seconds=0.25"
    )


def test_a_json_line_has_the_same_as_fields() -> None:
    assert fields(key=Key("team", "report"), lateness_seconds=0.25) == {
        "time": "2026-01-31T08:00:00.123Z",
        "level": "info",
        "logger": "controller.reconciler",
        "message": "fired",
        "key": "team/report",
        "lateness_seconds": 0.25,
    }


@pytest.mark.parametrize(
    ("value", "as_text", "as_json"),
    [
        ("plain", "plain", "plain"),
        ("two words", '"two words"', "two words"),
        ("", '""', ""),
        ('a "quote"', '"a \\"quote\\""', 'a "quote"'),
        ("a=b", '"a=b"', "a=b"),
        ("line\nbreak", '"line\\nbreak"', "line\nbreak"),
        ("\x1b[31mred", '"\\u001b[31mred"', "\x1b[31mred"),
        ("other\u2028break", '"other\\u2028break"', "other\u2028break"),
        ("höhe", "höhe", "höhe"),
        (None, "null", None),
        (True, "true", True),
        (3, "3", 3),
        (float("inf"), "inf", "inf"),
        (Reason.CREATED, "Created", "Created"),
        (CREATED, "2026-01-31T08:00:00.123Z", "2026-01-31T08:00:00.123Z"),
        (datetime(2026, 1, 31, 8), "2026-01-31T08:00:00", "2026-01-31T08:00:00"),  # noqa: DTZ001 - a mistake is shown as it is
        (timedelta(seconds=1.5), "1.5", 1.5),
        (["a", Key("b", "c")], '["a", "b/c"]', ["a", "b/c"]),
        ({"b", "a"}, '["a", "b"]', ["a", "b"]),
        ({"at": CREATED}, '{"at": "2026-01-31T08:00:00.123Z"}', {"at": "2026-01-31T08:00:00.123Z"}),
        (LookupError("gone"), "gone", "gone"),
    ],
)
def test_values_keep_their_line_whatever_they_are(value: object, as_text: str, as_json: object) -> None:
    assert text(value=value).endswith(f": fired value={as_text}")
    assert fields(value=value)["value"] == as_json


def test_an_instant_in_another_zone_is_shown_in_utc() -> None:
    berlin = datetime.fromisoformat("2026-01-31T09:00:00+01:00")
    assert fields(at=berlin)["at"] == "2026-01-31T08:00:00.000Z"


def test_a_message_with_line_breaks_stays_on_its_line() -> None:
    assert text("forged\r\nline").endswith(": forged\\r\\nline")
    assert fields("forged\r\nline")["message"] == "forged\r\nline"


def test_arguments_of_a_message_are_filled_in() -> None:
    assert TextFormatter().format(record("%s of %d", args=("one", 2))).endswith(": one of 2")


def test_a_traceback_is_one_field_in_json_and_lines_below_in_text() -> None:
    failed = record("reconcile failed", {"key": "a/b"}, exc_info=caught())
    assert json.loads(JsonFormatter().format(failed))["exception"].endswith("LookupError: not there")
    first, *below = TextFormatter().format(failed).splitlines()
    assert first.endswith(": reconcile failed key=a/b")
    assert (below[0], below[-1]) == ("Traceback (most recent call last):", "LookupError: not there")


def test_a_stack_is_kept() -> None:
    asked = record("here", stack_info="Stack (most recent call last):\n  somewhere")
    assert json.loads(JsonFormatter().format(asked))["stack"].endswith("somewhere")
    assert TextFormatter().format(asked).endswith("\n  somewhere")


def test_data_never_replaces_a_field_of_the_line() -> None:
    shown = fields(level="noise", time="noon")
    assert (shown["level"], shown["extra_level"], shown["extra_time"]) == ("info", "noise", "noon")


def test_what_kopf_passes_to_its_own_formatters_is_left_out() -> None:
    passed = {"settings": object(), "k8s_ref": {"name": "x"}, "k8s_skip": True}
    assert TextFormatter().format(record(extra=passed, name="kopf.objects")).endswith(" kopf.objects: fired")
    assert fields(settings="ours")["settings"] == "ours"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream to configure logging with; afterwards all loggers are as they were."""
    loggers = [logging.getLogger(name) for name in ("", *logs.CHATTER, *logs.NEVER_BELOW)]
    levels = [logger.level for logger in loggers]
    handlers = list(loggers[0].handlers)
    yield io.StringIO()
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.captureWarnings(capture=False)


def test_after_configure_lines_go_to_the_stream_from_their_level_on(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    logging.getLogger("controller.reconciler").debug("nothing changed")
    logging.getLogger("controller.reconciler").info("fired", extra={"node": "a"})
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["node"] == "a"


def test_configuring_again_replaces_and_does_not_double(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    logs.configure("text", "warning", stream)
    logging.getLogger("controller").warning("once")
    logging.getLogger("controller").info("not shown")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("WARNING controller: once")


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", {"controller": 10, "kopf.reactor": 10, "asyncio": 10, "kubernetes.client.rest": 20}),
        (
            "info",
            {
                "controller": 20,
                "kopf._cogs.clients.watching": 50,
                "kopf.reactor": 30,
                "aiohttp.access": 30,
                "asyncio": 30,
            },
        ),
        ("error", {"controller": 40, "kopf.reactor": 40, "asyncio": 40, "kubernetes.client.rest": 40}),
    ],
)
def test_foreign_chatter_is_heard_only_when_debugging(stream: io.StringIO, level: str, heard: dict[str, int]) -> None:
    logs.configure("text", level, stream)
    assert {name: logging.getLogger(name).getEffectiveLevel() for name in heard} == heard


def test_warnings_of_python_become_lines(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("never awaited", RuntimeWarning, stacklevel=1)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["logger"] == "py.warnings"
    assert "never awaited" in json.loads(line)["message"]

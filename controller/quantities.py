"""The kinds of values that settings have, each read from text by a function that says what is allowed.

A reader goes from text to a value, or raises ValueError with the phrase that completes "... is not allowed:". It knows
no table and no environment; `settings` puts the readers into its table.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Stricter than float() and int(), which take `nan`, `1e9`, `1_0` and digits of all scripts.
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_PORT = 65535


def seconds(least: float, most: float) -> Callable[[str], float]:
    """A reader of numbers of seconds; both ends are allowed."""

    def parse(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
            raise ValueError(f"a number of seconds from {least:g} to {most:g}")
        return float(text)

    return parse


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers; both ends are allowed."""

    def parse(text: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def matching(pattern: re.Pattern[str], allowed: str) -> Callable[[str], str]:
    """A reader of texts that match a pattern as a whole; `allowed` says it in words."""

    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(allowed)
        return text

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """A reader of some words, written small or large; it gives them in small letters."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text.lower()

    return parse


def truth(text: str) -> bool:
    """True or false, written small or large."""
    return one_of("true", "false")(text) == "true"


def port(text: str) -> int:
    """A port to listen on, or 0."""
    if text.startswith(("tcp://", "udp://")):
        # A Service named dcron-http makes the kubelet set DCRON_HTTP_PORT in every pod of its namespace.
        raise ValueError("Kubernetes set it for a Service; set it yourself, or `enableServiceLinks: false` in the pod")
    return whole(0, _MAX_PORT)(text)


def namespaces(text: str) -> tuple[str, ...]:
    """Names separated by commas, each once, in their order; none only if the text is empty."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if (text and not names) or not all(map(_DNS_LABEL.fullmatch, names)):
        raise ValueError("names of namespaces separated by commas")
    return names

"""URLs of Redis: which are accepted, and how they are shown without their passwords.

It exists because a URL is both an address and a secret: whoever logs one takes it from here. It never connects; the
driver does.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("redis", "rediss", "redis+sentinel", "redis+cluster")

_MAX_PORT = 65535
_MANY_HOSTS = ("redis+sentinel", "redis+cluster")
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(?P<port>[0-9]{1,5}))?")
_PASSWORD_IN_QUERY = re.compile(r"(?i)(?<=[?&])([^=&]*pass[^=&]*|username)=[^&]*")


def checked(url: str) -> str:
    """The same URL, if it has one of the schemes and a host, or several where the scheme means several.

    Raises:
        ValueError: It says what is allowed, and shows nothing of the URL.
    """
    allowed = f"a URL {', '.join(f'{scheme}://' for scheme in SCHEMES)} with a host"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(allowed) from None
    if parts.scheme not in SCHEMES or not parts.netloc or "@" in parts.path:
        raise ValueError(f"{allowed}; in a password / ? # @ are written %2F %3F %23 %40")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if len(hosts) > 1 and parts.scheme not in _MANY_HOSTS:
        raise ValueError(f"one host; several go with {' or '.join(f'{scheme}://' for scheme in _MANY_HOSTS)}")
    if not all(map(_is_host, hosts)):
        raise ValueError(f"{allowed} and, if any, a port up to {_MAX_PORT}; in a password / ? # @ are %2F %3F %23 %40")
    return url


def without_password(url: str) -> str:
    """A URL with all that stands before its last @, and user and password among its parameters, as stars."""
    head, at, tail = url.rpartition("@")
    if at:
        scheme, slashes, _ = head.partition("://")
        tail = f"{scheme}://***@{tail}" if slashes else f"***@{tail}"
    return _PASSWORD_IN_QUERY.sub(r"\1=***", tail)


def shown_if_wrong(url: str) -> str:
    """What may be shown of a URL that `checked` refused: its shape is not known, so no more than its scheme."""
    scheme, slashes, _ = url.partition("://")
    return f"{scheme}://..." if slashes and scheme in SCHEMES else "this value (not shown, it may hold a password)"


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    return match is not None and 0 < int(match["port"] or 1) <= _MAX_PORT

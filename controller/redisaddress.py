"""Where Redis is and how to get in, read anew whenever it is asked: a Secret that is rotated needs no restart.

It exists because a mounted Secret changes under a running process: the whole URL, the password alone, or certificates
that a URL names. Two readings that are equal lead to the same Redis in the same way. It never connects:
`redisconnection` makes a client from a reading, and asks for another one when Redis does not answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from controller import redisurl
from controller.errors import InvalidSettings

_CERTIFICATES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Parameters of a URL that name a file which the library reads only once."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The address as it was when it was read.

    Attributes:
        url: With the password in it.
        certificates: A digest of each file that the URL names; empty for one that cannot be read.
    """

    url: str
    certificates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """The address as the settings have it: by value, or by the names of files.

    Attributes:
        url: The URL itself; None if it stands in a file.
        url_file: A file with the URL.
        password_file: A file with the password of the URL's user; the URL then has none.
    """

    url: str | None = None
    url_file: str | None = None
    password_file: str | None = None

    def read(self) -> Reading:
        """The address as it is now.

        Raises:
            InvalidSettings: A file that cannot be read or is empty, or no URL; the sentence shows no password.
        """
        url = self.url if self.url_file is None else _url_in(self.url_file)
        if url is None:
            raise InvalidSettings("DCRON_REDIS_URL: there is none")
        if self.password_file is not None:
            url = _with_password(url, _text_in("DCRON_REDIS_PASSWORD_FILE", self.password_file))
        return Reading(url, tuple(map(_digest, _certificates(url))))


def _url_in(file: str) -> str:
    url = _text_in("DCRON_REDIS_URL_FILE", file)
    try:
        return redisurl.checked(url)
    except ValueError as wrong:
        raise InvalidSettings(f"DCRON_REDIS_URL_FILE: what stands in {file} is not allowed: {wrong}") from None


def _text_in(setting: str, file: str) -> str:
    """A file's text without the end of its line, which many editors and `kubectl create secret` bring along."""
    try:
        text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidSettings(f"{setting}: cannot read {file}: {said}") from None
    if not text:
        raise InvalidSettings(f"{setting}: {file} is empty")
    return text


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    if ":" in user:
        raise InvalidSettings("DCRON_REDIS_PASSWORD_FILE: the URL has a password already; give one of the two")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{hosts}").geturl()


def _certificates(url: str) -> list[str]:
    named = parse_qs(urlsplit(url).query)
    return [file for parameter in _CERTIFICATES for file in named.get(parameter, [])]


def _digest(file: str) -> str:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return ""

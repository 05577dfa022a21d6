"""What every text of a schedule must obey, and how a refusal quotes it.

It exists because three grammars read such texts, `grammar` (cron), `fixedtimes` (`@every`, `@at`) and the macros in
between, and an author must not notice: the same length limit, the same characters, the same form of sentence. Whatever
the text, looking at it here takes one pass over at most 256 characters.

It never says what a text means; `schedule` asks here which grammar that is to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from controller.errors import InvalidSchedule

MAX_CHARACTERS: Final = 256
"""The longest text that is read. It also bounds every list in it, and so the work."""

EVERY: Final = "@every"
AT: Final = "@at"

_SHOWN_CHARACTERS: Final = 80

_WORD: Final = re.compile(r"[^ \t\n\v\f\r]+")
"""Blanks are those of Go. Python would also split at the separators 0x1C to 0x1F."""

_MICRO: Final = str.maketrans({"\u00b5": "u", "\u03bc": "u"})
"""The two characters that Go takes for the u in `us`."""

_HASHED: Final = re.compile(r"(?<![A-Za-z])[Hh](?![A-Za-z])")
"""An H that is no part of a name: not the one in THU."""


class Refused(Exception):
    """Why a text is refused, as the end of a sentence that `refusing` begins."""


@contextmanager
def refusing(text: str) -> Iterator[None]:
    """Turn a `Refused` into the error for the author, with the text quoted in ASCII and cut to a readable length.

    Raises:
        InvalidSchedule: The block was left by a `Refused`.
    """
    try:
        yield
    except Refused as refused:
        raise InvalidSchedule(f"schedule {_quoted(text)}: {_shortened(str(refused))}") from None


def _quoted(text: str) -> str:
    """The text in quotes and in ASCII, where a character outside it takes up to ten."""
    shown = ascii(text[: _SHOWN_CHARACTERS + 1])
    return shown if len(shown) <= _SHOWN_CHARACTERS + 2 else f"{shown[: _SHOWN_CHARACTERS + 1]}...{shown[-1]}"


def _shortened(reason: str) -> str:
    """A reason may quote an item: with control characters, or so long that its middle is of no use to anybody."""
    reason = reason if reason.isprintable() else ascii(reason)[1:-1]
    if len(reason) <= 2 * _SHOWN_CHARACTERS:
        return reason
    return f"{reason[:_SHOWN_CHARACTERS]}...{reason[-_SHOWN_CHARACTERS:]}"


def words(text: str) -> list[str]:
    """The words of a text, in ASCII.

    Raises:
        Refused: It is too long, has a foreign character, or begins with a time zone.
    """
    if len(text) > MAX_CHARACTERS:
        raise Refused(f"it has more than {MAX_CHARACTERS} characters")
    if not text.isascii():
        if first_word(text) == EVERY:
            text = text.translate(_MICRO)
        if not text.isascii():
            raise Refused("it has a character that is not ASCII")
    found = _WORD.findall(text)
    if found and found[0].lower().startswith(("tz=", "cron_tz=")):
        raise Refused("a time zone does not belong in an expression: set spec.timeZone")
    return found


def first_word(text: str) -> str:
    """The first word in small letters; empty if there is none."""
    found = _WORD.search(text)
    return found[0].lower() if found else ""


def has_hash(text: str) -> bool:
    """Whether an H in the text stands for a hashed value. Macros are never hashed."""
    if len(text) > MAX_CHARACTERS or first_word(text).startswith("@"):
        return False
    return _HASHED.search(text) is not None

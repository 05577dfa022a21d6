"""One setting: what it is called, what it is for, and how its text becomes a value.

It exists so that `settings` is a table and the rules between its rows, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from controller.errors import InvalidSettings

PREFIX: Final = "DCRON_"
_SHOWN_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table.

    Attributes:
        name: The field of `Settings`; variable and flag are made from it.
        help: What it is for.
        default: As text, in the form that the variable has.
        default_shown: What `--help` says of the default where the text would not do.
        unit: What a number counts.
        parse: From text to value; raises ValueError that says what is allowed.
        shown: How a wrong value is quoted.
    """

    name: str
    help: str
    parse: Callable[[str], Any]
    default: str | Callable[[Mapping[str, str]], str]
    default_shown: str = ""
    unit: str = ""
    shown: Callable[[str], str] = lambda text: repr(text[:_SHOWN_LENGTH])

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """The name of the flag."""
        return "--" + self.name.replace("_", "-")

    @property
    def description(self) -> str:
        """What `--help` says."""
        default = self.default_shown or f"{self.default} {self.unit}".rstrip()
        return f"{self.help}. Variable {self.variable}; default: {default}."

    def value(self, flag: str | None, environment: Mapping[str, str]) -> Any:
        """The value from the flag, else from the variable, else the default."""
        text = (environment.get(self.variable, "") if flag is None else flag).strip()
        if not text:
            text = self.default(environment) if callable(self.default) else self.default
        try:
            return self.parse(text)
        except ValueError as wrong:
            origin = self.variable if flag is None else f"{self.variable} ({self.flag})"
            raise InvalidSettings(f"{origin}: {self.shown(text)} is not allowed: {wrong}") from None

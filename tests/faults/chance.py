"""What a seed decides of a fault: the victim, the moment within the second, how long it lasts."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """One seed of one fault: the same seed draws the same, in the same order.

    Attributes:
        seconds: How long a fault that lasts is to last.
    """

    seed: int
    seconds: float
    _random: random.Random = field(repr=False)

    @classmethod
    def of(cls, seed: int, fault: str, seconds: float) -> Chance:
        """The draws of a fault from a seed: other faults of the same seed draw something else.

        Args:
            seed: Any number.
            fault: Its name.
            seconds: How long it lasts at least; up to a tenth more is drawn.
        """
        drawn = random.Random(f"{fault} {seed}")
        return cls(seed=seed, seconds=seconds * drawn.uniform(1, 1.1), _random=drawn)

    def one_of(self, values: Sequence[_T]) -> _T:
        """One of some values."""
        return self._random.choice(values)

    def some_of(self, values: Sequence[_T], number: int) -> list[_T]:
        """So many different ones of some values."""
        return self._random.sample(values, number)

    def between(self, least: float, most: float) -> float:
        """A number between two."""
        return self._random.uniform(least, most)

    def number(self) -> int:
        """A seed for whoever draws on his own."""
        return self._random.getrandbits(32)

    def wait_for_moment(self) -> None:
        """Return at a moment within the second that is drawn: instants are due at whole seconds."""
        moment = self._random.random()
        time.sleep((moment - time.time()) % 1)

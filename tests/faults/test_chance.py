"""What a seed draws: the same again, and something else for another fault."""

from __future__ import annotations

from tests.faults.chance import Chance


def drawn(seed: int, fault: str) -> tuple[float, str, list[int], float, int]:
    """Some draws."""
    chance = Chance.of(seed, fault, 30)
    return (
        chance.seconds,
        chance.one_of(["north", "south", "west"]),
        chance.some_of(range(100), 5),
        chance.between(0, 1),
        chance.number(),
    )


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(7, "kill") == drawn(7, "kill")


def test_another_seed_or_another_fault_draws_something_else() -> None:
    assert len({str(drawn(seed, fault)) for seed in range(3) for fault in ("kill", "freeze")}) == 6


def test_a_fault_lasts_at_least_as_long_as_it_must() -> None:
    assert all(30 <= Chance.of(seed, "kill", 30).seconds <= 33 for seed in range(50))

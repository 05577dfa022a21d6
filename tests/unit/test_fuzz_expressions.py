"""Some of the inputs of `fuzz_expressions`; its command throws as many as one likes."""

from __future__ import annotations

import pytest

from tests.unit.fuzz_expressions import Input, Score, main, throw

INPUTS = 3_000


def test_no_text_gets_anything_but_a_refusal_or_answers_that_agree() -> None:
    score = Score()
    throw(INPUTS, score, seeded=4)
    assert score.inputs >= INPUTS
    for outcome in ("refused", "fires", "nothing follows"):
        assert score.outcomes[outcome] >= INPUTS / 100, "the inputs are worth throwing only if all of this happens"


def test_the_command_says_what_came_of_it() -> None:
    said: list[str] = []
    assert main(["--inputs", "50"], say=said.append) == 0
    assert said[0].startswith("50 inputs in ")


def test_an_input_that_breaks_a_promise_is_found() -> None:
    def judge(thrown: Input, score: Score) -> None:
        assert "H(" not in thrown.texts[0]

    with pytest.raises(AssertionError):
        throw(500, Score(), seeded=1, judge=judge)

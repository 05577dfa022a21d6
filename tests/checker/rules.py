"""All rules together, and the judgment of a run: a verdict for each instant, and every rule that was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from tests.checker import agreement, liveness, obedience, safety
from tests.checker.broken import Broken
from tests.checker.history import History
from tests.checker.lives import Life, lives
from tests.checker.verdicts import Kind, Verdict, verdicts

Rule = Callable[[Life], Iterable[Broken]]

RULES: tuple[Rule, ...] = (
    safety.once,
    safety.none_invented,
    safety.never_early,
    safety.never_past_deadline,
    obedience.suspension_obeyed,
    obedience.deletion_obeyed,
    obedience.never_backwards,
    obedience.runs_asked_for,
    safety.limit_kept,
    safety.newest_survives,
    safety.replaced_in_time,
    safety.never_back,
    safety.history_tidied,
    liveness.in_time,
    obedience.requests_answered,
    liveness.one_outcome,
    liveness.counts_agree,
    liveness.settled_in_time,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """What a run came to.

    Attributes:
        verdicts: On each (object, instant), object by object.
        broken: Each rule that was broken, in the order of `RULES` for each object.
    """

    history: History
    verdicts: tuple[Verdict, ...]
    broken: tuple[Broken, ...]

    @property
    def valid(self) -> bool:
        """Nothing was broken, and something was due."""
        return not self.broken and any(verdict.kind is not Kind.OPEN for verdict in self.verdicts)

    @property
    def complaints(self) -> list[str]:
        """All that is wrong, in sentences; empty if the run is valid."""
        nothing = [] if self.valid or self.broken else ["nothing was due: the run shows nothing"]
        return [*map(str, self.broken), *nothing]

    @property
    def kinds(self) -> Counter[Kind]:
        """How many verdicts there are of each kind."""
        return Counter(verdict.kind for verdict in self.verdicts)

    @property
    def late(self) -> list[timedelta]:
        """How late each instant got its Job, the least first."""
        return sorted(verdict.lateness for verdict in self.verdicts if verdict.lateness is not None)

    @property
    def worst(self) -> timedelta:
        """The greatest lateness."""
        return self.late[-1] if self.late else timedelta(0)


def judge(history: History) -> Judgment:
    """Hold a run against every rule. A history with gaps is judged too, and is never valid."""
    found = [Broken(rule="evidence", where="", at=None, what=f"it is not complete: {gap}") for gap in history.gaps]
    found += [*safety.nothing_foreign(history), *agreement.ring_agreed(history)]
    seen: list[Verdict] = []
    for life in lives(history):
        seen += verdicts(life)
        for rule in RULES:
            found += rule(life)
    found += liveness.recovered(history, seen)
    return Judgment(history=history, verdicts=tuple(seen), broken=tuple(found))

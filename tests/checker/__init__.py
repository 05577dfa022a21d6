"""The checker: holds what the API server made against what was due, and says in sentences what broke.

A run's evidence is a `History`: plain values, so that a test can make one by hand. `evidence` makes one of a real run,
from a `watch` of its own and from the API server's `audit` log, so that deleted Jobs count. `lives` puts it in order
object by object and has the expected instants, `verdicts` says what became of each of them, `excuses` why one may have
no Job, `rules` names each rule of safety and liveness that was broken, `report` and `timeline` show it to a person.

It never asks a replica, but for the ring that each has (`agreement`), and shares no code with the project: instants
come from `tests.unit.wallclock`.
"""

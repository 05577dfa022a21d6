"""Faults on real processes: each row of the fault table of INVARIANTS is struck, and the checker judges the run.

A fault is a value (`fault`); the rooms named by what they break have them: `processes`, `redis`, `apiserver`,
`partitions`, `clocks`, `authors`. `catalogue` lists them all. They strike a `stage`: a control plane and a Redis of
its own, three replicas, and between each replica and the world two `proxies` that may delay, swallow or spoil what
passes. `objects` fire there each second. `course` runs one fault from a seed: calm, under the fault, after healing;
`summary` makes the table of all that ran.

`python -m tests.faults` runs them; `tests.cluster` has the parts, `tests.checker` is the judge.
"""

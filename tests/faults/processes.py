"""Replicas that die, freeze, are asked to end, or share a name."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.checker.history import Felt
from tests.cluster.fleet import NODES, Replica
from tests.cluster.team import now
from tests.faults import proxies
from tests.faults.bounds import HANDED_OVER
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind
from tests.faults.proxies import Condition, Mishap
from tests.faults.stage import Stage

LATE = "late"
"""A fourth replica that needs long."""


@contextmanager
def _killed(stage: Stage, *victims: str) -> Iterator[None]:
    """These die, and are started again at the end, as a kubelet does it."""
    for node in victims:
        stage.ends(node)
        stage.replica(node).kill()
    try:
        yield
    finally:
        stage.fleet.start(*victims)


@contextmanager
def owning_node_killed(stage: Stage, chance: Chance) -> Iterator[None]:
    """One that owns something dies."""
    with _killed(stage, chance.one_of(stage.owning_nodes())):
        yield


@contextmanager
def two_of_three_killed(stage: Stage, chance: Chance) -> Iterator[None]:
    """Two die at once."""
    with _killed(stage, *chance.some_of(NODES, 2)):
        yield


@contextmanager
def all_killed(stage: Stage, _: Chance) -> Iterator[None]:
    """All die at once."""
    with _killed(stage, *NODES):
        yield


@contextmanager
def frozen(stage: Stage, chance: Chance) -> Iterator[None]:
    """One that owns something is stopped for longer than its announcement counts, and goes on."""
    victim = stage.replica(chance.one_of(stage.owning_nodes()))
    victim.process.kill(signal.SIGSTOP)
    try:
        yield
    finally:
        victim.process.kill(signal.SIGCONT)


@contextmanager
def rolled(stage: Stage, chance: Chance) -> Iterator[None]:
    """One after another is asked to end and is started again: a rolling update."""
    for node in chance.some_of(NODES, len(NODES)):
        _replaced(stage, stage.replica(node))
    yield


def _replaced(stage: Stage, replica: Replica) -> None:
    asked = now()
    stage.ends(replica.node)
    replica.terminate()
    stage.happened(f"SIGTERM of {replica.node}", asked, now(), HANDED_OVER)
    stage.fleet.start(replica.node)
    stage.happened(f"{replica.node} has joined", now(), now(), HANDED_OVER)


@contextmanager
def name_shared(stage: Stage, chance: Chance) -> Iterator[None]:
    """A fourth replica has the name of another; all four fire, and the clash is reported."""
    node = chance.one_of(NODES)
    twin = stage.fleet.launch("twin", {"DCRON_NODE_NAME": node})
    try:
        stage.fleet.wait_until_whole()
        stage.happened(f"a second {node} has joined", now(), now(), HANDED_OVER)
        yield
        said = f"another live member has the name {node}"
        for replica in (twin, stage.replica(node)):
            stage.expect(said in replica.log, f"{replica.node} does not report that it shares its name")
    finally:
        asked = now()
        twin.terminate()
        del stage.fleet.replicas["twin"]
        stage.happened(f"SIGTERM of the second {node}", asked, now(), HANDED_OVER)
        time.sleep(1)
        stage.fleet.wait_until_whole()


@contextmanager
def killed_before_the_answer(stage: Stage, chance: Chance) -> Iterator[None]:
    """One dies whose creates went through, and who never heard of it: the next one meets its Jobs."""
    with _killed_while(stage, chance, proxies.spoiling_writes(Mishap.ANSWER_DROPPED, 1.0, methods=["POST"])):
        yield


@contextmanager
def killed_before_the_create(stage: Stage, chance: Chance) -> Iterator[None]:
    """One dies whose creates did not go through, after its claims did: the next one fills the slots."""
    with _killed_while(stage, chance, proxies.spoiling_writes(Mishap.REFUSED_BEFORE, 1.0, methods=["POST"])):
        yield


@contextmanager
def _killed_while(stage: Stage, chance: Chance, creates: Condition) -> Iterator[None]:
    victim = chance.one_of(stage.owning_nodes())
    stage.roads.to_api(victim, creates)
    time.sleep(chance.between(1.2, 1.8))  # at least one instant falls into it
    with _killed(stage, victim):
        stage.roads.clear()
        yield


@contextmanager
def slow_to_list(stage: Stage, chance: Chance) -> Iterator[None]:
    """A fourth replica joins that needs long for its lists: it is in the ring only once it can fire."""
    stage.roads.way(LATE)
    stage.roads.to_api(LATE, proxies.slow(chance.between(1.6, 2.2)))
    late = stage.fleet.launch(LATE)
    try:
        yield
        rings = [view.members for view in stage.rings.views() if view.node != LATE]
        stage.expect(not any(LATE in "".join(ring) for ring in rings), "it is in the ring before it can fire")
        joining = now()
        stage.roads.clear()
        stage.fleet.wait_until_whole()
        stage.happened(f"{LATE} has joined", joining, now(), HANDED_OVER)
    finally:
        asked = now()
        late.terminate()
        stage.happened(f"SIGTERM of {LATE}", asked, now(), HANDED_OVER)
        del stage.fleet.replicas[LATE]


BETWEEN = "kill -9 between create and record"
FAULTS = (
    FaultKind(name="kill-9-of-an-owning-node", row="kill -9 of an owner", strike=owning_node_killed),
    FaultKind(name="kill-9-of-two-of-three", row="kill -9 of an owner", strike=two_of_three_killed),
    FaultKind(name="kill-9-after-creates-without-an-answer", row=BETWEEN, strike=killed_before_the_answer),
    FaultKind(
        name="kill-9-after-claims-without-creates",
        row="kill -9 between claim and create",
        strike=killed_before_the_create,
    ),
    FaultKind(
        name="all-replicas-down-for-a-minute",
        row="all replicas down for an hour",
        strike=all_killed,
        felt=Felt.THROUGHOUT,
        seconds=60,
    ),
    FaultKind(
        name="sigstop-beyond-the-ttl", row="SIGSTOP longer than the TTL, then SIGCONT", strike=frozen, divides=True
    ),
    FaultKind(name="rolling-restart", row="SIGTERM, rolling update, also with two versions alive", strike=rolled),
    FaultKind(name="two-replicas-with-one-name", row="two replicas with the same name", strike=name_shared),
    FaultKind(
        name="join-of-one-that-is-slow-to-list",
        row="joins, also of a node that needs a minute to list",
        strike=slow_to_list,
    ),
)
"""All of them."""

"""Replicas that die, freeze, are asked to end, or share a name."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.checker.history import Felt
from tests.cluster.fleet import NODES, Replica
from tests.cluster.team import now
from tests.faults.bounds import HANDED_OVER
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind
from tests.faults.stage import Stage


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


FAULTS = (
    FaultKind(name="kill-9-of-an-owning-node", row="kill -9 of an owner", strike=owning_node_killed),
    FaultKind(name="kill-9-of-two-of-three", row="kill -9 of an owner", strike=two_of_three_killed),
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
)
"""All of them."""

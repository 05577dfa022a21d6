"""The API server, or etcd behind it, away or slow; and answers that are not what they should be."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus

from tests.checker.history import Felt
from tests.cluster.fleet import NODES
from tests.cluster.team import now
from tests.faults import proxies
from tests.faults.bounds import RECOVERY
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind, Strike
from tests.faults.proxies import Condition, Mishap
from tests.faults.stage import Stage

AWAY = "API server gone for 60 s"
LOST = "RBAC lost, token expired"
UNCLEAR = "500 or a time-out after the write went through"
THROTTLED = "429, fairness queues"
SILENT = "the API server does not answer"
"""What a replica logs when it cannot fire."""
NOTICED_SECONDS = 15.0


@contextmanager
def restarted(stage: Stage, _: Chance) -> Iterator[None]:
    """It is killed and started again on the same etcd."""
    since = now()
    stage.control_plane.restart_api_server()
    stage.happened("API server restarted", since, now(), RECOVERY, Felt.THROUGHOUT)
    yield


@contextmanager
def away(stage: Stage, _: Chance) -> Iterator[None]:
    """It is killed, and comes back much later."""
    stage.control_plane.stop_api_server()
    try:
        _noticed(stage)
        yield
    finally:
        stage.control_plane.start_api_server()


@contextmanager
def compacted(stage: Stage, _: Chance) -> Iterator[None]:
    """While it is away, etcd forgets all that was: every watch has lost its place."""
    since = now()
    stage.control_plane.stop_api_server()
    stage.control_plane.compact_etcd()
    stage.control_plane.start_api_server()
    stage.happened("etcd compacted behind the API server's back", since, now(), RECOVERY, Felt.THROUGHOUT)
    yield
    for node in stage.lasting_nodes:
        stage.expect("watch of Jobs" in stage.new_log(node), f"{node} did not notice that its watch had ended")


@contextmanager
def etcd_frozen(stage: Stage, _: Chance) -> Iterator[None]:
    """etcd stops: the API server still answers what needs no storage, and that must not count as an answer."""
    etcd = stage.control_plane.processes["etcd"]
    etcd.kill(signal.SIGSTOP)
    try:
        _noticed(stage)
        stage.expect_soon(
            lambda: all(stage.replica(node).checks().get("api") != "ok" for node in stage.lasting_nodes),
            "a replica is ready although nothing can be stored",
            NOTICED_SECONDS,
        )
        yield
    finally:
        etcd.kill(signal.SIGCONT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """Answers that all replicas get, or one of them.

    Attributes:
        how: What happens to requests; its seed is drawn.
        one: Only a replica that owns something.
    """

    how: Condition
    one: bool = False

    @contextmanager
    def strike(self, stage: Stage, chance: Chance) -> Iterator[None]:
        """Spoil the ways to the API server, each from a seed of its own."""
        for node in [chance.one_of(stage.owning_nodes())] if self.one else NODES:
            stage.roads.to_api(node, proxies.seeded(self.how, chance.number()))
        try:
            yield
        finally:
            stage.roads.clear()


@contextmanager
def token_expired(stage: Stage, chance: Chance) -> Iterator[None]:
    """No replica's credentials are accepted: all say so, none ends, and all come back by themselves."""
    with Spoilt(how=proxies.refusing(HTTPStatus.UNAUTHORIZED)).strike(stage, chance):
        _noticed(stage)
        yield


@contextmanager
def rights_lost(stage: Stage, _: Chance) -> Iterator[None]:
    """The binding of the replicas' role is deleted, and made again."""
    stage.rights.take()
    try:
        _noticed(stage)
        yield
    finally:
        stage.rights.give()


def _noticed(stage: Stage) -> None:
    """Each replica says that it cannot fire."""
    stage.expect_soon(
        lambda: all(SILENT in stage.new_log(node) for node in stage.lasting_nodes),
        f"not every replica logs {SILENT!r}",
        NOTICED_SECONDS,
    )


def _spoilt(name: str, row: str, how: Condition, *, one: bool = False) -> FaultKind:
    felt = Felt.AT_ITS_EDGES if one else Felt.EACH_TIME
    return FaultKind(name=f"api-{name}", row=row, strike=Spoilt(how=how, one=one).strike, felt=felt, stalls_watch=True)


def _absent(name: str, row: str, strike: Strike, seconds: float | None = None) -> FaultKind:
    return FaultKind(
        name=name, row=row, strike=strike, felt=Felt.THROUGHOUT, seconds=seconds, divides=True, stalls_watch=True
    )


HALF, FIFTH = 0.5, 0.2
"""Where an answer asks to wait for a second, no more than a fifth: an object of each second needs a create in each, one
after the other, and with half of them costing a second more it cannot keep up."""
LATE = timedelta(seconds=4.5)
"""Just short of the time-out of a request."""
FAULTS = (
    _absent("api-server-restarted", AWAY, restarted),
    _absent("api-server-away-for-60-s", AWAY, away, 60.0),
    _absent("etcd-frozen", AWAY, etcd_frozen),
    _absent("etcd-compacted", "watch 410, watch silently stalled", compacted),
    _absent("api-token-expired", LOST, token_expired),
    _absent("api-rights-lost", LOST, rights_lost),
    _spoilt("429-for-one", THROTTLED, proxies.refusing(HTTPStatus.TOO_MANY_REQUESTS, retry_after=2), one=True),
    _spoilt("429-for-a-fifth", THROTTLED, proxies.refusing(HTTPStatus.TOO_MANY_REQUESTS, share=FIFTH, retry_after=1)),
    _spoilt("500-before-half-of-the-writes", UNCLEAR, proxies.spoiling_writes(Mishap.REFUSED_BEFORE, HALF)),
    _spoilt("500-after-half-of-the-writes", UNCLEAR, proxies.spoiling_writes(Mishap.REFUSED_AFTER, HALF)),
    _spoilt("half-of-the-answers-dropped", UNCLEAR, proxies.spoiling_writes(Mishap.ANSWER_DROPPED, HALF)),
    _spoilt("slow-by-300-ms", THROTTLED, proxies.slow(0.15)),
    replace(
        _spoilt("fifth-of-the-writes-seconds-late", UNCLEAR, proxies.delaying_writes(LATE.total_seconds(), FIFTH)),
        on_its_way=LATE,
    ),
)
"""All of them."""

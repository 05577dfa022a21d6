"""One replica that reaches only a part of the world: the others take its keys, and it does no harm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.faults.chance import Chance
from tests.faults.fault import FaultKind, Strike
from tests.faults.proxies import HOLE, ONE_WAY, RESET, Condition
from tests.faults.stage import Stage

FROM_REDIS = "Redis black-holed for one replica"
FROM_API = "a replica that reaches Redis but not the API server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which ways of the victim are cut, and how."""

    how: Condition
    redis: bool = False
    api: bool = False

    @contextmanager
    def strike(self, stage: Stage, chance: Chance) -> Iterator[None]:
        """Cut them for one that owns something."""
        victim = chance.one_of(stage.owning_nodes())
        if self.redis:
            stage.roads.to_redis(victim, self.how)
        if self.api:
            stage.roads.to_api(victim, self.how)
        try:
            yield
        finally:
            stage.roads.clear()


def _fault(name: str, row: str, cut: Cut) -> FaultKind:
    strike: Strike = cut.strike
    return FaultKind(name=f"partition-{name}", row=row, strike=strike, divides=True, stalls_watch=cut.api)


FAULTS = (
    _fault("from-redis-black-hole", FROM_REDIS, Cut(how=HOLE, redis=True)),
    _fault("from-redis-answers-lost", FROM_REDIS, Cut(how=ONE_WAY, redis=True)),
    _fault("from-redis-reset", FROM_REDIS, Cut(how=RESET, redis=True)),
    _fault("from-api-server-black-hole", FROM_API, Cut(how=HOLE, api=True)),
    _fault("from-api-server-answers-lost", FROM_API, Cut(how=ONE_WAY, api=True)),
    _fault("from-api-server-reset", FROM_API, Cut(how=RESET, api=True)),
    _fault("from-everything", FROM_API, Cut(how=HOLE, redis=True, api=True)),
)
"""All of them."""

"""The stage on which faults are struck: a control plane, Redis, three replicas, the ways between them, and witnesses.

Faults act on it through its parts. Whatever they leave behind is mended by `calm`, before the next one.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from deploy.local.cluster import ControlPlane
from deploy.local.errors import LocalError
from deploy.local.redis_server import RedisServer
from tests.checker.history import Fault, Felt
from tests.checker.watch import ApiSource, Watch
from tests.cluster.fleet import NODES, Fleet, Replica, SharedRedis, eventually
from tests.cluster.team import Team, now
from tests.faults.objects import ASKED, objects
from tests.faults.rights import Rights
from tests.faults.rings import RingReader
from tests.faults.roads import Roads

_NAMESPACE = "faults"
_SETTLED_SECONDS = 90.0
_POLL_SECONDS = 0.2
_numbers = itertools.count(1)


@dataclass(kw_only=True)
class Account:
    """What a strike tells of itself.

    Attributes:
        happened: Its parts, if it has several: each excuses lateness for itself.
        ended: The nodes whose end is part of it.
        complaints: What was expected of the replicas, and did not come.
    """

    happened: list[Fault] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Stage:
    """Everything that a fault may break.

    Attributes:
        redis: What the replicas share.
        folder: For files of the replicas.
        account: Of the strike that goes on.
    """

    control_plane: ControlPlane
    redis: SharedRedis
    fleet: Fleet
    team: Team
    watch: Watch
    rings: RingReader
    roads_: Roads | None
    rights: Rights
    folder: Path
    account: Account = field(default_factory=Account)
    _logged: dict[str, int] = field(default_factory=dict)

    @property
    def plain_redis(self) -> RedisServer:
        """The one server that they share."""
        assert isinstance(self.redis, RedisServer)
        return self.redis

    @property
    def roads(self) -> Roads:
        """The proxies before a plain Redis and the API server."""
        assert self.roads_ is not None
        return self.roads_

    def owning_nodes(self) -> list[str]:
        """The nodes that own something, in the order of their names."""
        owners = {found.get("status", {}).get("owner", "") for found in self.team.cron_jobs()}
        return sorted(node for node in owners if node in self.fleet.replicas)

    def replica(self, node: str) -> Replica:
        """A replica by its name."""
        return self.fleet.replicas[node]

    @property
    def lasting_nodes(self) -> list[str]:
        """The nodes that nobody has asked to end."""
        return [node for node in self.fleet.replicas if node not in self.account.ended]

    def ends(self, node: str) -> None:
        """The end of this replica is part of the fault."""
        self.account.ended.add(node)

    def happened(
        self,
        what: str,
        since: datetime,
        until: datetime,
        within: timedelta,
        felt: Felt = Felt.AT_ITS_EDGES,
    ) -> None:
        """A part of the fault that goes on: it excuses lateness for itself."""
        self.account.happened.append(Fault(what=what, since=since, until=until, within=within, felt=felt))

    def expect(self, met: bool, sentence: str) -> None:
        """Complain if something that the replicas should do, or say, did not come."""
        if not met:
            self.account.complaints.append(sentence)

    def expect_soon(self, met: Callable[[], bool], sentence: str, seconds: float) -> None:
        """Complain if it does not come within some time."""
        deadline = time.monotonic() + seconds
        while not (found := met()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self.expect(found, f"{sentence} within {seconds:g} s")

    def new_log(self, node: str) -> str:
        """What a replica has logged since the last calm."""
        return self.replica(node).log[self._logged.get(node, 0) :]

    def ask(self) -> str | None:
        """Ask for a manual run, as its author would; gives its value, or None if the API server does not take it."""
        value = f"{now():%H%M%S}-{next(_numbers)}"
        try:
            self.team.annotate(ASKED, trigger=value)
        except LocalError:
            return None
        return value

    def calm(self) -> None:
        """Mend what was broken, and wait until all fire in time again."""
        self.account = Account()
        if self.roads_ is not None:
            self.roads_.clear()
        self.fleet.mend(*NODES)
        self._logged = {node: len(replica.log) for node, replica in self.fleet.replicas.items()}
        since = now()
        self.team.wait_until_settled(since, seconds=_SETTLED_SECONDS)


@contextmanager
def stage(
    control_plane: ControlPlane, redis: SharedRedis, folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """A stage on a control plane, with objects that fire each second, until the end of the block."""
    with ExitStack() as undo:
        team = Team.founded(control_plane, _NAMESPACE)
        undo.callback(team.dissolve)
        rights = Rights(control_plane)
        rights.give()
        undo.callback(rights.take)
        roads = None
        if isinstance(redis, RedisServer):
            certificate = control_plane.api.certificate
            roads = undo.enter_context(Roads(redis.url, rights.kubeconfig, certificate, folder))
        fleet = Fleet(control_plane, folder, redis, variables, way=roads.way if roads else None)
        undo.callback(fleet.stop)
        rings = undo.enter_context(RingReader(fleet))
        fleet.start(*NODES)  # before the watch: then the API server is ready to show our objects
        watch = undo.enter_context(Watch(ApiSource(control_plane.api), team.namespace))
        team.apply(*objects())
        eventually(lambda: all(found.get("status", {}).get("owner") for found in team.cron_jobs()), "all are owned")
        yield Stage(
            control_plane=control_plane,
            redis=redis,
            fleet=fleet,
            team=team,
            watch=watch,
            rings=rings,
            roads_=roads,
            rights=rights,
            folder=folder,
        )

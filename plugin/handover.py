"""Takes a CronJob of batch/v1 over, step by step; whatever fails, the old one goes on or the new one does.

The steps are those of `adoption`. Each can be the last one if this process dies: the mark on the old object says where
to go on, and the next run does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.conditions import READY
from controller.requests import BACKFILL
from controller.spec import Key
from plugin import adoption, conversion, objects
from plugin.adoption import Go, Old, Wait
from plugin.failures import Conflicting, Denied, NotFound, Rejected, TimedOut, Unfulfilled, Unreachable
from plugin.objects import Seen
from plugin.ports import BATCH_CRON_JOBS, CRON_JOBS, JOBS, Clock, Cluster
from plugin.telling import text

SERVED_SECONDS = 60.0
"""How long a new object may take until a replica serves it, where no instant waits for it sooner."""
_MARGIN = timedelta(seconds=3)
"""So long before the next instant it is given up, and the old one goes on."""
_NO_RETURN = timedelta(seconds=2)
"""So long before the next instant nothing is taken back any more: a request takes its time."""
_AGAIN = "run the same command again: it goes on where it was"
_GLANCE = timedelta(milliseconds=300)
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A change-over that is done.

    Attributes:
        boundary: The old one has every instant up to it.
        created_at: The new one has every instant after it.
        backfilled: Instants in between, of a change-over that was interrupted: the new one fires them now.
        last_schedule_at: The last instant of the old one, which the new one's status tells of.
        notes: What else is to be said.
    """

    key: Key
    boundary: datetime
    created_at: datetime
    backfilled: tuple[datetime, ...]
    last_schedule_at: datetime | None
    notes: tuple[str, ...]

    def value(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "namespace": self.key.namespace,
            "name": self.key.name,
            "boundary": text(self.boundary),
            "createdAt": text(self.created_at),
            "backfilled": [text(at) for at in self.backfilled],
            "lastScheduleTime": text(self.last_schedule_at),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Handover:
    """Takes objects over.

    Attributes:
        say: Takes what is waited for, in sentences.
        patience: How long one object may take.
    """

    cluster: Cluster
    clock: Clock
    say: Callable[[str], None]
    patience: timedelta

    def adopt(self, key: Key) -> Adopted:
        """Take one object over, or go on with a change-over that was interrupted.

        Raises:
            Unfulfilled: It cannot be taken over; the old one goes on.
            TimedOut: The moment did not come; the old one goes on.
            Failure: The API server does not let us; the old one goes on. If it gave no answer, the next run finds
                what has become of it, and goes on.
        """
        try:
            return self._adopt(key)
        except Unreachable as error:
            raise Unreachable(f"{error}; {_AGAIN}") from error

    def _adopt(self, key: Key) -> Adopted:
        old = self._old(key)
        body = conversion.body(self.cluster.read(BATCH_CRON_JOBS, key), adoption.HANDED_OVER)
        present = self._present(key)
        if old.suspended and old.handed_over is None:
            raise Unfulfilled(f"{key} is suspended: it fires nothing that could be taken over; convert its manifest")
        if present is not None and old.handed_over is None:
            raise Unfulfilled(f"there is a DistributedCronJob {key} already; delete it before")
        if old.suspended and old.handed_over is not None:
            old = self._at_rest(key)
            boundary = max(old.handed_over or old.created_at, old.last_instant or old.created_at)
            return self._finish(old, boundary, self._served(present or self._created(key, body), None))
        if (doubt := adoption.doubt(old)) is not None:
            raise Unfulfilled(f"{key} cannot be taken over: {doubt}")
        self.cluster.create(CRON_JOBS, body, dry_run=True)
        old, go = self._stop(key)
        try:
            new = self._created(key, body)
        except (Rejected, Denied):  # without an answer it may be there: then nobody goes on before the next run knows
            self._let_go_on(key)
            raise
        try:
            served = self._served(new, go.next_at)
        except (Unfulfilled, TimedOut):
            self._take_back(new, go.next_at)
            raise
        return self._finish(old, go.boundary, served)

    def _created(self, key: Key, body: Mapping[str, Any]) -> Seen:
        """The new object, whoever creates it: two may take over the same one, and the old one is suspended for both."""
        try:
            return objects.read(self.cluster.create(CRON_JOBS, body))
        except Conflicting:
            return objects.read(self.cluster.read(CRON_JOBS, key))

    def _at_rest(self, key: Key) -> Old:
        """The old one of a change-over that goes on, once nothing runs that the new one must not run beside."""
        until = self.clock.elapsed() + self.patience
        while (old := self._old(key)).limited and old.unfinished:
            if self.clock.elapsed() >= until:
                raise TimedOut(f"{key}: its Job {old.unfinished[0]} still runs; {_AGAIN}")
            self.clock.sleep(adoption.GLANCE)
        return old

    def _stop(self, key: Key) -> tuple[Old, Go]:
        """Suspend the old one in a moment between two instants."""
        until, told = self.clock.elapsed() + self.patience, ""
        while True:
            old = self._old(key)
            decided = adoption.moment(old, self.cluster.now())
            if isinstance(decided, Go):
                objection = self._suspended(old, decided)
                if objection is None:
                    return self._old(key), decided
                decided = Wait(duration=_GLANCE, why=objection)
            if decided.why != told:
                self.say(f"{key}: {decided.why}")
            told = decided.why
            if self.clock.elapsed() >= until:
                raise TimedOut(f"{key} was not taken over, batch/v1 goes on with it: {decided.why}")
            self.clock.sleep(decided.duration)

    def _suspended(self, old: Old, go: Go) -> str | None:
        """Suspend it; gives why that was taken back, if it was."""
        try:
            self.cluster.patch(BATCH_CRON_JOBS, old.key, adoption.suspension(old, go.boundary))
        except Conflicting:
            return "it has changed meanwhile"
        objection = adoption.objection(self._old(old.key), go, self.cluster.now())
        if objection is not None:
            self._let_go_on(old.key)
        return objection

    def _served(self, new: Seen, before: datetime | None) -> Seen:
        """The new object, once a replica serves it and finds nothing wrong with it."""
        until = self.clock.elapsed() + timedelta(seconds=SERVED_SECONDS)
        while True:
            seen = objects.read(self.cluster.read(CRON_JOBS, new.key))
            ready = seen.status.condition(READY)
            if ready is not None and ready.status and seen.status.settled_through is not None:
                return seen
            if ready is not None and not ready.status:
                raise Unfulfilled(f"{new.key} is not ready ({ready.reason}): {ready.message}")
            late = before is not None and self.cluster.now() > before - _MARGIN
            if late or self.clock.elapsed() >= until:
                raise TimedOut(f"no replica of the controller serves {new.key}: is it running?")
            self.clock.sleep(_GLANCE)

    def _finish(self, old: Old, boundary: datetime, new: Seen) -> Adopted:
        """Fire what an interruption has left out, and take over what the status tells."""
        notes: list[str] = []
        missed = adoption.missed(old, boundary, new.cron_job.created_at)
        if missed and new.status.backfill is None:
            change = {"metadata": {"annotations": {BACKFILL: adoption.interval(missed)}}}
            self.cluster.patch(CRON_JOBS, new.key, change)
        try:
            self._inherit(old, new.key)
        except (Denied, Conflicting) as error:
            notes.append(f"its status does not tell of the time before: {error}")
        return Adopted(
            key=new.key,
            boundary=boundary,
            created_at=new.cron_job.created_at,
            backfilled=missed,
            last_schedule_at=old.last_instant,
            notes=tuple(notes),
        )

    def _inherit(self, old: Old, key: Key) -> None:
        """Write what the status takes over; a replica may write it too, and then it is read anew.

        Raises:
            Conflicting: It changes all the time.
        """
        for last in (*[False] * _TRIES, True):
            body = self.cluster.read(CRON_JOBS, key)
            change = adoption.inheritance(old, body.get("status") or {}, body["metadata"]["resourceVersion"])
            if not change:
                return
            with nullcontext() if last else suppress(Conflicting):
                self.cluster.patch(CRON_JOBS, key, change, subresource="status")

    def _take_back(self, new: Seen, next_at: datetime | None) -> None:
        """The new one goes before it can have fired, and the old one goes on.

        Raises:
            TimedOut: The next instant is too near: both are left as they are, for the next run to see.
        """
        if next_at is not None and self.cluster.now() > next_at - _NO_RETURN:
            raise TimedOut(f"{new.key} is not served yet, and its next instant is near; {_AGAIN}")
        self.cluster.delete(CRON_JOBS, new.key, uid=new.cron_job.uid)
        self._let_go_on(new.key)

    def _let_go_on(self, key: Key) -> None:
        self.cluster.patch(BATCH_CRON_JOBS, key, adoption.resumption())

    def _old(self, key: Key) -> Old:
        """The old object and its Jobs, which are listed after it was read: none is missed that it tells of."""
        body = self.cluster.read(BATCH_CRON_JOBS, key)
        return adoption.read(body, self.cluster.list(JOBS, key.namespace))

    def _present(self, key: Key) -> Seen | None:
        try:
            return objects.read(self.cluster.read(CRON_JOBS, key))
        except NotFound as error:
            if "CRD" in str(error):
                raise
            return None

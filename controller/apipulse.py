"""Whether the API server answers this node, asked each second: also when nothing is due.

A node that the API server does not answer must say so in its heartbeat, or the others would count on it. The same
answer brings the API server's clock, and how long an answer takes. It decides nothing: `replica` announces what it
knows, `timekeeper` compares, `concurrency` concludes.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import timedelta
from typing import NoReturn

from controller.errors import TransientError
from controller.ports import Clock, Cluster
from controller.timekeeper import Timekeeper

logger = logging.getLogger(__name__)

LONGEST_ANSWER = timedelta(seconds=3)
"""A node is capable if the API server answered it within this time (PROTOCOL, beat)."""
REMEMBERED = 60
"""Of so many answers the quickest shows what one takes while there is little to do: no herd lasts for all of them."""


class ApiPulse:
    """The API server as one node feels it.

    Args:
        cluster: The API server.
        clock: Loop time.
        timekeeper: Told what the API server's clock shows.
        every: How often to ask.
    """

    def __init__(self, cluster: Cluster, clock: Clock, timekeeper: Timekeeper, *, every: timedelta) -> None:
        self._cluster = cluster
        self._clock = clock
        self._timekeeper = timekeeper
        self._every = every
        self._answered_at: timedelta | None = None
        self._told_silence = False
        self._took: deque[timedelta] = deque(maxlen=REMEMBERED)

    @property
    def quickest(self) -> timedelta | None:
        """How long the quickest of the last answers took; None before the first."""
        return min(self._took, default=None)

    @property
    def answers(self) -> bool:
        """Whether the API server has answered this node lately."""
        answered = self._answered_at
        return answered is not None and self._clock.elapsed() - answered <= LONGEST_ANSWER

    async def run(self) -> NoReturn:
        """Ask for ever."""
        while True:
            await self._clock.sleep(self._every)
            await self.ask()

    async def ask(self) -> None:
        """Ask once; say it in the log once none has come for so long that others are not to count on this node."""
        asked_at = self._clock.elapsed()
        try:
            shown = await self._cluster.ping()
        except TransientError as error:
            if not self.answers and not self._told_silence:
                logger.warning("the API server does not answer", extra={"reason": str(error)})
                self._told_silence = True
            self._timekeeper.compare()
            return
        self._answered_at = self._clock.elapsed()
        self._took.append(self._answered_at - asked_at)
        self._timekeeper.api_server_showed(shown, asked_at=asked_at)
        if self._told_silence:
            logger.warning("the API server answers again")
        self._told_silence = False

"""`python -m controller`: one replica in the foreground.

Exit status 0 after SIGTERM or SIGINT; 1 if it could not start or not go on, with one line on standard error; 2 for a
setting that is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

import uvloop

from controller import allocator, logs, settings
from controller.app import App
from controller.errors import DcronError, InvalidSettings

logger = logging.getLogger("controller")


def main(arguments: Sequence[str]) -> int:
    """Run a replica; gives the exit status."""
    try:
        chosen, warnings = settings.read(arguments, os.environ)
    except InvalidSettings as error:
        return _fail(str(error), 2)
    logs.configure(chosen.log_format, chosen.log_level)
    allocator.return_large_blocks()
    allocator.collect_in_bulk()
    for warning in warnings:
        logger.warning(warning)
    logger.info("starting", extra={"node": chosen.node_name, "settings": repr(chosen)})
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # a quarter less processor time a request
            runner.run(App(chosen, started=allocator.spare_what_is_there).run())
    except (DcronError, BaseExceptionGroup) as error:
        cause = _first(error)
        if not isinstance(cause, DcronError):
            raise
        return _fail(str(cause), 2 if isinstance(cause, InvalidSettings) else 1)
    return 0


def _first(error: BaseException) -> BaseException:
    """The error that began it: task groups wrap it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _fail(sentence: str, status: int) -> int:
    sys.stderr.write(f"dcron: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m deploy.demo`: exit status 0 if every instant has exactly one Job, 1 if not, 2 if it could not start."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from deploy.demo.screen import Screen
from deploy.demo.stage import Stage
from deploy.demo.verdict import Verdict
from deploy.local.errors import LocalError
from deploy.local.playground import Playground

INTERRUPTED = 130


def main() -> int:
    """Play the demonstration; gives the exit status."""
    screen = Screen()
    try:
        with tempfile.TemporaryDirectory(prefix="dcron-demo-") as folder:
            return _perform(screen, Path(folder))
    except LocalError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        screen.say("interrupted; everything is stopped")
        return INTERRUPTED


def _perform(screen: Screen, folder: Path) -> int:
    with Playground.start(folder, say=screen.say) as playground:
        stage = Stage(playground=playground, screen=screen)
        stage.apply()
        verdict = stage.judge(stage.play())
        screen.summary(verdict, summed_up(verdict))
    for flaw in verdict.flaws:
        screen.say(f"WRONG  {flaw}")
    return 1 if verdict.flaws else 0


def summed_up(verdict: Verdict) -> str:
    """The last lines of the summary."""
    hand_over = verdict.hand_over
    due = sum(len(account.due) for account in verdict.accounts)
    fired = sum(len({firing.instant for firing in account.firings}) for account in verdict.accounts)
    missed = sum(len(account.missed) for account in verdict.accounts)
    twice = sum(len(account.twice) for account in verdict.accounts)
    lines = [
        f"due {due}, fired {fired}, missed {missed}, twice {twice}",
        f"lateness: p50 {verdict.quantile(0.5):.3f} s, p99 {verdict.quantile(0.99):.3f} s, "
        f"worst {verdict.quantile(1):.3f} s (the API server's own record of each create)",
        f"after kill -9 the others took over within {hand_over:.1f} s" if hand_over is not None else "",
        "every instant has exactly one Job, or was skipped by its own concurrencyPolicy"
        if not verdict.flaws
        else f"{len(verdict.flaws)} instants are wrong:",
    ]
    return "\n".join(line for line in lines if line)


if __name__ == "__main__":
    sys.exit(main())

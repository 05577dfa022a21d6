"""How a verdict is told: a line for each object, the lateness, the hand-over, how it was counted, and the last word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from deploy.demo.scene import lateness
from deploy.demo.tally import Kind
from deploy.demo.verdict import HAND_OVER, quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from rich.console import Console

    from deploy.demo.tally import Fault, Tally
    from deploy.demo.verdict import Verdict

_NUMBERS = ("due", "fired", "skipped", "missed", "twice", "p50", "worst")
_LATENESS_WIDTH = 7  # 999 ms
_MOST_FAULTS = 40  # named one by one


def tell(verdict: Verdict, console: Console) -> None:
    """Print a verdict."""
    console.print()
    console.print(_table(verdict))
    console.print()
    for name, text in _remarks(verdict):
        console.print(Text.assemble((f" {name:<11}", "bold"), text), soft_wrap=True)
    console.print()
    for fault in verdict.faults[:_MOST_FAULTS]:
        console.print(Text(_named(fault), "red"), soft_wrap=True)
    if len(verdict.faults) > _MOST_FAULTS:
        console.print(Text(f" and {len(verdict.faults) - _MOST_FAULTS} more", "red"))
    console.print(_last_word(verdict), soft_wrap=True)


def _table(verdict: Verdict) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold underline", show_footer=True, footer_style="bold")
    counted = [tally for tally in verdict.tallies if tally.due or tally.faults]
    nodes = sorted({node for tally in counted for node in tally.nodes})
    table.add_column("object", "total", no_wrap=True, min_width=max((len(tally.label) for tally in counted), default=0))
    table.add_column("schedule", no_wrap=True, overflow="ellipsis", max_width=20)
    for name, footer in zip(_NUMBERS, (*_numbers(counted), *_spread(verdict.late)), strict=True):
        width = _LATENESS_WIDTH if name in _NUMBERS[-2:] else len(name)
        table.add_column(name, footer, no_wrap=True, justify="right", min_width=width)
    everywhere = sum((tally.nodes for tally in counted), Counter[str]())
    table.add_column(" by replica", f" {_shares(everywhere, nodes)}", no_wrap=True, min_width=len(" by replica"))
    for tally in counted:
        cells = (tally.label, tally.schedule, *_numbers([tally]), *_spread(tally.late))
        table.add_row(*cells, f" {_shares(tally.nodes, nodes)}", style="red" if tally.faults else "")
    return table


def _shares(fired: Counter[str], nodes: Iterable[str]) -> str:
    return "/".join(str(fired[node]) for node in nodes)


def _numbers(tallies: Sequence[Tally]) -> tuple[str, ...]:
    return (
        str(sum(tally.due for tally in tallies)),
        str(sum(len(tally.fired) for tally in tallies)),
        str(sum(tally.skipped for tally in tallies)),
        str(sum(tally.number(Kind.MISSED) for tally in tallies)),
        str(sum(tally.number(Kind.TWICE) for tally in tallies)),
    )


def _spread(late: Sequence[timedelta]) -> tuple[str, str]:
    return lateness(quantile(late, 0.5)), lateness(late[-1] if late else None)


def _remarks(verdict: Verdict) -> Iterable[tuple[str, str]]:
    yield "lateness", _quantiles(verdict.late)
    if verdict.kill:
        yield "", f"{_quantiles(verdict.calm)}, the hand-over left out"
        yield "hand-over", _hand_over(verdict)
    if idle := [tally.label for tally in verdict.tallies if not tally.due]:
        yield "not due", ", ".join(idle)
    yield (
        "counted",
        f"instants from each object's creation to {verdict.until:%H:%M:%S}, computed apart from the operator",
    )
    yield "", f"{verdict.jobs} Jobs, seen by a watch from before the first object on, deleted ones too"
    yield "", "lateness from the instant to the audit log's time of the create, in microseconds"


def _quantiles(late: Sequence[timedelta]) -> str:
    return f"p50 {lateness(quantile(late, 0.5))}, p99 {lateness(quantile(late, 0.99))}, worst {_spread(late)[1]}"


def _hand_over(verdict: Verdict) -> str:
    assert verdict.kill is not None
    killed = f"{verdict.kill.node} killed with -9 at {verdict.kill.at:%H:%M:%S}"
    worst = verdict.hand_over
    if worst is None:
        return f"{killed}; nothing was due within {HAND_OVER.total_seconds():.0f} s of it"
    label = next(tally.label for tally in verdict.tallies if worst in tally.fired)
    return f"{lateness(worst.lateness)} at worst, {label} of {worst.instant:%H:%M:%S}; {killed}"


def _named(fault: Fault) -> str:
    instant = f" {fault.instant:%Y-%m-%d %H:%M:%S}Z" if fault.instant else ""
    return f" {fault.kind.upper()} {fault.where}{instant}{f' ({fault.detail})' if fault.detail else ''}"


def _last_word(verdict: Verdict) -> Text:
    if verdict.passed:
        return Text.assemble(
            (" PASSED ", "bold green reverse"), " nothing was missed, nothing ran twice, nothing was invented"
        )
    return Text.assemble((" FAILED ", "bold red reverse"), f" {_reasons(verdict)}")


def _reasons(verdict: Verdict) -> str:
    """Why it did not pass."""
    kinds = Counter(fault.kind for fault in verdict.faults)
    return ", ".join(f"{number} {kind}" for kind, number in kinds.items()) or "nothing was due"

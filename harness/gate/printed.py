"""The verdict in the terminal: what is not simply passed, the averages, what is wrong in words, the verdict last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from harness.gate import rows, words

if TYPE_CHECKING:
    from harness.gate.compared import Compared
    from harness.gate.verdict import Verdict

SENTENCES, ROWS, RUNS = 5, 60, 10  # said in full; in a table; runs whose averages are shown although all passed


def lines(verdict: Verdict) -> Iterator[Table | str]:
    """What is printed, from the long to the short."""
    yield from _told(verdict.absent)
    cells = [rows.cell(row) for row in verdict.moved]
    if cells:
        yield _table("cells that did not simply pass", rows.CELL, cells[:ROWS])
        if len(cells) > ROWS:
            yield f"and {words.count(len(cells) - ROWS, 'more cell')}; --json has all"
    runs = verdict.runs
    shown = [rows.averages(run) for run in (runs if len(runs) <= RUNS else verdict.doubtful_runs)]
    if shown and verdict.compared:
        yield _table("averages over languages", rows.AVERAGE, shown[:ROWS])
    if len(shown) < len(runs):
        yield f"{words.count(len(runs) - len(shown), 'more run' if shown else 'run')} passed on average"
    yield from _told([row for row in verdict.failed if row.score is not None])
    yield from verdict.notes
    yield verdict.line


def _told(cells: Sequence[Compared]) -> Iterator[str]:
    told = [f"* {text}  [{run}]" for text, run in words.sentences(cells)]
    yield from told[:SENTENCES]
    if len(told) > SENTENCES:
        yield f"* and {len(told) - SENTENCES} more"


def _table(title: str, head: Sequence[str], content: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
    filled = [i for i in range(len(head)) if any(row[i] for row in content)]
    for i in filled:
        number = head[i] in rows.NUMBERS or head[i] == "margin"
        whole = number or head[i] in ("", "score", "target")
        table.add_column(head[i], justify="right" if number else "left", no_wrap=whole, overflow="fold")
    for row in content:
        table.add_row(*(row[i] for i in filled))
    return table

"""Tables for people, as cells of text with what is to be stressed in them: the same for Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.report.cells import many
from harness.report.tables import overview_frame, task_frame
from harness.report.values import Board, Kind, Report

if TYPE_CHECKING:
    import pandas as pd

NONE = "-"


class Stress(Enum):
    """How a number is set apart."""

    PLAIN = "plain"
    BEST = "best"
    LEVEL = "not significantly worse"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and how it is set apart."""

    text: str
    stress: Stress = Stress.PLAIN


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by rows.

    Attributes:
        name: for files and labels, of ``a-z0-9._-``.
        title: what it shows.
        words: columns that hold words; all others hold numbers.
        notes: what a reader must know, a sentence each.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    words: frozenset[str]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]


WORDS = frozenset({"model", "transfer", "sources", "options", "worst in"})


def overview(report: Report, board: Board) -> Table:
    """A board, x 100: the best run stressed, in plain means only where all runs have the same sources."""
    frame = overview_frame(report, board)
    runs = (frame["kind"] == Kind.RUN.value).to_numpy()
    alike = runs if _one_source(frame, runs) else runs & False
    shown: dict[str, list[Cell]] = {"rank": [Cell(_count(value)) for value in frame["rank"]], **_called(frame)}
    shown["score"] = _numbers(frame, "score", runs, interval=True)
    tasks = {f"task {name}": name for name in board.tasks}
    for name in ("overall", *board.groups, *tasks, "family macro", "worst", "gap", "win rate"):
        if name in frame:
            compared = runs if name == "win rate" else alike if name != "gap" else runs & False
            shown[tasks.get(name, name)] = _numbers(frame, name, compared)
    shown["worst in"] = [Cell(where or NONE) for where in frame["worst where"]]
    shown["Borda rank"] = [
        Cell(NONE if _absent(rank) else f"{rank:.0f} [{low:.0f}, {high:.0f}]")
        for rank, low, high in zip(frame["Borda rank"], frame["Borda low"], frame["Borda high"], strict=True)
    ]
    shown["languages"] = [Cell(f"{have}/{want}") for have, want in zip(frame["have"], frame["want"], strict=True)]
    kinds = "; ".join(f"{name} {task.provenance.value.replace('_', ' ')}" for name, task in board.tasks.items())
    notes = (
        f"Scores x 100; score: {board.ranked_by}.",
        f"Provenance: {kinds}.",
        "Bold: the best run. Brackets: 95 % intervals. A mean of which a language is missing is none.",
        *(f"Left out: {many(count)} {why}." for why, count in board.left_out.items()),
    )
    return _table(board.id, board.title, shown, notes)


def task(report: Report, board: Board, name: str) -> Table:
    """A task's languages, x 100: the best run of each stressed, and those that are not significantly worse."""
    frame = task_frame(report, board, name)
    one = board.tasks[name]
    runs = (frame["kind"] == Kind.RUN.value).to_numpy()
    alike = runs if _one_source(frame, runs) else runs & False
    shown = _called(frame) | {"mean": _numbers(frame, "mean", alike, interval=True)}
    for code in one.languages:
        # one run alone is neither the best nor as good as another
        level = one.level.get(code, frozenset()) if frame[code][runs].notna().sum() > 1 else frozenset()
        shown[code] = [
            Cell(cell.text, Stress.LEVEL) if cell.stress is Stress.PLAIN and entry in level else cell
            for cell, entry in zip(_numbers(frame, code, runs), frame["entry"], strict=True)
        ]
    notes = (
        f"{one.metric} x 100; {one.provenance.value.replace('_', ' ')} data. Brackets: 95 % intervals.",
        "Bold: the best run; underlined (in Markdown: in italics): runs that are not significantly worse than it, "
        "paired by groups of examples, Holm over the runs, 5 %.",
    )
    return _table(f"{board.id}-{name}", f"{name}: {board.title}", shown, notes)


def _called(frame: pd.DataFrame) -> dict[str, list[Cell]]:
    shown = {name: [Cell(str(value)) for value in frame[name]] for name in ("model", "transfer", "sources", "options")}
    shown["model"] = [
        Cell(name if kind == Kind.RUN.value else f"{name} ({kind})")
        for name, kind in zip(frame["model"], frame["kind"], strict=True)
    ]
    shown["seeds"] = [Cell(_count(value)) for value in frame["seeds"]]
    return shown


def _numbers(frame: pd.DataFrame, name: str, compared: NDArray[np.bool_], *, interval: bool = False) -> list[Cell]:
    """A column x 100, the best of the rows that are compared stressed, where there are several."""
    values = frame[name].to_numpy(dtype=float)
    mine = values[compared & np.isfinite(values)]
    best = mine.max() if len(mine) > 1 else np.nan
    cells = []
    for i, value in enumerate(values):
        text = NONE if np.isnan(value) else f"{100 * value:.1f}"
        if interval and not _absent(low := frame["low"].iloc[i]):
            text += f" [{100 * low:.1f}, {100 * frame['high'].iloc[i]:.1f}]"
        cells.append(Cell(text, Stress.BEST if compared[i] and value == best else Stress.PLAIN))
    return cells


def _one_source(frame: pd.DataFrame, runs: NDArray[np.bool_]) -> bool:
    return frame["sources"][runs].nunique() < 2


def _table(name: str, title: str, shown: Mapping[str, Sequence[Cell]], notes: Sequence[str]) -> Table:
    """The table without the columns that say nothing of any row."""
    kept = {column: cells for column, cells in shown.items() if any(cell.text not in ("", NONE) for cell in cells)}
    rows = tuple(zip(*kept.values(), strict=True))
    return Table(name, title, tuple(kept), WORDS & kept.keys(), rows, tuple(notes))


def _count(value: Any) -> str:
    return NONE if _absent(value) else f"{value:.0f}"


def _absent(value: Any) -> bool:
    return value is None or bool(np.isnan(value))

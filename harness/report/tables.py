"""The report as tables: one frame each, native units, from which every export is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.report.values import Board, Entry, Report, Score, Standing, TaskBoard

if TYPE_CHECKING:
    import pandas as pd

CALLED = ("entry", "model", "kind", "transfer", "sources", "seeds", "options")
OVER = (
    "mean", "low", "high", "transfer mean", "gap", "family macro", "worst", "worst language", "worst decile", "seen",
    "unseen", "have", "want",
)  # fmt: skip
LONG = ("task", "metric", "entry", "language", "score", "low", "high", "spread", "n", "flag")


def overview_frame(report: Report, board: Board) -> pd.DataFrame:
    """How the entries of a board stand, a row each, best first; the suite's groups and tasks among the columns."""
    import pandas as pd

    rows = [_standing(report.entries[one.entry], one, board) for one in board.standings]
    return pd.DataFrame(rows, columns=_columns(rows))


def task_frame(report: Report, board: Board, task: str) -> pd.DataFrame:
    """A task's scores, a row an entry in the order of the board, a column a language; NaN where there is none."""
    import pandas as pd

    rows = [
        called(report.entries[one.entry]) | over(board.tasks[task], one.entry) | languages(board.tasks[task], one.entry)
        for one in board.standings
        if board.tasks[task].scores[one.entry] or board.tasks[task].over[one.entry].mean is not None
    ]
    return pd.DataFrame(rows, columns=[*CALLED, *OVER, *board.tasks[task].languages])


def long_frame(report: Report) -> pd.DataFrame:
    """Every score once: a row a task, metric, entry and language."""
    import pandas as pd

    rows = {(task.task, task.metric, entry, code): score for task, entry, code, score in _scores(report)}
    return pd.DataFrame(
        [(*key, one.value, one.low, one.high, one.spread, one.n, one.flag) for key, one in rows.items()],
        columns=list(LONG),
    ).astype({"low": float, "high": float, "spread": float, "n": "Int64"})


def called(entry: Entry) -> dict[str, Any]:
    """What an entry is called, in the columns of ``CALLED``."""
    transfer = [entry.protocol or entry.strategy.replace("_", "-")]
    transfer += [f"k = {entry.shots}"] if entry.shots else []
    transfer += [f"{entry.size} examples"] if entry.size else []
    return {
        "entry": entry.id,
        "model": entry.model,
        "kind": entry.kind.value,
        "transfer": ", ".join(transfer),
        "sources": "+".join(entry.sources),
        "seeds": len(entry.seeds) or None,
        "options": entry.options or entry.origin,
    }


def over(board: TaskBoard, entry: str) -> dict[str, Any]:
    """An entry's summary on a task, in the columns of ``OVER``."""
    one = board.over[entry]
    return {
        "mean": one.mean,
        "low": one.low,
        "high": one.high,
        "transfer mean": one.transfer,
        "gap": one.gap,
        "family macro": one.family_macro,
        "worst": one.worst,
        "worst language": one.worst_language,
        "worst decile": one.worst_decile,
        "seen": one.seen,
        "unseen": one.unseen,
        "have": one.have,
        "want": one.want,
    }


def languages(board: TaskBoard, entry: str) -> dict[str, float | None]:
    """An entry's scores by language; those that are flagged are no facts and stand in the long table alone."""
    scores = board.scores[entry]
    return {code: None if (one := scores.get(code)) is None or one.flag else one.value for code in board.languages}


def _standing(entry: Entry, one: Standing, board: Board) -> dict[str, Any]:
    return {
        "rank": one.rank,
        **called(entry),
        "score": one.score,
        "low": one.low,
        "high": one.high,
        **({"overall": one.overall} if board.suite else {}),
        **one.groups,
        **{f"task {name}": task.over[one.entry].mean for name, task in board.tasks.items()},
        "family macro": one.family_macro,
        "worst": one.worst,
        "worst where": one.worst_where,
        "gap": one.gap,
        "win rate": one.win_rate,
        "Borda": one.borda,
        "Borda rank": one.borda_rank,
        "Borda low": one.borda_low,
        "Borda high": one.borda_high,
        "have": one.have,
        "want": one.want,
        "provenance": ", ".join(dict.fromkeys(task.provenance.value for task in board.tasks.values())),
        "notes": "; ".join(one.notes),
    }


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    return list(rows[0]) if rows else []


def _scores(report: Report) -> Iterator[tuple[TaskBoard, str, str, Score]]:
    for board in report.boards:
        for task in board.tasks.values():
            for entry, found in task.scores.items():
                for code, score in found.items():
                    yield task, entry, code, score

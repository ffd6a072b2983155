"""What the first page shows: the standings of each board, its tasks, and why figures are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.compared import told
from harness.report.site.standing import best_means, called, highest, reason
from harness.report.site.words import common, differing
from harness.report.values import Board, Entry, Kind, Report, Standing

BEST_OF = ("score", "overall", "family_macro", "worst", "win_rate")  # columns of the overview with a number in bold


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row of the overview.

    Attributes:
        setting: what of it the own runs do not share.
        reason: why figures are missing, in a sentence without its full stop; empty where none is.
        best: whether it has the best number of the own runs, by column.
    """

    entry: Entry
    setting: str
    standing: Standing
    reason: str
    best: Mapping[str, bool]


def overview(board: Board, report: Report, files: Mapping[str, str]) -> dict[str, Any]:
    """A board's section of the overview: rows, tasks, and why figures are missing."""
    shared = common([report.entries[one.entry] for one in board.standings])
    runs = [one for one in board.standings if report.entries[one.entry].kind is Kind.RUN]
    best = {name: highest({one.entry: getattr(one, name) for one in runs}) for name in BEST_OF}
    rows = [
        Ranked(
            entry=(entry := report.entries[one.entry]),
            setting=differing(entry, shared),
            standing=one,
            reason=reason(one, board),
            best={name: one.entry in ids for name, ids in best.items()},
        )
        for one in board.standings
    ]
    return {
        "board": board,
        "rows": rows,
        "ranked": [row for row in rows if row.entry.kind is not Kind.PUBLISHED or _says(row.standing)],
        "shared": ", ".join(filter(None, shared.values())),
        "told": told(board, report.runs),
        "own_average": any(one.overall is not None and one.overall != one.score for one in board.standings),
        "tasks": [
            {"name": name, "file": files[name], "board": task, "best": best_means(task, report)}
            for name, task in board.tasks.items()
        ],
        "reasons": [(called(row.entry, row.setting), row.reason) for row in rows if _incomplete(row.standing)],
    }


def counts(report: Report) -> dict[str, int]:
    """How much there is, for the first line of the overview."""
    kinds = [one.kind for one in report.entries.values()]
    tasks = [(name, task) for board in report.boards for name, task in board.tasks.items()]
    return {
        "runs": kinds.count(Kind.RUN),
        "published": kinds.count(Kind.PUBLISHED),
        "tasks": len({name for name, _ in tasks}),
        "languages": len({code for _, task in tasks for code in task.languages}),
    }


def _says(standing: Standing) -> bool:
    """Whether there is a figure over several tasks; published entries often are of one task alone."""
    figures = [getattr(standing, name) for name in BEST_OF]
    return any(one is not None for one in (*figures, standing.borda_rank, *standing.groups.values()))


def _incomplete(standing: Standing) -> bool:
    return standing.score is None or standing.have < standing.want or bool(standing.notes)

"""Models that were trained on several languages, each alone: the rows of source x target grids."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.values import Board, Entry, Kind


def by_source(board: Board, task: str, entries: Mapping[str, Entry]) -> list[list[Entry]]:
    """The runs of each model that has scores on a task from two single sources or more, in the order of the board."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for standing in board.standings:
        entry = entries[standing.entry]
        if entry.kind is Kind.RUN and len(entry.sources) == 1 and board.tasks[task].scores.get(entry.id):
            found.setdefault((entry.model, entry.options), []).append(entry)
    return [runs for runs in found.values() if len(runs) > 1]

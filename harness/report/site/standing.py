"""What pages say of a whole entry: its name, whether it is best, and why it has no figure."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.site.words import lacks
from harness.report.values import Board, Entry, Kind, Report, Standing, TaskBoard


def reason(standing: Standing, board: Board) -> str:
    """Why figures of an entry are missing, in a sentence without its full stop; empty where none is."""
    overs = {name: task.over.get(standing.entry) for name, task in board.tasks.items()}
    why = [f"{name}: {lacks(over) or 'no mean'}" for name, over in overs.items() if over and over.mean is None]
    why += [f"{name}: not run" for name, over in overs.items() if over is None]
    return "; ".join([*why, *standing.notes])


def called(entry: Entry, differs: str) -> str:
    """An entry's name, and in brackets what tells it from its namesakes."""
    return f"{entry.model} ({differs})" if differs else entry.model


def best_means(task: TaskBoard, report: Report) -> frozenset[str]:
    """The own runs with the highest mean on a task."""
    return highest({id: over.mean for id, over in task.over.items() if report.entries[id].kind is Kind.RUN})


def highest(values: Mapping[str, float | None]) -> frozenset[str]:
    """Who has the highest of the values that are there; nobody where all have the same."""
    there = [value for value in values.values() if value is not None]
    alike = len(there) > 1 and min(there) == max(there)
    return frozenset(id for id, value in values.items() if there and not alike and value == max(there))

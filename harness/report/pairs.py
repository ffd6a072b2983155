"""How uncertain differences between entries are, read from the tables of examples when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.errors import HarnessError, nearest
from harness.report.compared import compared
from harness.report.influences import influences
from harness.report.values import Pairs, Report


def pairs(report: Report, board: str, task: str) -> Iterator[Pairs]:
    """The standard errors of all differences of a board's compared entries on a task, language by language.

    They are paired by group, and hold what the seeds of an entry with two or more add.

    Raises:
        HarnessError: there is no such board, or no such task on it.
    """
    boards = {one.id: one for one in report.boards}
    if board not in boards:
        raise HarnessError(f"board {board!r}: {nearest(board, boards)}")
    if task not in boards[board].tasks:
        raise HarnessError(f"board {board}, task {task!r}: {nearest(task, boards[board].tasks)}")
    for found in influences(boards[board].tasks[task], compared(boards[board], report.runs)):
        if len(found.entries) > 1:
            product = found.values @ found.values.T
            own = np.diag(product)
            between = found.seed_variance
            # rounding may leave a difference of equals a little below 0
            variance = np.maximum(0, own[:, None] + own[None, :] - 2 * product) + between[:, None] + between[None, :]
            np.fill_diagonal(variance, 0)
            yield Pairs(task, found.language, found.entries, np.sqrt(variance))

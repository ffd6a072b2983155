"""Which entries of a board are compared one by one: of hundreds of runs those that stand highest."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from harness.report.values import Board

MOST = 100
"""Runs of a board with marks, intervals of means, mistakes, a row on pages of tasks and a place in comparisons: these
read tables of examples, or grow with the square of the entries. All others have a rank, a page of their own and their
rows in the exports."""


def compared(board: Board, runs: Collection[str]) -> frozenset[str]:
    """The first of a board's runs, and all of its floors and published figures.

    Args:
        runs: ids of the entries that are neither floors nor published figures.
    """
    ids = [one.entry for one in board.standings]
    first = islice((id for id in ids if id in runs), MOST)
    return frozenset([*first, *(id for id in ids if id not in runs)])


def told(board: Board, runs: Collection[str]) -> str:
    """What pages say of entries that are not compared, in a sentence; empty where all are."""
    left = len(board.standings) - len(compared(board, runs))
    if not left:
        return ""
    return (
        f"Marks, intervals of means, comparisons and mistakes are of the {MOST} runs that stand highest, and so are "
        f"the rows on pages of tasks; the other {left:,} have ranks on the overview, pages of their own, and rows in "
        f"the downloads."
    )

"""Source x target grids: one a model on a task, where it was trained on two languages or more, each alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.report.site.cells import links
from harness.report.site.order import Known, Tongue, ordered
from harness.report.site.words import parts, percent
from harness.report.transfer import by_source
from harness.report.values import Board, Entry, TaskBoard

MOST = 12  # grids of a page
STEPS = 24  # of the colour scale; the style sheet has a class for each


@dataclass(frozen=True, slots=True)
class Heat:
    """A square of a heatmap: its number, its step on the colour scale, its record."""

    text: str
    step: int
    link: str
    own: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A model's heatmap.

    Attributes:
        heats: by source and target; what is missing is absent.
        means: by source, over the other languages; None while one is missing.
        low: ends of the colour scale, x 100.
    """

    model: str
    setting: str
    sources: list[Tongue]
    targets: list[Tongue]
    heats: Mapping[str, Mapping[str, Heat]]
    entries: Mapping[str, str]
    means: Mapping[str, str]
    low: str
    high: str


def grids(board: Board, task: str, entries: Mapping[str, Entry], known: Known, page: Path) -> list[Grid]:
    """The grids of a task, in the order of the board, of no more models than a page can hold."""
    return [_grid(board.tasks[task], mine, known, page) for mine in by_source(board, task, entries)[:MOST]]


def models(board: Board, task: str, entries: Mapping[str, Entry]) -> int:
    """How many grids there would be of all models."""
    return len(by_source(board, task, entries))


def _grid(board: TaskBoard, mine: Sequence[Entry], known: Known, page: Path) -> Grid:
    values = [score.value for one in mine for score in board.scores[one.id].values()]
    low, high = min(values), max(values)
    heats = {
        one.sources[0]: {
            target: Heat(
                text=percent(score.value),
                step=_step(score.value, low, high),
                link=next(iter(links(score, page)), ""),
                own=one.sources[0] == target,
            )
            for target, score in board.scores[one.id].items()
        }
        for one in mine
    }
    first = {**parts(mine[0]), "sources": ""}
    return Grid(
        model=mine[0].model,
        setting=", ".join(filter(None, first.values())),
        sources=ordered(heats, known),
        targets=ordered(board.languages, known),
        heats=heats,
        entries={one.sources[0]: one.id for one in mine},
        means={one.sources[0]: percent(board.over[one.id].transfer) for one in mine},
        low=percent(low),
        high=percent(high),
    )


def _step(value: float, low: float, high: float) -> int:
    return min(STEPS - 1, int(STEPS * (value - low) / (high - low))) if high > low else 0

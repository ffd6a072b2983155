"""What stands in a cell of a table: the number, its interval or spread, its marks, and the record that it links to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from harness.report.site.words import percent, span
from harness.report.values import Entry, Kind, Score, TaskBoard


@dataclass(frozen=True, slots=True)
class Cell:
    """A score as it is shown.

    Attributes:
        text: x 100.
        more: its interval, or its spread over seeds.
        spread: which of the two it is.
        low: the interval's ends, or one standard deviation below and above, x 100; empty where there is neither.
        links: to the record of each seed.
        best: of all own runs in that language, and better than the floor.
        level: not significantly worse than the best, and not the best itself.
        floor: no better than a model that learns nothing.
        flag: why it is not to be taken as a fact.
    """

    text: str
    more: str
    spread: bool
    low: str
    high: str
    links: tuple[str, ...]
    best: bool
    level: bool
    floor: bool
    flag: str


def cells(board: TaskBoard, entry: Entry, best: Bests, page: Path) -> dict[str, Cell]:
    """An entry's cells by language, as they stand on ``page``."""
    found = {}
    for language, score in board.scores.get(entry.id, {}).items():
        floor = board.floor.get(language)
        at_floor = entry.kind is not Kind.FLOOR and floor is not None and score.value <= floor
        top = entry.kind is Kind.RUN and not (score.flag or at_floor) and score.value == best.get(language)
        low, high = score.low, score.high
        if score.spread is not None:
            low, high = max(0.0, score.value - score.spread), min(1.0, score.value + score.spread)
        found[language] = Cell(
            text=percent(score.value),
            more=f"± {percent(score.spread)}" if score.spread is not None else span(score.low, score.high),
            spread=score.spread is not None,
            low=percent(low),
            high=percent(high),
            links=links(score, page),
            best=top,
            level=not (top or at_floor) and entry.id in board.level.get(language, ()),
            floor=at_floor,
            flag=score.flag,
        )
    return found


def other_seeds(shown: Iterable[Cell]) -> tuple[str, ...]:
    """The folders of the second and further seeds, where all cells of an entry on a task have theirs in the same ones.

    The page then names them once, and not with every number.
    """
    folders = {tuple(link.rpartition("/")[0] for link in cell.links[1:]) for cell in shown}
    return folders.pop() if len(folders) == 1 else ()


Bests = Mapping[str, float]
"""By language, the best score of an own run."""


def bests(board: TaskBoard, entries: Mapping[str, Entry]) -> Bests:
    """By language, the best score of an own run; what is flagged is no best."""
    found: dict[str, float] = {}
    for id, scores in board.scores.items():
        if entries[id].kind is Kind.RUN:
            for language, score in scores.items():
                if not score.flag:
                    found[language] = max(score.value, found.get(language, score.value))
    return found


def links(score: Score, page: Path) -> tuple[str, ...]:
    """The records of a score, relative to the page that shows it."""
    start = str(page.parent)
    return tuple(_link(record, start) for record in score.records)


def _link(record: str, start: str) -> str:
    folder, _, name = record.rpartition("/")
    return f"{_relative(folder, start)}/{_quoted(name)}"


@lru_cache(maxsize=2**16)  # a job's folder holds all of its languages
def _relative(folder: str, start: str) -> str:
    return quote(os.path.relpath(folder, start).replace(os.sep, "/"))


_quoted = lru_cache(quote)

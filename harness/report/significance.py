"""Which entries are not significantly worse than the best, and how certain means are: what the examples say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from harness.metrics.base import ROUNDED
from harness.report.compared import compared as compared_of
from harness.report.influences import Array, Influences, influences
from harness.report.values import Board, Over, Standing, TaskBoard
from harness.stats.holm import holm
from harness.stats.influence import standard_error

ALPHA = 0.05
Z = 1.959963984540054  # of a 95 % interval

S = TypeVar("S", Over, Standing)


@dataclass(slots=True)
class _Mean:
    """A mean of scores, and what it is uncertain by: influences are summed by group, so that parallel targets pair.

    Attributes:
        moved: by group, in the order in which groups came.
        seeds: the mean by seed.
        parts: how many scores are in it.
        between: variance that seeds add to the means that it is made of.
        least: the lowest mean that there can be, from the ranges of the metrics.
        most: the highest.
    """

    moved: Array = field(default_factory=lambda: np.zeros(0))
    seeds: Array = field(default_factory=lambda: np.zeros(1))
    parts: int = 0
    between: float = 0.0
    least: float = 0.0
    most: float = 0.0

    def add(
        self, places: NDArray[np.intp], moved: Array, seeds: Sequence[float], weight: float, scores: tuple[float, float]
    ) -> None:
        self.least, self.most = self.least + weight * scores[0], self.most + weight * scores[1]
        self._grow(int(places.max()) + 1)
        self.moved[places] += weight * moved
        self.seeds = self.seeds + weight * np.asarray(seeds)
        self.parts += 1

    def join(self, other: _Mean, weight: float) -> None:
        """Adds a mean over other scores; its seeds trained other weights, so that they vary by themselves."""
        self._grow(len(other.moved))
        self.moved[: len(other.moved)] += weight * other.moved
        self.least, self.most = self.least + weight * other.least, self.most + weight * other.most
        self.between += weight**2 * other.seed_variance()
        self.parts += other.parts

    def seed_variance(self) -> float:
        """Known from two seeds on."""
        return float(np.var(self.seeds, ddof=1)) / len(self.seeds) if len(self.seeds) > 1 else 0.0

    def bounds(self, value: float) -> tuple[float, float]:
        """The 95 % interval, cut to the means that there can be."""
        error = float(np.sqrt((self.moved**2).sum() + self.seed_variance() + self.between))
        low, high = value - Z * error, value + Z * error
        if not self.least - ROUNDED <= value <= self.most + ROUNDED:
            return low, high  # of a metric that does not say its range
        return max(low, min(value, self.least)), min(high, max(value, self.most))

    def _grow(self, groups: int) -> None:
        if groups > len(self.moved):
            self.moved = np.concatenate([self.moved, np.zeros(max(groups, 2 * len(self.moved)) - len(self.moved))])


def measured(board: Board, targets: Mapping[str, Sequence[str]], runs: Collection[str]) -> Board:
    """The board with its marks, and with the intervals of its means over languages and of its scores.

    Every table is read once. An entry whose tables cannot be used has no marks and no intervals, and a note.

    Args:
        targets: by task, the languages that the board's scores are means over.
        runs: entries that marks are about; floors and published figures are neither best nor as good as the best.
    """
    chosen = compared_of(board, runs)
    places: dict[str, int] = {}
    totals = {one.entry: _Mean() for one in board.standings}
    notes: dict[str, list[str]] = {entry: [] for entry in totals}
    tasks = {}
    for name, task in board.tasks.items():
        means = {entry: _Mean() for entry in task.scores}
        compared = {entry: _Mean() for entry in task.scores}
        mine = {
            entry: [code for code in targets.get(name, ()) if code in found] for entry, found in task.scores.items()
        }
        level = {}
        for found in influences(task, chosen):
            level[found.language] = not_worse(task, found, runs)
            at = np.array([places.setdefault(group, len(places)) for group in found.groups.tolist()], dtype=np.intp)
            for entry, moved, seeds in zip(found.entries, found.values, found.seeds, strict=True):
                means[entry].add(at, moved, seeds, 1 / len(task.scores[entry]), found.range)
                if found.language in mine[entry]:
                    compared[entry].add(at, moved, seeds, 1 / len(mine[entry]), found.range)
            for entry, why in found.silent.items():
                notes[entry].append(f"{name}, {found.language}: no mark and no interval, {why}")
        for entry, part in compared.items():
            totals[entry].join(part, 1 / len(targets) if targets else 0.0)
        over = {entry: _with(one, one.mean, means[entry], len(task.scores[entry])) for entry, one in task.over.items()}
        tasks[name] = replace(task, level=level, over=over)
    wanted = {
        entry: sum(code in board.tasks[name].scores[entry] for name, codes in targets.items() for code in codes)
        for entry in totals
    }
    standings = tuple(
        replace(
            _with(one, one.score, totals[one.entry], wanted[one.entry]), notes=(*one.notes, *_some(notes[one.entry]))
        )
        for one in board.standings
    )
    return replace(board, tasks=tasks, standings=standings)


def not_worse(task: TaskBoard, found: Influences, runs: Collection[str]) -> frozenset[str]:
    """The best entry of a language, and those whose paired difference from it is not significant, by Holm's method.

    Nobody where the best entry's examples are not known.
    """
    scores = {entry: by[found.language].value for entry, by in task.scores.items()
              if entry in runs and found.language in by}  # fmt: skip
    kept = [i for i, entry in enumerate(found.entries) if entry in runs]
    best = max(kept, key=lambda i: scores[found.entries[i]], default=None)
    if best is None or scores[found.entries[best]] < max(scores.values()):
        return frozenset()
    others = [i for i in kept if i != best]
    behind = np.array([scores[found.entries[best]] - scores[found.entries[i]] for i in others])
    variance = standard_error(found.values[others] - found.values[best]) ** 2
    error = np.sqrt(variance + found.seed_variance[others] + found.seed_variance[best])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(behind > 0, behind / error, 0.0)  # without any error a difference is one
    adjusted = holm(t.sf(ratio, len(found.groups) - 1))
    level = {found.entries[i] for i, p in zip(others, adjusted, strict=True) if p > ALPHA}
    return frozenset({found.entries[best], *level})


def _with(one: S, value: float | None, mean: _Mean, wanted: int) -> S:
    """With the interval, where there is a value and every score of it is in the mean."""
    if value is None or not wanted or mean.parts != wanted:
        return one
    low, high = mean.bounds(value)
    return replace(one, low=low, high=high)


def _some(notes: Sequence[str], most: int = 3) -> list[str]:
    return [*notes[:most], *([f"and {len(notes) - most} more of the kind"] if len(notes) > most else [])]

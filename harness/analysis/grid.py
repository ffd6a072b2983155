"""The source x target grid of one task, model and strategy: what every analysis of transfer works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
KEY = ("task", "model", "strategy")


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Scores in their native unit, averaged over seeds; NaN where there is none.

    Attributes:
        metric: signatures, joined by a comma where targets differ.
        scores: (sources, targets), with the cells of a source on itself.
        spread: standard deviation over seeds (ddof 1), of the same shape; NaN with fewer than two.
        seeds: how many were averaged.
        floor: per target, what the best model scores that has learnt nothing; NaN where none was run.
        examples: how many each target was scored on; NaN where unknown.
    """

    task: str
    model: str
    strategy: str
    metric: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    scores: Array
    spread: Array
    seeds: Array
    floor: Array
    examples: Array

    @property
    def key(self) -> dict[str, str]:
        """The columns that name this grid in a table."""
        return {"task": self.task, "model": self.model, "strategy": self.strategy}

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which cells are a source on itself."""
        same: NDArray[np.bool_] = np.asarray(self.sources)[:, None] == np.asarray(self.targets)[None, :]
        return same

    @property
    def transfer(self) -> Array:
        """The scores without the cells of a source on itself."""
        return np.where(self.own, np.nan, self.scores)

    @property
    def at_floor(self) -> NDArray[np.bool_]:
        """Which cells are no better than a model that has learnt nothing."""
        return np.nan_to_num(self.scores, nan=np.inf) <= np.nan_to_num(self.floor, nan=-np.inf)[None, :]

    def common(self) -> tuple[str, ...]:
        """The languages that are both source and target, in the order of the sources."""
        targets = set(self.targets)
        return tuple(source for source in self.sources if source in targets)


def grids(frame: pd.DataFrame) -> Iterator[Grid]:
    """A grid for every task, model and strategy of a long table, sorted by them; languages in alphabetical order."""
    for (task, model, strategy), rows in frame.groupby(list(KEY), sort=True):
        yield _grid(rows, str(task), str(model), str(strategy))


def _grid(rows: pd.DataFrame, task: str, model: str, strategy: str) -> Grid:
    sources, s = np.unique(rows["source"].to_numpy(dtype=str), return_inverse=True)
    targets, t = np.unique(rows["target"].to_numpy(dtype=str), return_inverse=True)
    shape = len(sources), len(targets)
    cell, score = s * shape[1] + t, rows["score"].to_numpy(dtype=float)
    seeds = np.bincount(cell, minlength=shape[0] * shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(cell, score, len(seeds)) / seeds
        squares = np.bincount(cell, (score - mean[cell]) ** 2, len(seeds))
        spread = np.where(seeds > 1, np.sqrt(squares / (seeds - 1)), np.nan)
    per_target = rows.groupby("target", sort=True)[["floor", "n"]].max().to_numpy(dtype=float)
    return Grid(
        task=task,
        model=model,
        strategy=strategy,
        metric=", ".join(sorted(set(rows["metric"]))),
        sources=tuple(sources.tolist()),
        targets=tuple(targets.tolist()),
        scores=mean.reshape(shape),
        spread=spread.reshape(shape),
        seeds=seeds.reshape(shape).astype(float),
        floor=per_target[:, 0],
        examples=per_target[:, 1],
    )


def of_grid(distances: pd.DataFrame, grid: Grid) -> dict[str, pd.DataFrame]:
    """The distances that hold for a grid, by name: those of its task and model, and those that belong to none.

    Args:
        distances: columns distance, a, b, value; those computed from the texts of a task, or with a model, name them in
            columns task and model, which are empty (or not there) for others.
    """
    for name in {"task", "model"} & set(distances.columns):
        distances = distances[distances[name].isin(("", getattr(grid, name)))]
    return {str(name): frame for name, frame in distances.groupby("distance", sort=False)}


def square(frame: pd.DataFrame, sources: Sequence[str], targets: Sequence[str]) -> Array:
    """One distance (columns a, b, value) as (sources, targets); NaN where unknown, and for a language to itself."""
    row, column = ({code: i for i, code in enumerate(side)} for side in (sources, targets))
    # in plain Python: this runs for every grid, distance and test, and pandas takes five times as long
    a, b = (np.array([index.get(code, -1) for code in frame[name].tolist()], dtype=int)
            for name, index in (("a", row), ("b", column)))  # fmt: skip
    kept = (a >= 0) & (b >= 0)
    found = np.full((len(sources), len(targets)), np.nan)
    found[a[kept], b[kept]] = frame["value"].to_numpy(dtype=float)[kept]
    return np.where(np.asarray(sources)[:, None] == np.asarray(targets)[None, :], np.nan, found)

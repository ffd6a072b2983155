"""How far a distance goes with transfer: correlations of every task and distance, with intervals over languages.

Measures: ``pearson``, ``spearman``, ``kendall`` and ``slope`` (score per unit of distance) over all pairs of different
languages; ``within_target``, the mean over targets of Spearman's rho over their sources, and ``within_target_fisher``,
the same averaged as Fisher's z; ``double_centred``, Pearson's r after the means of sources and targets are taken out of
both. How hard a target is dominates all scores, so the last three are what a distance says of the choice of a source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis import guards, threads, weighted
from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.resampling import Draws, interval, naive, over
from harness.analysis.result import Result, named, slug
from harness.analysis.within import double_centred, mean_over_targets, per_target

if TYPE_CHECKING:
    import pandas as pd

PAIRWISE = {
    "pearson": weighted.pearson,
    "spearman": weighted.spearman,
    "kendall": weighted.kendall,
    "slope": weighted.slope,
}
NAIVE = ("pearson", "spearman", "slope")
MEASURES = (*PAIRWISE, "within_target", "within_target_fisher", "double_centred")
SHARED = 0.7  # mean coverage of the features below which it is said


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs with a score and a distance, both standardised, of the languages that have any.

    Attributes:
        s: index of each pair's source.
        t: index of its target.
        scale: units of score per unit of distance in one standardised unit of slope.
    """

    distance: Array
    score: Array
    s: NDArray[np.int64]
    t: NDArray[np.int64]
    scale: float

    @classmethod
    def of(cls, distance: Array, score: Array) -> Pairs:
        """Of two (sources, targets) arrays with NaN where nothing is known."""
        both = np.isfinite(distance) & np.isfinite(score)
        keep = np.ix_(both.any(axis=1), both.any(axis=0))  # others would only dilute the draws
        x, y = (np.where(both, values, np.nan)[keep] for values in (distance, score))
        s, t = np.nonzero(both[keep])
        spread_x, spread_y = float(np.nanstd(x)), float(np.nanstd(y))
        return cls((x - np.nanmean(x)) / spread_x, (y - np.nanmean(y)) / spread_y, s, t, spread_y / spread_x)

    def measure(self, name: str, draws: Draws) -> Array:
        """A measure over pairs, or the double-centred one, in every replicate."""
        if name == "double_centred":
            return double_centred(draws, self.distance, self.score)
        return over(
            draws, len(self.s), lambda some: self.pairwise(name, some.sources[:, self.s] * some.targets[:, self.t])
        )

    def pairwise(self, name: str, weights: Array) -> Array:
        """A measure over pairs with these weights, (replicates, pairs)."""
        x, y = self.distance[self.s, self.t], self.score[self.s, self.t]
        return PAIRWISE[name](weights, x, y) * (self.scale if name == "slope" else 1.0)


def correlate(grids: Sequence[Grid], distances: pd.DataFrame, *, replicates: int = 1000, seed: int = 0) -> Result:
    """Every grid against every distance (columns distance, a, b, value)."""
    import pandas as pd

    from harness.analysis.figures import panels

    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    settings = [
        (grid, part, name, frame) for grid, part in named(grids) for name, frame in of_grid(distances, grid).items()
    ]

    def of(setting: tuple[Grid, str, str, pd.DataFrame]) -> list[dict[str, Any]]:
        grid, _, _, frame = setting
        return list(measures(grid.transfer, square(frame, grid.sources, grid.targets), replicates, seed))

    for (grid, part, name, frame), found in zip(settings, threads.each(of, settings), strict=True):
        rows += [grid.key | {"distance": name} | row for row in found]
        for row in found:
            stem = f"corr.{part}.{slug(name)}.{row['measure']}"
            kept = {"": "value", ".ci_low": "low", ".ci_high": "high", ".n": "n"}
            metrics |= {f"{stem}{suffix}": float(row[key]) for suffix, key in kept.items()}
        notes += _notes(f"{grid.task}, {grid.model}, {name}", found[0], frame)
    table = pd.DataFrame(rows)
    return Result(
        "correlation", {"correlation": table}, metrics, tuple(notes), panels.figures(table, grids, distances, seed)
    )


def measures(score: Array, distance: Array, replicates: int, seed: int) -> Iterator[dict[str, Any]]:
    """A row a measure: value, interval over languages, interval over pairs as if independent, counts, reason.

    Args:
        score: (sources, targets), NaN where there is none and for a language on itself.
        distance: likewise.
        replicates: of the bootstrap.
        seed: of the draws.
    """
    both = np.isfinite(score) & np.isfinite(distance)
    facts = {
        "n": int(both.sum()),
        "sources": int(both.any(axis=1).sum()),
        "targets": int(both.any(axis=0).sum()),
        "without_distance": int((np.isfinite(score) & ~both).sum()),
        "ties": guards.ties(distance[both]),
    }
    why = guards.constant(distance[both], "distance") or guards.constant(score[both], "score")
    if why:
        nothing = dict.fromkeys(("value", "low", "high", "naive_low", "naive_high"), np.nan)
        yield from ({"measure": name} | nothing | facts | {"reason": why} for name in MEASURES)
        return
    pairs = Pairs.of(distance, score)
    once, draws = Draws.once(pairs.distance.shape), Draws.of(pairs.distance.shape, replicates, seed)
    independent = naive(len(pairs.s), replicates, seed)
    targets = [(some, per_target(some, pairs.distance, pairs.score)) for some in (once, draws)]
    for name in MEASURES:
        if name.startswith("within_target"):
            fisher = name.endswith("fisher")
            point, values = (mean_over_targets(some, each, fisher=fisher) for some, each in targets)
        else:
            point, values = pairs.measure(name, once), pairs.measure(name, draws)
        value = float(point[0])
        low, high = interval(values) if np.isfinite(value) else (np.nan, np.nan)
        ends = interval(pairs.pairwise(name, independent)) if name in NAIVE else (np.nan, np.nan)
        yield (
            {"measure": name, "value": value, "low": low, "high": high, "naive_low": ends[0], "naive_high": ends[1]}
            | facts
            | {"reason": _reason(value, low, int(facts["sources"]))}
        )


def _reason(value: float, low: float, sources: int) -> str:
    if np.isfinite(value):
        return "" if np.isfinite(low) else "no interval: undefined in too many resamples"
    return "one source" if sources == 1 else "fewer than three sources a target"


def _notes(name: str, row: dict[str, Any], distance: pd.DataFrame) -> Iterator[str]:
    if row["reason"]:
        yield f"{name}: {row['reason']}" if np.isfinite(row["value"]) else f"{name}: undefined, {row['reason']}"
        return
    if row["without_distance"]:
        yield f"{name}: {row['without_distance']} pairs have a score but no distance; dropped, {row['n']} are left"
    if row["ties"] > guards.TIES:
        yield f"{name}: {row['ties']:.0%} of the distances are equal: read ranks with care, nearest is often a tie"
    if "coverage" in distance and distance["coverage"].mean() < SHARED:
        yield f"{name}: languages share {distance['coverage'].mean():.0%} of the features on average"

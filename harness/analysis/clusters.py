"""Targets clustered by how sources fare on them, beside their clusters by each distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from harness.analysis.figures import dendrogram, style
from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FEWEST_SOURCES, FEWEST = 4, 4
NOTHING = 1e-9  # what rounding makes of a distance of 0


def profile_distance(score: Array) -> Array:
    """One minus Pearson's r of the scores of two targets over the sources that both have; NaN with too few.

    The mean of each source is taken out before: two targets are alike where the same sources do better than usual.
    """
    known = np.isfinite(score)
    centred = score - np.nansum(score, axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    x, m = np.where(known, centred, 0.0), known.astype(float)
    n, sx, sxx, sxy = m.T @ m, x.T @ m, (x * x).T @ m, x.T @ x
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt((n * sxx - sx**2) * (n * sxx - sx**2).T)
        r = (n * sxy - sx * sx.T) / spread
    r = np.where((n >= FEWEST_SOURCES) & (spread > 1e-12), r, np.nan)
    away = 1 - np.clip((r + r.T) / 2, -1, 1)
    np.fill_diagonal(away, 0.0)
    return np.asarray(away)


def cluster(grids: Sequence[Grid], distances: pd.DataFrame) -> Result:
    """A row a grid and distance: cophenetic correlation of either tree with its distances, and of the two trees.

    Drawn is, for each grid, the distance whose tree is most like that of transfer.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    lacking: dict[str, list[str]] = {}
    metrics: dict[str, float] = {}
    drawn: dict[str, Callable[[], Figure]] = {}
    for grid, part in named(grids):
        transfer = profile_distance(grid.transfer)
        best, nearest = -np.inf, None
        for name, frame in of_grid(distances, grid).items():
            typology = square(frame, grid.targets, grid.targets)
            if (typology < -NOTHING).any():
                notes.append(f"{grid.task}, {grid.model}, {name}: holds negative values, which make no tree")
                continue
            typology = np.maximum((typology + typology.T) / 2, 0.0)
            np.fill_diagonal(typology, 0.0)
            kept = _complete(transfer, typology)
            if len(kept) < FEWEST:
                why = f"{len(kept)} targets with {FEWEST_SOURCES} sources in common and a distance; no tree"
                lacking.setdefault(f"{grid.task}, {grid.model}: {why}", []).append(name)
                continue
            codes = [grid.targets[i] for i in kept]
            flat = [squareform(one[np.ix_(kept, kept)], checks=False) for one in (transfer, typology)]
            trees = [linkage(one, "average") for one in flat]
            own, heights = zip(*(cophenet(tree, one) for tree, one in zip(trees, flat, strict=True)), strict=True)
            between = _correlation(heights[0], heights[1])
            row = {"distance": name, "languages": len(kept), "dropped": len(grid.targets) - len(kept)}
            row |= {
                "cophenetic_transfer": float(own[0]),
                "cophenetic_distance": float(own[1]),
                "cophenetic_between": between,
            }
            rows.append(
                grid.key | row | {"reason": "" if np.isfinite(between) else "all distances of a tree are equal"}
            )
            metrics[f"cluster.{part}.{slug(name)}.cophenetic"] = between
            if np.isfinite(between) and between > best:
                best, nearest = between, _drawing(grid, name, codes, trees, between)
        if nearest is not None and len(drawn) < style.MOST:
            drawn[f"dendrogram_{slug(part)}"] = nearest
    notes += [f"{why} ({', '.join(names)})" for why, names in lacking.items()]
    return Result("clusters", {"clusters": pd.DataFrame(rows)}, metrics, tuple(notes), drawn)


def _drawing(grid: Grid, name: str, codes: list[str], trees: Sequence[Array], between: float) -> Callable[[], Figure]:
    named_trees = list(zip(("transfer profile", name), trees, strict=True))
    title = f"{grid.task}, {grid.model}"
    return lambda: dendrogram.side_by_side(title, codes, named_trees, between, len(grid.targets) - len(codes))


def _complete(*matrices: Array) -> list[int]:
    """Indices whose distances are all known; the language with most unknown ones is dropped until that is so."""
    unknown = ~np.isfinite(sum(matrices))
    kept = list(range(len(unknown)))
    while kept:
        lacking = unknown[np.ix_(kept, kept)].sum(axis=0)
        if not lacking.any():
            break
        kept.pop(int(lacking.argmax()))
    return kept


def _correlation(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else float("nan")

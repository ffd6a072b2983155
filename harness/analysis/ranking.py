"""How well a distance ranks the sources of a target: NDCG, how often the best is found, and where it stands.

NDCG of two papers compares only where gain and relevance are the same: LangRank (Lin et al. 2019) gives the true best
``TOP`` sources the relevances 10 ... 1 and others 0, looks at the first 3, and gains ``2^relevance - 1``; others gain
the relevance itself. Both are here. Coarse distances tie, and a stable sort would reward the order of the file: all
orders of tied sources are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.stats import rankdata

from harness.analysis import guards, lambdarank
from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.prediction import of_unseen_targets
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    import pandas as pd

TOP, DEPTH = 10, 3
FORETOLD = "ridge, target unseen"
MEASURES = ("ndcg3", "ndcg3_linear", "top1", "top3", "mrr", "spearman")


def relevance(scores: Array, top: int = TOP) -> Array:
    """``top`` for the best source, one less for every better one; 0 below. Sources that tie share the better rank."""
    return np.asarray(np.maximum(0, top + 1 - rankdata(-scores, method="min")))


def ndcg(
    gains: Array, distance: Array, depth: int = DEPTH, *, exponential: bool = True,
    ties: Literal["average", "stable"] = "average",
) -> float:  # fmt: skip
    """Normalised discounted cumulative gain of the nearest ``depth`` sources; NaN where there is nothing to gain.

    Args:
        gains: relevance of each source.
        distance: by which they are ranked, the smallest first.
        exponential: gain ``2^relevance - 1`` instead of the relevance.
        ties: average over all orders of equal distances, or keep the given order.
    """
    value = 2.0**gains - 1 if exponential else gains.astype(float)
    discount = 1 / np.log2(np.arange(2, min(depth, len(value)) + 2))
    order = np.argsort(distance, kind="stable")
    found = value[order]
    if ties == "average":
        _, group = np.unique(distance[order], return_inverse=True)
        found = (np.bincount(group, found) / np.bincount(group))[group]
    best = np.sort(value)[::-1][: len(discount)] @ discount
    return float(found[: len(discount)] @ discount / best) if best > 0 else float("nan")


def of_target(scores: Array, distance: Array) -> dict[str, float]:
    """Every measure for one target, over the sources whose score and distance are known."""
    gains = relevance(scores)
    best = scores == scores.max()
    # where the best source stands, on average over the orders of ties
    nearer = np.array([(distance < own).sum() for own in distance[best]])
    tied = np.array([(distance == own).sum() for own in distance[best]])
    first = int(nearer.argmin())
    places = nearer[first] + 1 + np.arange(tied[first])
    rho = np.nan
    if not (guards.constant(distance, "") or guards.constant(scores, "")):
        rho = float(np.corrcoef(rankdata(-distance), rankdata(scores))[0, 1])
    return {
        "ndcg3": ndcg(gains, distance),
        "ndcg3_linear": ndcg(gains, distance, exponential=False),
        "top1": float((places <= 1).mean()),
        "top3": float((places <= 3).mean()),
        "mrr": float((1 / places).mean()),
        "spearman": rho,
    }


def rank(
    grids: Sequence[Grid], distances: pd.DataFrame, pretrained: Mapping[str, frozenset[str]], *, replicates: int = 1000,
    seed: int = 0, trees: bool = False,
) -> Result:  # fmt: skip
    """Every grid and distance, and ridge regression on all of them: means over targets, with intervals over targets.

    Targets with fewer than two sources are left out.

    Args:
        distances: columns distance, a, b, value.
        pretrained: by model, the languages that it saw.
        replicates: of the bootstrap.
        seed: of the draws, and of the trees.
        trees: LambdaRank as well.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    metrics: dict[str, float] = {}
    absent = lambdarank.missing() if trees else ""
    notes = [absent] if absent else []
    for grid, part in named(grids):
        score = grid.transfer
        counts = Draws.of((1, len(grid.targets)), replicates, seed).targets
        rankers = {name: square(frame, grid.sources, grid.targets) for name, frame in of_grid(distances, grid).items()}
        if len(rankers) > 1:
            rankers[FORETOLD] = -of_unseen_targets(grid, distances, pretrained.get(grid.model))
        if trees and not absent:
            ranked = lambdarank.of_unseen_targets(grid, distances, pretrained.get(grid.model), relevance, seed)
            rankers[lambdarank.NAME] = -ranked
        for name, away in rankers.items():
            both = np.isfinite(score) & np.isfinite(away)
            each = np.full((len(MEASURES), len(grid.targets)), np.nan)
            for target in np.flatnonzero(both.sum(axis=0) > 1):
                known = both[:, target]
                each[:, target] = list(of_target(score[known, target], away[known, target]).values())
            for measure, values in zip(MEASURES, each, strict=True):
                known = np.isfinite(values)
                n = int(known.sum())
                reason = "" if n else "no target with two sources of known distance"
                value, low, high = np.nan, np.nan, np.nan
                if n:
                    value = float(values[known].mean())
                    with np.errstate(invalid="ignore"):
                        low, high = interval(counts[:, known] @ values[known] / counts[:, known].sum(axis=1))
                row = {"distance": name, "measure": measure, "value": value, "low": low, "high": high, "targets": n}
                rows.append(
                    grid.key | row | {"sources": float(both.sum(axis=0)[known].mean()) if n else 0.0, "reason": reason}
                )
                metrics[f"rank.{part}.{slug(name)}.{measure}"] = value
        if len(grid.sources) <= TOP:
            notes.append(
                f"{grid.task}, {grid.model}: {len(grid.sources)} sources, so that nearly all are among the relevant "
                f"{TOP}: NDCG is high by itself"
            )
    return Result("ranking", {"ranking": pd.DataFrame(rows)}, metrics, tuple(notes))

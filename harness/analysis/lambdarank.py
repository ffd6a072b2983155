"""LambdaRank, as LangRank uses it: trees that learn to order the sources of a target (Lin et al. 2019).

Needs lightgbm (the extra ``rank``), is asked for by name, and takes a model a target: seconds to minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.grid import Array, Grid
from harness.analysis.mixed import predictors

if TYPE_CHECKING:
    import pandas as pd

NAME = "LambdaRank, target unseen"
FEWEST = 4  # targets
TREES, LEAVES, LEAST = 100, 16, 5  # LangRank's: trees, leaves a tree, pairs a leaf


def missing() -> str:
    """Why LambdaRank cannot be had; empty where it can."""
    if find_spec("lightgbm") is not None:
        return ""
    return "LambdaRank: skipped, it needs lightgbm: pip install 'multilingual-harness[rank]'"


def of_unseen_targets(
    grid: Grid,
    distances: pd.DataFrame,
    pretrained: frozenset[str] | None,
    relevance: Callable[[Array], Array],
    seed: int,
) -> Array:
    """A rank score for every pair, higher is better, from the sources of all other targets; NaN where unknown.

    Args:
        relevance: of the sources of a target, from their scores.
        seed: of the trees.
    """
    from lightgbm import LGBMRanker

    found = np.full(grid.scores.shape, np.nan)
    frame, _ = predictors(grid, distances, pretrained)
    names = [str(name) for name in frame.columns[3:]]
    if not names or frame["target"].nunique() < FEWEST:
        return found
    frame = frame.sort_values("target", kind="stable", ignore_index=True)
    features = frame[names].to_numpy(dtype=float)
    gains = np.concatenate([relevance(rows.to_numpy()) for _, rows in frame.groupby("target", sort=True)["score"]])
    columns = frame["target"].map(grid.targets.index).to_numpy()
    lines = frame["source"].map(grid.sources.index).to_numpy()
    for held in np.unique(columns):
        mine = columns == held
        groups = np.unique(columns[~mine], return_counts=True)[1]
        ranker = LGBMRanker(
            n_estimators=TREES, num_leaves=LEAVES, min_child_samples=LEAST, random_state=seed, n_jobs=1,
            deterministic=True, force_row_wise=True, verbosity=-1,
        )  # fmt: skip
        ranker.fit(features[~mine], gains[~mine], group=groups)
        found[lines[mine], held] = ranker.predict(features[mine])
    return found

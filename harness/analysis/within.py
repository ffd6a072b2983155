"""Correlations that compare the sources of one target: what a distance says of the choice of a source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.analysis import weighted
from harness.analysis.grid import Array
from harness.analysis.resampling import Draws

NOTHING = 1e-9  # of a sum of squares of standardised values
BOUND = 0.999  # a rho of 1 from a handful of sources would be an infinite z


def per_target(draws: Draws, distance: Array, score: Array) -> Array:
    """Spearman's rho over the sources of each target, (replicates, targets); NaN with fewer than three or all alike.

    Args:
        distance: (sources, targets), NaN where unknown.
        score: likewise, known in the same cells.
    """
    each = np.full((len(draws.sources), distance.shape[1]), np.nan)
    for target, (x, y) in enumerate(zip(distance.T, score.T, strict=True)):
        known = np.isfinite(x)
        if known.sum() > 2:
            each[:, target] = weighted.spearman(draws.sources[:, known], x[known], y[known])
    return each


def mean_over_targets(draws: Draws, each: Array, *, fisher: bool) -> Array:
    """The mean of what ``per_target`` gives over the targets that have any; with ``fisher``, averaged as Fisher's z."""
    if fisher:
        each = np.arctanh(np.clip(each, -BOUND, BOUND))
    weights = np.where(np.isfinite(each), draws.targets, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = (weights * np.nan_to_num(each)).sum(axis=1) / weights.sum(axis=1)
    return np.tanh(mean) if fisher else mean


def double_centred(draws: Draws, distance: Array, score: Array) -> Array:
    """Pearson's r of ``x_ij - x_i. - x_.j + x_..`` of both, where each replicate has means of its own.

    The products are summed without the residuals: what is left of ``sum x y`` after the means needs matrix products
    alone.
    """
    known = np.isfinite(distance).astype(float)
    x, y = _Means.of(draws, distance, known), _Means.of(draws, score, known)
    xy, xx, yy = (_left(draws, known, *pair) for pair in ((x, y), (x, x), (y, y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = np.where((xx > NOTHING) & (yy > NOTHING), xy / np.sqrt(xx * yy), np.nan)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """A matrix (0 where unknown) with its means in every replicate: of rows, of columns, of all."""

    values: Array
    rows: Array
    columns: Array
    grand: Array

    @classmethod
    def of(cls, draws: Draws, values: Array, known: Array) -> _Means:
        u, v = draws.sources, draws.targets
        filled = np.nan_to_num(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            # a language without a known cell in a replicate has no mean there, and no weight
            rows = np.nan_to_num((v @ filled.T) / (v @ known.T))
            columns = np.nan_to_num((u @ filled) / (u @ known))
            grand = ((u @ filled) * v).sum(axis=1) / ((u @ known) * v).sum(axis=1)
        return cls(filled, rows, columns, np.nan_to_num(grand))


def _left(draws: Draws, known: Array, x: _Means, y: _Means) -> Array:
    """The weighted sum of products of what the means of rows and columns leave of two matrices."""
    u, v = draws.sources, draws.targets
    per_row, per_column = u * (v @ known.T), v * (u @ known)
    total = per_row.sum(axis=1)
    crossed = sum(((u * a.rows) @ known * (v * b.columns)).sum(axis=1) for a, b in ((x, y), (y, x)))
    found: Array = (
        ((u @ (x.values * y.values)) * v).sum(axis=1)
        - (per_row * x.rows * y.rows).sum(axis=1)
        - (per_column * x.columns * y.columns).sum(axis=1)
        + crossed
        - total * x.grand * y.grand
    )
    return found

"""Pearson's and Spearman's correlation of gold and predicted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.base import METRICS, SIGNED, Counts, Metric, WholeMetric, is_number, paired


@METRICS.add("pearson")
def pearson() -> Metric:
    """Pearson's r, in [-1, 1]; 0 where the gold or the predicted numbers are all alike.

    "Alike" is what sums of squares cannot tell apart: numbers that differ from their mean by less than a millionth of
    it.

    Source: scipy's ``pearsonr``, which has no number there.
    """
    return Metric(
        "pearson", ("one", "gold", "predicted", "gold2", "predicted2", "product"), _moments, of_sums, range=SIGNED
    )


@METRICS.add("spearman")
def spearman() -> WholeMetric:
    """Spearman's rho, in [-1, 1]: Pearson's r of the ranks; equal numbers share their mean rank. 0 where all are alike.

    Source: scipy's ``spearmanr``, which has no number where all are alike.
    """
    return WholeMetric("spearman", ("gold", "predicted"), _numbers, of_ranks, of_repeated_ranks, range=SIGNED)


def of_sums(sums: Counts) -> NDArray[np.float64]:
    """Pearson's r from sums of moments, ``(..., 6) -> (...)``."""
    one, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    n = np.where(one > 0, one, 1.0)
    covariance, x_spread, y_spread = xy - x / n * y, xx - x / n * x, yy - y / n * y
    # what is left of equal numbers is rounding
    varied = (x_spread > 1e-12 * xx) & (y_spread > 1e-12 * yy)
    x_spread, y_spread = np.where(varied, x_spread, 1.0), np.where(varied, y_spread, 1.0)
    # the slope, and what turns it into r: their product neither overflows, nor misses 1 where the two are in step
    slope = np.where(varied, covariance, 0.0) / x_spread
    r: NDArray[np.float64] = np.clip(slope * (np.sqrt(x_spread) / np.sqrt(y_spread)), -1.0, 1.0)
    return r


def of_ranks(counts: Counts) -> NDArray[np.float64]:
    """Spearman's rho of rows of two numbers, ``(..., examples, 2) -> (...)``."""
    rho = np.zeros(counts.shape[:-2])
    once = np.ones((1, counts.shape[-2]))
    for place in np.ndindex(rho.shape) if once.size else ():
        rho[place] = of_repeated_ranks(counts[place], once)[0]
    return rho


def of_repeated_ranks(counts: Counts, times: NDArray[Any]) -> NDArray[np.float64]:
    """Spearman's rho of rows that count several times each, ``(examples, 2), (replicates, examples) -> (replicates,)``.

    The rows are sorted once: the rank of a number is how many are below it, whatever each of these counts.

    Args:
        times: how often each row counts, whole numbers.
    """
    x, y = (_centred_ranks(column, times) for column in counts.T)
    wx, wy = times * x, times * y
    squares = [np.einsum("ij,ij->i", one, other) for one, other in ((wx, x), (wy, y), (wx, y))]
    total, none = times.sum(axis=1, dtype=np.float64), np.zeros(len(times))
    return of_sums(np.stack([total, none, none, *squares], axis=-1))


def _centred_ranks(values: NDArray[np.float64], times: NDArray[Any]) -> NDArray[np.float64]:
    """Twice the rank of each number among the repeated rows, their mean taken off, ``(replicates, examples)``.

    Equal numbers share their mean rank. All are whole numbers, whose sums have no rounding.
    """
    distinct, place = np.unique(values, return_inverse=True)
    last = np.cumsum(np.bincount(place, minlength=len(distinct))) - 1
    # `take`, because an index would lay out the columns one after the other, and a sum along rows is then slow
    in_order = np.take(times, np.argsort(place, kind="stable"), axis=1)
    ends = np.take(np.cumsum(in_order, axis=1, dtype=np.int32), last, axis=1)
    begins = np.concatenate([np.zeros((len(times), 1), np.int32), ends[:, :-1]], axis=1)
    return np.take((begins + ends - ends[:, -1:]).astype(np.float64), place, axis=1)


def _powers(pairs: NDArray[np.float64]) -> Counts:
    """The moments of pairs of numbers, ``(..., 2) -> (..., 6)``."""
    x, y = np.moveaxis(pairs, -1, 0)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def _moments(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    return _powers(_numbers(gold, predicted))


def _numbers(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    """Gold and predicted number of each example, (examples, 2).

    Raises:
        HarnessError: predictions are missing, or something is no number.
    """
    rows = np.empty((len(gold), 2))
    for i, pair in enumerate(paired(gold, predicted)):
        if not all(map(is_number, pair)):
            raise HarnessError(f"example {i}: needs a gold and a predicted number, got {pair[0]!r} and {pair[1]!r}")
        rows[i] = pair
    return rows

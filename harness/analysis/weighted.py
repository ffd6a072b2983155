"""Correlations under weights, many weightings at once: a resample is a row of counts, and no data is copied.

Every function takes weights of shape (replicates, n) and gives (replicates,); with integer weights each value is the
one of the data with every row repeated as often as its weight says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.grid import Array

FEW = 1500  # pairs of languages up to which comparing all with all is faster than sorting
EXACT = 2.0**24


def pearson(weights: Array, x: Array, y: Array) -> Array:
    """Pearson's r; x and y may be (n,) or (replicates, n). NaN where one is constant."""
    sxx, syy, sxy = _moments(weights, x, y)
    return _ratio(sxy, np.sqrt(sxx * syy))


def slope(weights: Array, x: Array, y: Array) -> Array:
    """The least-squares slope of y on x."""
    sxx, _, sxy = _moments(weights, x, y)
    return _ratio(sxy, sxx)


def spearman(weights: Array, x: Array, y: Array) -> Array:
    """Spearman's rho: Pearson's r of the mid-ranks that the weighted data have."""
    return pearson(weights, midranks(weights, x), midranks(weights, y))


def kendall(weights: Array, x: Array, y: Array) -> Array:
    """Kendall's tau-b: of all pairs where they are few, and by a merge sort where they are many."""
    tied_x, tied_y = _pairs(weights, _dense(x)), _pairs(weights, _dense(y))
    total = weights.sum(axis=1)
    pairs = total * (total - 1) / 2
    exact = float(total.max(initial=0.0)) < EXACT
    difference = _by_pairs(weights, x, y) if exact and len(x) <= FEW else _by_sorting(weights, x, y)
    return _ratio(difference, np.sqrt((pairs - tied_x) * (pairs - tied_y)))


def _by_pairs(weights: Array, x: Array, y: Array) -> Array:
    """Weighted concordant pairs less discordant ones, from the matrix of all signs."""
    signs = (np.sign(x[:, None] - x) * np.sign(y[:, None] - y)).astype(np.float32)
    # sums of whole numbers, which single precision holds exactly up to EXACT
    difference: Array = np.einsum("ij,ij->i", weights.astype(np.float32) @ signs, weights) / 2
    return difference


def _by_sorting(weights: Array, x: Array, y: Array) -> Array:
    """The same by counting inversions in a merge sort whose moves are the same for every replicate.

    Source: Knight (1966), for weights.
    """
    order = np.lexsort((y, x))
    w, ys = weights[:, order], _dense(y)[order]
    tied_x, tied_y = _pairs(weights, _dense(x)), _pairs(weights, _dense(y))
    tied_both = _pairs(weights, _dense(_dense(x) * (len(y) + 1.0) + _dense(y)))
    total = weights.sum(axis=1)
    # of the pairs untied in y and ordered by (x, y), those tied in x look concordant
    return np.asarray((total * (total - 1) / 2 - tied_y) - 2 * _inversions(w, ys) - (tied_x - tied_both))


def midranks(weights: Array, values: Array) -> Array:
    """Mid-ranks of each value in each weighted sample, up to a constant."""
    order = np.argsort(values, kind="stable")
    group = _dense(values)[order]
    last = np.flatnonzero(np.append(np.diff(group) > 0, True))
    ends = np.cumsum(weights[:, order], axis=1)[:, last]
    sizes = np.diff(ends, axis=1, prepend=0)
    return (ends - sizes / 2)[:, _dense(values)]


def _dense(values: NDArray[np.floating[Any]] | NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)


def _moments(weights: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Weighted sums of squares and products about the weighted means: xx, yy, xy."""
    if x.ndim == y.ndim == 1:
        x, y = x - x.mean(), y - y.mean()  # so that little is lost in the differences below
        n, sx, sy, sxx, syy, sxy = (weights @ np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])).T
        with np.errstate(invalid="ignore", divide="ignore"):
            sxx, syy, sxy = sxx - sx * sx / n, syy - sy * sy / n, sxy - sx * sy / n
        return _unless_rounding(sxx, n, x), _unless_rounding(syy, n, y), sxy
    total = weights.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx, dy = (values - _dot(weights, np.broadcast_to(values, weights.shape))[:, None] / total for values in (x, y))
    wx = weights * dx
    return _dot(wx, dx), _dot(weights * dy, dy), _dot(wx, dy)


def _dot(a: Array, b: Array) -> Array:
    """Row by row."""
    found: Array = np.einsum("ij,ij->i", a, b)
    return found


def _unless_rounding(squares: Array, n: Array, values: Array) -> Array:
    """Sums of squares, 0 where they are no more than what rounding leaves of a constant."""
    return np.where(squares > 1e-12 * n * (values * values).max(), squares, 0.0)


def _pairs(weights: Array, group: NDArray[np.int64]) -> Array:
    """Pairs within the groups, copies of one row among them."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(group[order]) > 0))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    found: Array = (sizes * (sizes - 1) / 2).sum(axis=1)
    return found


def _inversions(weights: Array, values: NDArray[np.int64]) -> Array:
    """Weighted pairs whose first value is greater than their second."""
    found = np.zeros(len(weights))
    width = 1
    n = len(values)
    place = np.arange(n)  # which row stands where, sorted within blocks of `width`
    while width < n:
        block, half = _blocks(n, width)
        standing = values[place]
        sums = np.cumsum(weights[:, place], axis=1)
        sums = np.concatenate([np.zeros((len(weights), 1)), sums], axis=1)
        # rows of a left half that are greater than a row of the right half: from its insertion point to the half's end
        right = np.flatnonzero(half)
        middle = block[right] * 2 * width + width
        key = block * (n + 1) + standing
        left = np.flatnonzero(~half)
        position = np.searchsorted(key[left], key[right], side="right")
        insertion = np.append(left, n)[position]
        insertion = np.minimum(insertion, middle)
        above = sums[:, middle] - sums[:, insertion]
        found += (weights[:, place[right]] * above).sum(axis=1)
        place = place[np.lexsort((standing, block))]
        width *= 2
    return found


def _blocks(n: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each position, its block of two halves of ``width``, and whether it stands in the second half."""
    position = np.arange(n)
    return position // (2 * width), position % (2 * width) >= width


def _ratio(top: Array, bottom: Array) -> Array:
    # sums of squares of a constant leave rounding errors behind, not zero
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 1e-12, top / bottom, np.nan)

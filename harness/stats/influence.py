"""Influence values: how far each group moves a score, from which standard errors and covariances are sums of products.

They cost a few evaluations of the metric's formula, where a bootstrap costs a thousand, and draw nothing at random. To
first order they say what the bootstrap over groups says (infinitesimal jackknife).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import AnyMetric, Counts, Metric, WholeMetric
from harness.stats.bootstrap import Groups

Influence = NDArray[np.float64]

STEP = 1e-4
"""Of a group's weight, for the central difference: its error is a hundred-millionth of the value, as is rounding's."""

BLOCKS = 400
"""Most jackknife blocks of a metric that needs all rows at once; the standard error is then known to about 4 %."""


def influence(counts: Counts, groups: Groups, measure: AnyMetric) -> Influence | None:
    """The influence of each group on the score, (groups,), in sorted order of the groups; None with fewer than two.

    Its square sums to the variance of the score. Models with the same groups have theirs in the same order, so that
    ``standard_error(a - b)`` is that of their paired difference, and ``table @ table.T`` the covariance of many.

    Of a formula over sums it is the derivative by the group's weight, as a central difference, centred and scaled by
    sqrt(n / (n - 1)); weights stay positive, so that no formula is asked about counts that cannot be. Of a metric that
    needs all rows it is what the score loses without the group (grouped jackknife); where there are more than 400
    groups, without every 400th one, the loss shared among those.

    Args:
        counts: per example, (examples, columns).
        groups: of each example, (examples,).
        measure: whose counts they are.

    Source: Efron and Tibshirani (1993), chapters 11 and 21; Jaeckel (1972).
    """
    ids, member = np.unique(np.asarray(groups), return_inverse=True)
    if len(ids) < 2:
        return None
    if isinstance(measure, Metric):
        return _by_weight(group_sums(counts, member, len(ids)), measure)
    return _by_leaving_out(counts, member, len(ids), measure)


def standard_error(values: Influence) -> NDArray[np.float64]:
    """The standard error, from influence values, ``(..., groups) -> (...)``."""
    error: NDArray[np.float64] = np.sqrt((values**2).sum(axis=-1))
    return error


def group_sums(counts: Counts, member: NDArray[np.intp], groups: int) -> Counts:
    """The counts of each group, (groups, columns), from the group number of each example."""
    return np.stack([np.bincount(member, column, groups) for column in counts.T], axis=1)


def _by_weight(sums: Counts, measure: Metric) -> Influence:
    total = sums.sum(axis=0)
    slope = (measure.score(total + STEP * sums) - measure.score(total - STEP * sums)) / (2 * STEP)
    centred: Influence = (slope - slope.mean()) * np.sqrt(len(sums) / (len(sums) - 1))
    return centred


def _by_leaving_out(counts: Counts, member: NDArray[np.intp], groups: int, measure: WholeMetric) -> Influence:
    blocks = min(groups, BLOCKS)
    # neighbours in sorted order are often alike (sentences of a document): every 400th is not
    block = np.arange(groups) % blocks
    without = np.array([measure.total(counts[block[member] != left_out]) for left_out in range(blocks)])
    lost = (without.mean() - without) * np.sqrt((blocks - 1) / blocks)
    # the squares of a block's groups sum to the square of its loss
    shared: Influence = lost[block] / np.sqrt(np.bincount(block))[block]
    return shared

"""Percentile bootstrap intervals over groups: one matrix product of weights and counts, then the metric's formula.

A metric that needs all rows at once is resampled the long way, replicate by replicate, with the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import AnyMetric, Counts, Metric

Groups = Sequence[str] | NDArray[Any]
Weights = NDArray[np.uint8]
Bounds = tuple[float, float]

AT_ONCE = 2**24
"""Weights that are multiplied at once, as floating point: 128 MB."""


def interval(
    counts: Counts,
    groups: Groups,
    measure: AnyMetric,
    *,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Bounds | None:
    """Lower and upper end of the interval of a score, in its native unit; None with fewer than two groups.

    Args:
        counts: per example, (examples, columns).
        groups: of each example, (examples,); groups are drawn whole.
        measure: whose counts they are.

    Source: Efron and Tibshirani (1993), chapters 8 and 13.
    """
    return intervals([counts], groups, [measure], replicates=replicates, level=level, seed=seed)[0]


def intervals(
    tables: Sequence[Counts],
    groups: Groups,
    measures: Sequence[AnyMetric],
    *,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Bounds | None]:
    """The interval of each of several scores of the same examples, from the same draws, as ``interval`` has it.

    Args:
        tables: the counts of each metric, (examples, columns).
    """
    ids, member = np.unique(np.asarray(groups), return_inverse=True)
    if len(ids) < 2:
        return [None] * len(measures)
    drawn = _draw(len(ids), replicates, seed)
    summed = [table for table, measure in zip(tables, measures, strict=True) if isinstance(measure, Metric)]
    resampled = _resampled(summed, member, drawn)
    found: list[Bounds | None] = []
    for table, measure in zip(tables, measures, strict=True):
        if isinstance(measure, Metric):
            scores = measure.score(next(resampled))
        else:
            # a row as often as its group was drawn
            scores = np.array([float(measure.score(np.repeat(table, times[member], axis=0))) for times in drawn])
        low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
        found.append((float(low), float(high)))
    return found


def _resampled(tables: Sequence[Counts], member: NDArray[np.intp], drawn: Weights) -> Iterator[Counts]:
    """Of each table, its sums in every replicate, (replicates, columns)."""
    columns = [np.bincount(member, column, drawn.shape[1]) for table in tables for column in table.T]
    if not columns:
        return
    sums = np.stack(columns, axis=1)
    rows = max(1, AT_ONCE // drawn.shape[1])
    products = [drawn[i : i + rows].astype(np.float64) @ sums for i in range(0, len(drawn), rows)]
    yield from np.split(np.concatenate(products), np.cumsum([table.shape[1] for table in tables])[:-1], axis=1)


def weights(groups: Groups, replicates: int, seed: int) -> Weights:
    """How often each replicate draws each group, (replicates, groups), the groups in sorted order.

    It depends on nothing but the set of groups, so corpora with the same groups (parallel targets, two models on one
    target) share their replicates, and differences of their scores are paired.
    """
    return _draw(len(np.unique(np.asarray(groups))), replicates, seed)


# the targets of a job are scored one after the other, mostly with as many groups; 10 MB at 10,000 groups
@lru_cache(maxsize=1)
def _draw(groups: int, replicates: int, seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    # counting draws is several times faster than a multinomial, and the same distribution; one group in hundreds is
    # drawn 256 times less than once in 1e500 replicates, and of fewer groups none can be
    drawn = np.empty((replicates, groups), dtype=np.uint8)
    for row in drawn:
        row[:] = np.bincount(rng.integers(groups, size=groups), minlength=groups)
    drawn.flags.writeable = False  # shared by all who ask
    return drawn

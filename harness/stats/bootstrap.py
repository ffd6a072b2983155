"""Percentile bootstrap intervals over groups: one matrix product of weights and counts, then the metric's formula.

A metric that needs all rows at once is told how often each was drawn, or is given the rows replicate by replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import AnyMetric, Counts, Metric, WholeMetric

Groups = Sequence[str] | NDArray[Any]
Weights = NDArray[np.uint8]
Bounds = tuple[float, float]

AT_ONCE = 2**19
"""Weights that are multiplied at once, as floating point: 4 MB, which stay in a processor's cache."""


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
    if len(np.unique(np.asarray(groups))) < 2:
        return [None] * len(measures)
    tail = (1 - level) / 2
    scores = replicated(tables, groups, measures, replicates=replicates, seed=seed)
    return [(float(low), float(high)) for low, high in np.quantile(scores, [tail, 1 - tail], axis=1).T]


def replicated(
    tables: Sequence[Counts],
    groups: Groups,
    measures: Sequence[AnyMetric],
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """The score of each table in every replicate, (tables, replicates).

    All have drawn the same groups in the same replicate, and so have all calls with as many groups: the differences
    between two models, on one target or between parallel ones, are paired.

    Args:
        tables: counts of the same examples, (examples, columns) each: of several metrics, or of several models.
        groups: of each example, (examples,); groups are drawn whole.
        measures: whose counts each table holds.
    """
    ids, member = np.unique(np.asarray(groups), return_inverse=True)
    drawn = _draw(len(ids), replicates, seed)
    summed = [i for i, measure in enumerate(measures) if isinstance(measure, Metric)]
    sums = _resampled([tables[i] for i in summed], member, drawn)
    scores = np.empty((len(measures), replicates))
    for i, table, measure in zip(range(len(measures)), tables, measures, strict=True):
        scores[i] = measure.score(sums.pop(0)) if isinstance(measure, Metric) else _whole(measure, table, member, drawn)
    return scores


def _resampled(tables: Sequence[Counts], member: NDArray[np.intp], drawn: Weights) -> list[Counts]:
    """Of each table, its sums in every replicate, (replicates, columns)."""
    columns = [np.bincount(member, column, drawn.shape[1]) for table in tables for column in table.T]
    if not columns:
        return []
    sums = np.stack(columns, axis=1)
    products = np.concatenate([times.astype(np.float64) @ sums for times in _parts(drawn, drawn.shape[1])])
    return np.split(products, np.cumsum([table.shape[1] for table in tables])[:-1], axis=1)


def _whole(measure: WholeMetric, table: Counts, member: NDArray[np.intp], drawn: Weights) -> NDArray[np.float64]:
    """The score of each replicate, (replicates,), a row counting as often as its group was drawn."""
    if measure.repeated is None:
        return np.array([float(measure.score(np.repeat(table, times[member], axis=0))) for times in drawn])
    scores = [measure.repeated(table, np.take(times, member, axis=1)) for times in _parts(drawn, len(member))]
    return np.concatenate(scores)


def _parts(drawn: Weights, width: int) -> list[Weights]:
    """Some replicates at a time, as many as fit into ``AT_ONCE`` with so many weights each."""
    rows = max(1, AT_ONCE // max(1, width))
    return [drawn[i : i + rows] for i in range(0, len(drawn), rows)]


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

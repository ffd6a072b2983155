"""Percentile bootstrap intervals over groups: one matrix product of weights and counts, then the metric's formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import Counts

Groups = Sequence[str] | NDArray[Any]
Weights = NDArray[np.uint16]


def interval(
    counts: Counts,
    groups: Groups,
    score: Callable[[Counts], NDArray[np.float64]],
    *,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Lower and upper end of the interval of a score, in its native unit; None with fewer than two groups.

    Args:
        counts: per example, (examples, columns).
        groups: of each example, (examples,); groups are drawn whole.
        score: ``(..., columns) -> (...)``.

    Source: Efron and Tibshirani (1993), chapters 8 and 13.
    """
    ids, member = np.unique(np.asarray(groups), return_inverse=True)
    if len(ids) < 2:
        return None
    sums: Counts = np.stack([np.bincount(member, column, len(ids)) for column in counts.T], axis=1)
    resampled: Counts = _draw(len(ids), replicates, seed) @ sums
    scores = score(resampled)
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def weights(groups: Groups, replicates: int, seed: int) -> Weights:
    """How often each replicate draws each group, (replicates, groups), the groups in sorted order.

    It depends on nothing but the set of groups, so corpora with the same groups (parallel targets, two models on one
    target) share their replicates, and differences of their scores are paired.
    """
    return _draw(len(np.unique(np.asarray(groups))), replicates, seed)


# the targets of a job are scored one after the other, mostly with as many groups; 20 MB at 10,000 groups
@lru_cache(maxsize=1)
def _draw(groups: int, replicates: int, seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    # counting draws is several times faster than a multinomial, and the same distribution
    drawn = np.empty((replicates, groups), dtype=np.uint16)
    for row in drawn:
        row[:] = np.bincount(rng.integers(groups, size=groups), minlength=groups)
    drawn.flags.writeable = False  # shared by all who ask
    return drawn

"""What another training seed would have changed: the part of a standard error that no test set shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ENOUGH = 3
"""Baseline seeds from which their own spread is taken."""

SEED_SD = {"accuracy": 0.010, "span_f1": 0.015, "squad_f1": 0.010, "retrieval_accuracy": 0.010, "spearman": 0.015}
"""Standard deviation over training seeds that is assumed, by metric name, where a baseline has fewer seeds than that.

An assumption, not a measurement: a point or more is common in zero-shot transfer, and less where the source is also
the target."""

OTHERWISE = 0.015
"""The same, for every other metric."""


def assumed_sd(name: str) -> float:
    """The standard deviation over training seeds that is assumed of a metric, by its name."""
    return SEED_SD.get(name, OTHERWISE)


def seed_variance(baseline: Sequence[float], candidates: int, assumed: float) -> tuple[float, float]:
    """The variance that seeds add to a difference of two means over seeds, and the degrees of freedom it rests on.

    The variance over the baseline's seeds holds for both sides: s^2 x (1 / baseline seeds + 1 / candidate seeds). With
    fewer than three of them s is ``assumed``, and its degrees of freedom are infinite.

    Args:
        baseline: the score of each baseline seed.
        candidates: number of candidate seeds.
        assumed: standard deviation over seeds, where there are too few to tell.
    """
    known = len(baseline) >= ENOUGH
    variance = float(np.var(baseline, ddof=1)) if known else assumed**2
    return variance * (1 / len(baseline) + 1 / candidates), len(baseline) - 1 if known else np.inf


def freedom(*parts: tuple[float, float]) -> float:
    """The degrees of freedom of a sum of variances, each given with its own; infinite where all are 0.

    Source: Satterthwaite (1946).
    """
    total = sum(variance for variance, _ in parts)
    if not total:
        return np.inf
    # of the shares: the squares of small variances underflow
    spread = sum((variance / total) ** 2 / degrees for variance, degrees in parts)
    return 1 / spread if spread else np.inf

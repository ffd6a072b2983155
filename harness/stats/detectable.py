"""The smallest drop that a check would have caught, had there been one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.stats.influence import Influence

Quantile = Callable[[float], float]


def smallest_detectable(
    variance: float, unit: float, drop: float, *, threshold: float, power: float, tolerance: float, quantile: Quantile
) -> float:
    """The drop d = max(q(1 - threshold) x SE, tolerance) + q(power) x SE that is caught in a share ``power`` of cases.

    SE is that of the difference at such a drop: whoever gets worse also changes more answers than the ``variance`` of
    what changed here tells, one ``unit`` of it for each unit of the drop beyond the present one (Connor 1987).

    Args:
        variance: of the difference when nothing distinguishes the two.
        unit: what one unit of drop adds to it.
        drop: the present one; what it changed is in ``variance``.
        threshold: of the p-value.
        power: share of such drops that are caught.
        tolerance: drops that fail nothing.
        quantile: of the difference over its SE.
    """
    strict, caught = quantile(1 - threshold), quantile(power)
    size = 0.0
    for _ in range(60):  # each step at least halves what is missing
        error = np.sqrt(variance + unit * max(0.0, size - max(0.0, drop)))
        size = max(strict * error, tolerance) + caught * error
    return float(size)


def swap_variance(moved: Influence) -> tuple[float, float]:
    """The variance of a difference under random swaps, and what one unit of drop adds to it.

    A drop of d by changes of size u adds d x u. Of the sizes that occur it is the variance's own mean, in which large
    ones count most: a lost right answer moves an F1 more than one more wrong one. Right or wrong answers have one size.

    Args:
        moved: what each group that changed adds to the difference.
    """
    squares = float((moved**2).sum())
    return squares, float((np.abs(moved) ** 3).sum()) / squares if squares else 0.0

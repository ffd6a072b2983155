"""F1, precision and recall of mined pairs, as the BUCC shared tasks count them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.base import METRICS, Counts, Metric, paired, ratio

PAIRS = (list, tuple, set, frozenset)
COLUMNS = ("tp", "predicted", "gold")


@METRICS.add("mining_f1")
def mining_f1() -> Metric:
    """F1 over the pairs: an example is a set of gold pairs and a set of mined ones, or of a sentence's translations.

    0 where nothing is gold and nothing mined. Source: Zweigenbaum, Sharoff and Rapp (2018).
    """
    # 2tp / (predicted + gold) is 2PR / (P + R), and needs no case for a precision or recall of 0
    return Metric("mining_f1", COLUMNS, _count, lambda sums: ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2]))


@METRICS.add("mining_precision")
def mining_precision() -> Metric:
    """Share of the mined pairs that are gold."""
    return Metric("mining_precision", COLUMNS, _count, lambda sums: ratio(sums[..., 0], sums[..., 1]))


@METRICS.add("mining_recall")
def mining_recall() -> Metric:
    """Share of the gold pairs that are mined."""
    return Metric("mining_recall", COLUMNS, _count, lambda sums: ratio(sums[..., 0], sums[..., 2]))


def _count(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    rows = np.empty((len(gold), 3))
    for i, (right, mined) in enumerate(paired(gold, predicted)):
        try:
            truth, guess = ({*pairs} if isinstance(pairs, PAIRS) else None for pairs in (right, mined))
        except TypeError:  # something that cannot be in a set
            truth = guess = None
        if truth is None or guess is None:
            raise HarnessError(f"example {i}: needs gold pairs and mined pairs, or ids; got {right!r} and {mined!r}")
        rows[i] = len(truth & guess), len(guess), len(truth)
    return rows

"""Scores of options: whether the best one was chosen, and the discounted gain of their ranking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.base import METRICS, Counts, Metric, cutoff, is_number, paired, share

Values = NDArray[np.float64]


@METRICS.add("choice_accuracy")
def choice_accuracy() -> Metric:
    """Share of examples whose option of the highest score has the highest gain; of equal scores the first one counts.

    A gold answer is the gain of every option, a prediction a score for each.
    """
    return Metric("choice_accuracy", ("correct", "total"), _choices, share)


@METRICS.add("ndcg")
def ndcg(k: str = "") -> Metric:
    """Mean normalised discounted cumulative gain over the examples with two options or more.

    The gain at rank r counts 1 / log2(r + 1), as it is and not as a power of two; options of equal score share the mean
    of their gains. An example without any gain scores 0, and one with a single option is left out.

    Args:
        k: the ranks that count; all where it is not given.

    Source: Järvelin and Kekäläinen (2002); scikit-learn's ``ndcg_score``, which XGLUE uses for WPR, where queries with
    one page are skipped.

    Raises:
        ValueError: k is no number above 0.
    """
    return Metric("ndcg" + (f"|k:{cutoff(k)}" if k else ""), ("ndcg", "total"), partial(_gains, k), share)


def _choices(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    rows = np.ones((len(gold), 2))
    for i, (gains, scores) in enumerate(_options(gold, predicted)):
        rows[i, 0] = gains[scores.argmax()] == gains.max()
    return rows


def _gains(k: str, gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    rows = np.zeros((len(gold), 2))
    for i, (gains, scores) in enumerate(_options(gold, predicted)):
        if (gains < 0).any():
            raise HarnessError(f"example {i}: a gain below 0, {gains.min()}, cannot be normalised")
        if len(gains) < 2:
            continue
        discounts = 1 / np.log2(np.arange(2, len(gains) + 2))
        discounts[cutoff(k) if k else len(gains) :] = 0
        best = np.sort(gains)[::-1] @ discounts
        rows[i] = (_discounted(gains, scores, discounts) / best if best else 0), 1
    return rows


def _discounted(gains: Values, scores: Values, discounts: Values) -> float:
    """Sum of discounted gains in the order of the scores; options of one score share the mean of their gains."""
    _, tied = np.unique(-scores, return_inverse=True)
    mean = np.bincount(tied, gains) / np.bincount(tied)
    return float(mean[np.sort(tied)] @ discounts)


def _options(gold: Sequence[Any], predicted: Sequence[Any]) -> Iterator[tuple[Values, Values]]:
    """Gains and scores of each example.

    Raises:
        HarnessError: predictions are missing, an example has no option or another number of scores than of options, or
            something is no number.
    """
    for i, pair in enumerate(paired(gold, predicted)):
        for name, values in zip(("gold gains", "scores"), pair, strict=True):
            if not isinstance(values, list | tuple) or not all(is_number(value) for value in values):
                raise HarnessError(f"example {i}: {name} must be numbers, one an option; got {values!r}")
        if not pair[0] or len(pair[0]) != len(pair[1]):
            raise HarnessError(f"example {i}: {len(pair[1])} scores for {len(pair[0])} options")
        yield np.array(pair[0], dtype=np.float64), np.array(pair[1], dtype=np.float64)

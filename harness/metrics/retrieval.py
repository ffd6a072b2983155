"""Retrieval accuracy and mean reciprocal rank, from the ranks of the translations: forward, backward, pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, nearest
from harness.metrics.accuracy import paired, share
from harness.metrics.base import METRICS, Counts, Metric

Ranks = NDArray[np.float64]
_DIRECTIONS = {"both": slice(0, 2), "forward": slice(0, 1), "backward": slice(1, 2), "pooled": slice(2, 3)}


@METRICS.add("retrieval_accuracy")
def retrieval_accuracy(direction: str = "both") -> Metric:
    """Share of sentences whose nearest neighbour is their translation.

    Args:
        direction: ``forward``: the query looks for the target sentence, as in Tatoeba (Artetxe and Schwenk 2019);
            ``backward``: the reverse; ``both``: the mean of the two; ``pooled``: the query looks for it among the
            sentences of all languages, where other translations of the same item do not count against it (the
            strong alignment of LAReQA, Roy et al. 2020).

    Raises:
        ValueError: the direction is unknown.
    """
    return _metric("retrieval_accuracy", direction, lambda ranks: ranks == 1)


@METRICS.add("retrieval_mrr")
def retrieval_mrr(direction: str = "both") -> Metric:
    """Mean of 1 / rank of the translation.

    Args:
        direction: as for ``retrieval_accuracy``.

    Raises:
        ValueError: the direction is unknown.
    """
    return _metric("retrieval_mrr", direction, np.reciprocal)


def _metric(name: str, direction: str, gain: Callable[[Ranks], NDArray[Any]]) -> Metric:
    if direction not in _DIRECTIONS:
        raise ValueError(f"unknown direction {direction!r}: {nearest(direction, _DIRECTIONS)}")
    count = partial(_count, gain, _DIRECTIONS[direction])
    return Metric(f"{name}|direction:{direction}", ("correct", "total"), count, share)


def _count(
    gain: Callable[[Ranks], NDArray[Any]], sides: slice, gold: Sequence[Any], predicted: Sequence[Sequence[int]]
) -> Counts:
    """What each sentence gained, the mean over the sides, and 1; gold is the sentence's own place and not looked at."""
    rows = np.ones((len(gold), 2))
    for i, (_, ranks) in enumerate(paired(gold, predicted)):
        if len(ranks) < max(2, sides.stop) or min(ranks) < 1:
            raise HarnessError(
                f"example {i}: needs ranks forward and backward, and in the pool where that is asked for, counted "
                f"from 1; got {ranks!r}"
            )
        rows[i, 0] = gain(np.asarray(ranks, dtype=np.float64)[sides]).mean()
    return rows

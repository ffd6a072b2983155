"""Accuracy: the share of labels, or of word tags, that are right; and what every metric of shares is made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.base import METRICS, Counts, Metric


@METRICS.add("accuracy")
def accuracy() -> Metric:
    """Accuracy of labels (strings) or of tags (one sequence a sentence, counted by words, not by sentences)."""
    return Metric("accuracy", ("correct", "total"), count, share)


def count(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    """Right answers and all answers of each example, (examples, 2).

    Raises:
        HarnessError: predictions are missing, or a sentence has another number of tags than its gold.
    """
    rows = np.empty((len(gold), 2))
    for i, (truth, guess) in enumerate(paired(gold, predicted)):
        if isinstance(truth, str):
            rows[i] = truth == guess, 1
        else:
            same_length(i, truth, guess)
            rows[i] = sum(map(str.__eq__, truth, guess)), len(truth)
    return rows


def share(sums: Counts) -> NDArray[np.float64]:
    """The first column over the second, ``(..., 2) -> (...)``; 0 where there is nothing to divide by."""
    part, whole = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio


def paired(gold: Sequence[Any], predicted: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each gold answer with its prediction.

    Raises:
        HarnessError: there are not as many of the one as of the other.
    """
    if len(gold) != len(predicted):
        raise HarnessError(f"{len(predicted)} predictions for {len(gold)} examples: each example needs exactly one")
    return zip(gold, predicted, strict=True)


def same_length(index: int, truth: Any, guess: Any) -> None:
    """Nothing, where a sentence has one predicted tag a word.

    Raises:
        HarnessError: it has not; the message names the example.
    """
    if isinstance(guess, str) or len(truth) != len(guess):
        found = repr(guess) if isinstance(guess, str) else f"{len(guess)} predicted tags"
        raise HarnessError(f"example {index}: {found} for {len(truth)} words; there must be one tag a word")

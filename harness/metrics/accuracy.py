"""Accuracy: the share of labels, or of word tags, that are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.metrics.base import METRICS, Counts, Metric, share
from harness.metrics.tags import coded


@METRICS.add("accuracy")
def accuracy() -> Metric:
    """Accuracy of labels (strings) or of tags (one sequence a sentence, counted by words, not by sentences).

    Source: scikit-learn's ``accuracy_score`` over labels or over all words.
    """
    return Metric("accuracy", ("correct", "total"), count, share)


def count(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    """Right answers and all answers of each example, (examples, 2).

    Raises:
        HarnessError: the predictions do not fit the gold answers.
    """
    truth, guess = coded(gold, predicted)
    right = np.bincount(truth.sentence[truth.codes == guess.codes], minlength=len(truth))
    return np.stack([right, np.diff(truth.offsets)], axis=1).astype(np.float64)

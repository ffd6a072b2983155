"""Macro F1, micro F1 and Matthews' correlation of labels or of word tags, from counts by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.base import METRICS, SIGNED, Counts, Metric, ratio
from harness.metrics.tags import coded

# all predictions outside the task's labels; scikit-learn would make a class of each of them, and a model that invents
# names would be judged by how many
OTHER = "(other)"


@METRICS.add("macro_f1")
def macro_f1(labels: Sequence[str]) -> Metric:
    """Mean over labels of their F1, of the labels that occur in gold or predictions, as scikit-learn has it.

    Args:
        labels: of the task. Predictions outside them are one label more, whose F1 is 0.

    Source: scikit-learn's ``f1_score(average="macro")``.
    """
    return _metric("macro_f1", labels, macro)


@METRICS.add("micro_f1")
def micro_f1(labels: Sequence[str]) -> Metric:
    """F1 of the sums over labels, which is accuracy where every example has one label of the task.

    Args:
        labels: of the task.

    Source: scikit-learn's ``f1_score(average="micro")``.
    """
    return _metric("micro_f1", labels, micro)


@METRICS.add("matthews")
def matthews(labels: Sequence[str]) -> Metric:
    """Matthews' correlation for any number of labels, in [-1, 1]; 0 where gold or predictions are all alike.

    Args:
        labels: of the task. Predictions outside them are one label more.

    Source: Gorodkin (2004); scikit-learn's ``matthews_corrcoef``.
    """
    return replace(_metric("matthews", labels, correlation), range=SIGNED)


def macro(sums: Counts) -> NDArray[np.float64]:
    """Mean F1 of the labels that occur, ``(..., 3 * labels) -> (...)``."""
    tp, predicted, gold = _parts(sums)
    each = ratio(2 * tp, predicted + gold)
    return ratio(each.sum(axis=-1), (predicted + gold > 0).sum(axis=-1).astype(np.float64))


def micro(sums: Counts) -> NDArray[np.float64]:
    """F1 of all labels together, ``(..., 3 * labels) -> (...)``."""
    tp, predicted, gold = (part.sum(axis=-1) for part in _parts(sums))
    return ratio(2 * tp, predicted + gold)


def correlation(sums: Counts) -> NDArray[np.float64]:
    """Matthews' correlation, ``(..., 3 * labels) -> (...)``: it asks no more of a confusion table than these sums."""
    tp, predicted, gold = _parts(sums)
    right, total = tp.sum(axis=-1), gold.sum(axis=-1)
    covariance = right * total - (predicted * gold).sum(axis=-1)
    spread = (total**2 - (predicted**2).sum(axis=-1)) * (total**2 - (gold**2).sum(axis=-1))
    return np.where(spread > 0, covariance, 0.0) / np.sqrt(np.where(spread > 0, spread, 1.0))


def _metric(name: str, labels: Sequence[str], score: Any) -> Metric:
    known = (*labels, OTHER)
    columns = tuple(f"{part}:{label}" for part in ("tp", "predicted", "gold") for label in known)
    return Metric(name, columns, partial(_count, name, known), score)


def _parts(sums: Counts) -> NDArray[np.float64]:
    """True positives, predicted and gold by label, three times (..., labels)."""
    table = np.asarray(sums, dtype=np.float64)
    return np.moveaxis(table.reshape(*table.shape[:-1], 3, -1), -2, 0)


def _count(name: str, labels: Sequence[str], gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    """True positives, predicted and gold of each label in each example, (examples, 3 * labels)."""
    if len(labels) == 1:
        raise HarnessError(f"{name} counts by label: pass the labels of the task")
    truth, guess = coded(gold, predicted)
    known = {label: i for i, label in enumerate(labels)}
    number = np.array([known.get(name, len(labels) - 1) for name in truth.names], np.int64)
    for code in np.flatnonzero(number == len(labels) - 1):
        strange = truth.sentence[truth.codes == code]
        if len(strange):
            raise HarnessError(
                f"example {strange[0]}: the gold label {truth.names[code]!r} is none of {', '.join(labels[:-1])}"
            )
    rows = np.zeros((3, len(truth), len(labels)))
    right = truth.codes == guess.codes
    for table, side, words in ((rows[0], truth, right), (rows[1], guess, slice(None)), (rows[2], truth, slice(None))):
        np.add.at(table, (truth.sentence[words], number[side.codes[words]]), 1)
    return np.concatenate(list(rows), axis=1)

"""Span F1 and span precision: micro-averaged over spans, as CoNLL-2003 and seqeval count them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import METRICS, Counts, Metric, ratio
from harness.metrics.schemes import Mode, Scheme
from harness.metrics.spans import spans
from harness.metrics.tags import coded

Formula = Callable[[Counts], NDArray[np.float64]]


@METRICS.add("span_f1")
def span_f1(mode: str = "strict", scheme: str = "IOB2", type: str | None = None) -> Metric:
    """F1 of spans that agree in both ends and in type.

    Args:
        mode: ``strict``: spans are built as the scheme says. ``lenient`` and ``legacy``: an I after another type opens
            one; ``legacy`` is what XTREME's published scores mean.
        scheme: ``IOB1``, ``IOB2``, ``BIOES``, or ``raw`` for tags without prefixes.
        type: the spans of one label alone; all where it is not given.

    Source: Tjong Kim Sang and De Meulder (2003); seqeval 1.2.2 (strict, lenient) and 0.0.12 (legacy).

    Raises:
        ValueError: the mode or the scheme is unknown, or the type empty.
    """
    return _metric("span_f1", mode, scheme, type, f1)


@METRICS.add("span_precision")
def span_precision(mode: str = "strict", scheme: str = "IOB2", type: str | None = None) -> Metric:
    """Share of the predicted spans that are gold spans, which is what XGLUE's script reports for parts of speech.

    Args: as for ``span_f1``.
    """
    return _metric("span_precision", mode, scheme, type, precision)


def f1(sums: Counts) -> NDArray[np.float64]:
    """F1, ``(..., 3) -> (...)``; 0 without any gold or predicted span, as in seqeval."""
    tp, predicted, gold = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    # 2tp / (predicted + gold) equals 2PR / (P + R) and needs no case for P or R of zero
    return ratio(2 * tp, predicted + gold)


def precision(sums: Counts) -> NDArray[np.float64]:
    """Precision, ``(..., 3) -> (...)``; 0 without any predicted span, as in seqeval."""
    tp, predicted, _ = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    return ratio(tp, predicted)


def _metric(name: str, mode: str, scheme: str, type: str | None, score: Formula) -> Metric:
    if type == "":
        raise ValueError("`type:` names a label")
    settings = Mode(mode), Scheme(scheme)
    signature = "{}|mode:{}|scheme:{}".format(name, *settings) + (f"|type:{type}" if type else "")
    return Metric(signature, ("tp", "predicted", "gold"), partial(_count, *settings, type or ""), score)


def _count(
    mode: Mode, scheme: Scheme, type: str, gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> Counts:
    """True positives, predicted and gold spans of each sentence, (sentences, 3); tags as lists or as a ``TagArray``."""
    truth, guess = coded(gold, predicted)
    in_gold, in_predicted = spans((truth, guess), mode, scheme, type)
    # a span belongs to the sentence in which it ends
    sentence = np.repeat(np.arange(len(truth)), np.diff(truth.offsets) + 1)
    counted = (in_gold.shared(in_predicted), in_predicted, in_gold)
    return np.stack([np.bincount(sentence[some.ends], minlength=len(truth)) for some in counted], axis=1).astype(float)

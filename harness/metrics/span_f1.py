"""Span F1: micro-averaged over spans, as CoNLL-2003 and seqeval count them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.metrics.accuracy import paired, same_length
from harness.metrics.base import METRICS, Counts, Metric
from harness.metrics.spans import Mode, Scheme, spans


@METRICS.add("span_f1")
def span_f1(mode: str = "strict", scheme: str = "IOB2") -> Metric:
    """F1 of spans that agree in both ends and in type.

    Args:
        mode: ``strict``: a span must open with its own B. ``lenient`` and ``legacy``: an I after another type opens
            one; ``legacy`` is what XTREME's published scores mean.
        scheme: ``IOB2``, or ``raw`` for tags without prefixes.

    Source: Tjong Kim Sang and De Meulder (2003); seqeval 1.2.2 (strict, lenient) and 0.0.12 (legacy).

    Raises:
        ValueError: the mode or the scheme is unknown.
    """
    settings = Mode(mode), Scheme(scheme)
    signature = "span_f1|mode:{}|scheme:{}".format(*settings)
    return Metric(signature, ("tp", "predicted", "gold"), partial(_count, *settings), score)


def score(sums: Counts) -> NDArray[np.float64]:
    """F1, ``(..., 3) -> (...)``; 0 without any gold or predicted span, as in seqeval."""
    tp, predicted, gold = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    # 2tp / (predicted + gold) equals 2PR / (P + R) and needs no case for P or R of zero
    f1: NDArray[np.float64] = np.divide(2 * tp, predicted + gold, out=np.zeros_like(tp), where=predicted + gold > 0)
    return f1


def _count(mode: Mode, scheme: Scheme, gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Counts:
    for i, (truth, guess) in enumerate(paired(gold, predicted)):
        same_length(i, truth, guess)
    truth, guess = spans((gold, predicted), mode, scheme)
    # a span belongs to the sentence in which it ends
    sentence = np.repeat(np.arange(len(gold)), [len(tags) + 1 for tags in gold])
    columns = (truth.shared(guess), guess.ends, truth.ends)
    return np.stack([np.bincount(sentence[ends], minlength=len(gold)) for ends in columns], axis=1).astype(np.float64)

"""Scores of answers to questions, each the best over all gold answers, for whatever makes tokens of an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from harness.errors import HarnessError
from harness.metrics.base import Counts, Metric, paired, share

Tokens = Callable[[str], Sequence[str]]


def f1_metric(name: str, tokens: Tokens) -> Metric:
    """F1 of the bags of tokens."""
    return Metric(name, ("f1", "total"), partial(_count, f1, tokens), share)


def exact_metric(name: str, tokens: Tokens) -> Metric:
    """Whether the tokens are the same, in the same order."""
    return Metric(name, ("exact", "total"), partial(_count, exact, tokens), share)


def f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """F1 of two bags of tokens, in [0, 1]; 0 where either is empty, as in the official scripts."""
    same = (Counter(gold) & Counter(predicted)).total()
    return 2 * same / (len(gold) + len(predicted)) if same else 0.0


def exact(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """1 where two lists of tokens are equal, two empty ones among them."""
    return float(gold == predicted)


def _count(
    measure: Callable[[Sequence[str], Sequence[str]], float],
    tokens: Tokens,
    gold: Sequence[Sequence[str]],
    predicted: Sequence[str],
) -> Counts:
    rows = np.ones((len(gold), 2))
    for i, (answers, guess) in enumerate(paired(gold, predicted)):
        texts = answers if isinstance(answers, list | tuple) else ()
        if not texts or not all(isinstance(text, str) for text in (*texts, guess)):
            raise HarnessError(
                f"example {i}: needs gold answers and one predicted string, got {answers!r} and {guess!r}"
            )
        given = tokens(guess)
        rows[i, 0] = max(measure(tokens(text), given) for text in texts)
    return rows

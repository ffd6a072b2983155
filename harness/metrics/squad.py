"""SQuAD v1.1's two scores of an answer, exact match and token F1, with its English normalisation for every language."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from harness.errors import HarnessError
from harness.metrics.accuracy import paired, share
from harness.metrics.base import METRICS, Counts, Metric

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


@METRICS.add("squad_f1")
def squad_f1() -> Metric:
    """F1 of the bags of tokens, the best over all gold answers.

    Source: Rajpurkar et al. (2016), evaluate-v1.1.py; XTREME uses it unchanged for XQuAD and TyDi QA.
    """
    return Metric("squad_f1", ("f1", "total"), partial(_count, f1), share)


@METRICS.add("squad_em")
def squad_em() -> Metric:
    """Whether the answer equals one of the gold answers. Source: as for ``squad_f1``."""
    return Metric("squad_em", ("exact", "total"), partial(_count, exact), share)


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, words joined by single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def f1(gold: str, predicted: str) -> float:
    """Token F1 of two normalised answers, in [0, 1]; 0 where either is empty, as in the official script."""
    truth, guess = gold.split(), predicted.split()
    same = (Counter(truth) & Counter(guess)).total()
    return 2 * same / (len(truth) + len(guess)) if same else 0.0


def exact(gold: str, predicted: str) -> float:
    """1 where two normalised answers are equal, two empty ones among them."""
    return float(gold == predicted)


def _count(measure: Callable[[str, str], float], gold: Sequence[Sequence[str]], predicted: Sequence[str]) -> Counts:
    rows = np.ones((len(gold), 2))
    for i, (answers, guess) in enumerate(paired(gold, predicted)):
        if isinstance(answers, str) or not answers or not isinstance(guess, str):
            raise HarnessError(
                f"example {i}: needs gold answers and one predicted string, got {answers!r} and {guess!r}"
            )
        given = normalise(guess)
        rows[i, 0] = max(measure(normalise(answer), given) for answer in answers)
    return rows

"""SQuAD v1.1's two scores of an answer, exact match and token F1, with its English normalisation for every language."""

from __future__ import annotations

import re
import string

from harness.metrics.answers import exact_metric, f1_metric
from harness.metrics.base import METRICS, Metric

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


@METRICS.add("squad_f1")
def squad_f1() -> Metric:
    """F1 of the bags of tokens, the best over all gold answers.

    Source: Rajpurkar et al. (2016), evaluate-v1.1.py; XTREME uses it unchanged for XQuAD and TyDi QA.
    """
    return f1_metric("squad_f1", tokens)


@METRICS.add("squad_em")
def squad_em() -> Metric:
    """Whether the answer equals one of the gold answers. Source: as for ``squad_f1``."""
    return exact_metric("squad_em", tokens)


def tokens(text: str) -> list[str]:
    """Words in lower case, without ASCII punctuation and English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()

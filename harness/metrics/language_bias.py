"""Same-language bias of answer retrieval: how much better an answer is found in the question's own language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.base import METRICS, SIGNED, Counts, Metric, paired, share
from harness.metrics.retrieval import is_rank

LONE = "lone"
"""In a prediction: by language, the rank of its answer in the whole pool without the answers in other languages."""


@METRICS.add("language_bias")
def language_bias(*, language: str = "") -> Metric:
    """Mean reciprocal rank of the answer in the question's language, less the mean of those in the other languages.

    Each answer is looked for in the pool of all languages without the question's other answers, as LAReQA's maps of
    question by answer language have it (Roy et al. 2020); with one answer that is mean average precision. In [-1, 1]; 0
    for a model that does not care for language, and where there is one language alone.

    Args:
        language: of the questions; a fact, no setting.
    """
    return Metric("language_bias", ("difference", "total"), partial(_count, language), share, range=SIGNED)


def _count(language: str, gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    rows = np.ones((len(gold), 2))
    for i, (_, prediction) in enumerate(paired(gold, predicted)):
        ranks = prediction.get(LONE) if isinstance(prediction, Mapping) else None
        if not isinstance(ranks, Mapping) or language not in ranks or not all(map(is_rank, ranks.values())):
            raise HarnessError(
                f"example {i}: needs the rank of the answer in {language!r} and in others: {prediction!r}"
            )
        others = [1 / rank for code, rank in ranks.items() if code != language]
        rows[i, 0] = 1 / ranks[language] - np.mean(others) if others else 0.0
    return rows

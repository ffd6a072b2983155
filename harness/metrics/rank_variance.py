"""Mean rank variance: how differently one and the same query is answered from language to language."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.base import METRICS, Counts, Metric, paired, share
from harness.metrics.retrieval import MOST


@METRICS.add("rank_variance")
def rank_variance() -> Metric:
    """Mean over the queries of the variance of their ranks over the languages; 0 where all languages agree.

    A prediction is the ranks of one query, one a language, from 1; gold is not looked at. The variance is that of the
    ranks themselves (divided by their number). It cannot tell a model that ranks everything first from one that ranks
    everything tenth, so that it is read beside recall.

    Source: Nie et al. (2024), Improving the Consistency in Cross-Lingual Cross-Modal Retrieval with 1-to-K Contrastive
    Learning, KDD.
    """
    return Metric("rank_variance", ("variance", "total"), _count, share, range=(0.0, inf))


def _count(gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    rows = np.ones((len(gold), 2))
    for i, (_, ranks) in enumerate(paired(gold, predicted)):
        if not isinstance(ranks, list | tuple) or len(ranks) < 2 or not all(map(_counted, ranks)):
            raise HarnessError(f"query {i}: needs ranks in two languages or more, counted from 1; got {ranks!r}")
        rows[i, 0] = np.var(ranks)
    return rows


def _counted(rank: object) -> bool:
    """Whether something is a rank, or a mean of ranks."""
    return isinstance(rank, int | float) and 1 <= rank < MOST

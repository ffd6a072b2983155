"""Scores of ranked lists of ids: mean average precision and mean reciprocal rank, both of the first k."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from harness.errors import HarnessError, nearest
from harness.metrics.base import METRICS, Counts, Metric, cutoff, paired, share

ALL, OWN = "all", "own"


@METRICS.add("map_at")
def map_at(k: str = "20", pool: str = ALL) -> Metric:
    """Mean over queries of the average precision at the ranks of the gold ids among the first k.

    The sum of precisions is divided by how many gold ids could have been found, the smaller of their number and k. An
    id that is listed again is wrong. A gold answer is the ids, in any order, a prediction a list of ids, best first.

    Args:
        k: the ranks that count.
        pool: what was searched, where gold answers and predictions are mappings by it: ``all`` candidates, which stand
            in no signature, or those in the query's ``own`` language.

    Source: Roy et al. (2020), LAReQA, with the cut-off of XTREME-R.

    Raises:
        ValueError: k is no number above 0.
    """
    return _metric("map_at", k, pool, _average_precision)


@METRICS.add("mrr_at")
def mrr_at(k: str = "20", pool: str = ALL) -> Metric:
    """Mean over queries of 1 / rank of the first gold id; 0 where none is among the first k.

    Args:
        k: the ranks that count.
        pool: as for ``map_at``.

    Source: XTREME-R's script scores Mewsli-X so, and calls it mAP.

    Raises:
        ValueError: k is no number above 0.
    """
    return _metric("mrr_at", k, pool, _reciprocal_rank)


Gain = Callable[[Sequence[int], int], float]
"""What a query gains, from the ranks of the gold ids that were found and how many could have been."""


def _average_precision(ranks: Sequence[int], possible: int) -> float:
    return sum(found / rank for found, rank in enumerate(ranks, 1)) / possible


def _reciprocal_rank(ranks: Sequence[int], possible: int) -> float:  # noqa: ARG001
    return 1 / ranks[0] if ranks else 0.0


def _metric(name: str, k: str, pool: str, gain: Gain) -> Metric:
    if pool not in (ALL, OWN):
        raise ValueError(f"unknown pool {pool!r}: {nearest(pool, (ALL, OWN))}")
    signature = f"{name}|k:{cutoff(k)}" + (f"|pool:{pool}" if pool != ALL else "")
    return Metric(signature, ("gain", "total"), partial(_count, gain, cutoff(k), pool), share)


def _count(gain: Gain, k: int, pool: str, gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    """What the list of each query gains, and 1.

    Raises:
        HarnessError: predictions are missing, a query has no gold id, or something is no list of ids.
    """
    rows = np.ones((len(gold), 2))
    for i, both in enumerate(paired(gold, predicted)):
        ids, ranking = (_in_pool(answer, pool) for answer in both)
        if not _are_ids(ids) or not ids or not _are_ids(ranking):
            raise HarnessError(f"example {i}: needs gold ids and a ranked list of ids, got {ids!r} and {ranking!r}")
        left, ranks = set(ids), []
        possible = min(len(left), k)
        for rank, id in enumerate(ranking[:k], 1):
            if id in left:
                left.remove(id)
                ranks.append(rank)
        rows[i, 0] = gain(ranks, possible)
    return rows


def _in_pool(answer: Any, pool: str) -> Any:
    """The part of an answer that belongs to a pool; what is no mapping belongs to all candidates."""
    if isinstance(answer, Mapping):
        return answer.get(pool)
    return answer if pool == ALL else None


def _are_ids(answer: object) -> bool:
    return isinstance(answer, list | tuple) and all(isinstance(id, str) for id in answer)

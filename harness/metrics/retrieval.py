"""Accuracy, recall and mean reciprocal rank of retrieval, from the ranks of the translations.

A prediction holds the ranks of one sentence: ``{"cosine": [forward, backward], "margin": [...], "pooled": rank}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, nearest
from harness.metrics.base import METRICS, Counts, Metric, cutoff, paired, share

Ranks = NDArray[np.float64]
Gain = Callable[[Ranks], NDArray[Any]]
DIRECTIONS = {"both": slice(0, 2), "forward": slice(0, 1), "backward": slice(1, 2), "pooled": slice(0, 1)}
MOST = 2**53  # above it floating point no longer counts one by one
SIMILARITIES = ("cosine", "margin", "csls")


@METRICS.add("retrieval_accuracy")
def retrieval_accuracy(direction: str = "both", similarity: str = "cosine") -> Metric:
    """Share of sentences whose nearest neighbour is their translation.

    Args:
        direction: ``forward``: the query looks for the target sentence, as in XTREME, where English sentences look for
            the others; ``backward``: the reverse; ``both``: the mean of the two, as Artetxe and Schwenk (2019) have it
            for Tatoeba; ``pooled``: the query looks for it among the sentences of all languages, where other
            translations of the same item do not count against it (the strong alignment of LAReQA, Roy et al. 2020).
        similarity: ``cosine``; ``margin``: its ratio to the mean over the 4 nearest neighbours on both sides (Artetxe
            and Schwenk 2019); ``csls``: twice the cosine, less the means over the 10 nearest on both sides (Conneau et
            al. 2018). Cosine stands in no signature. The pool is searched by cosine.

    Raises:
        ValueError: a setting is unknown, or the two do not go together.
    """
    return _metric("retrieval_accuracy", direction, similarity, "", lambda ranks: ranks == 1)


@METRICS.add("recall_at")
def recall_at(k: str = "10", direction: str = "both", similarity: str = "cosine") -> Metric:
    """Share of sentences whose translation is among the ``k`` nearest.

    Args:
        k: a whole number from 1.
        direction: as for ``retrieval_accuracy``.
        similarity: as for ``retrieval_accuracy``.

    Raises:
        ValueError: a setting is unknown, or the two do not go together.
    """
    most = cutoff(k)
    return _metric("recall_at", direction, similarity, f"|k:{most}", lambda ranks: ranks <= most)


@METRICS.add("retrieval_mrr")
def retrieval_mrr(direction: str = "both", k: str = "", similarity: str = "cosine") -> Metric:
    """Mean of 1 / rank of the translation; 0 for ranks beyond ``k``, where it is given.

    Args:
        direction: as for ``retrieval_accuracy``.
        k: a whole number from 1; empty for no end.
        similarity: as for ``retrieval_accuracy``.

    Raises:
        ValueError: a setting is unknown, or the two do not go together.
    """
    if not k:
        return _metric("retrieval_mrr", direction, similarity, "", np.reciprocal)
    most = cutoff(k)
    return _metric("retrieval_mrr", direction, similarity, f"|k:{most}", lambda ranks: (ranks <= most) / ranks)


def ranks_of(predicted: Sequence[object], direction: str, similarity: str) -> Ranks:
    """The ranks that a direction and a similarity look at, (sentences, 1 or 2).

    Raises:
        HarnessError: they are not there, or do not count from 1.
    """
    asked, number = ("pooled", 1) if direction == "pooled" else (similarity, 2)
    rows = np.empty((len(predicted), number))
    for i, prediction in enumerate(predicted):
        found = prediction.get(asked) if isinstance(prediction, Mapping) else None
        ranks = [found] if asked == "pooled" else found
        if not (isinstance(ranks, list | tuple) and len(ranks) == number and all(map(is_rank, ranks))):
            wanted = "its rank in the pool" if asked == "pooled" else f"ranks by {asked}, forward and backward"
            raise HarnessError(f"example {i}: needs {wanted}, counted from 1; got {prediction!r}")
        rows[i] = ranks
    return rows[:, DIRECTIONS[direction]]


def is_rank(value: object) -> bool:
    """Whether something is a rank: a whole number from 1, and no more than there can be candidates."""
    return isinstance(value, int) and 1 <= value < MOST


def check(direction: str, similarity: str) -> None:
    """Nothing, if the two go together.

    Raises:
        ValueError: they do not, or one is unknown.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"unknown direction {direction!r}: {nearest(direction, DIRECTIONS)}")
    if similarity not in SIMILARITIES:
        raise ValueError(f"unknown similarity {similarity!r}: {nearest(similarity, SIMILARITIES)}")
    if direction == "pooled" and similarity != "cosine":
        raise ValueError(f"the pool is searched by cosine, not by {similarity}")


def _metric(name: str, direction: str, similarity: str, k: str, gain: Gain) -> Metric:
    check(direction, similarity)
    count = partial(_count, gain, direction, similarity)
    signature = f"{name}|direction:{direction}{k}" + (f"|similarity:{similarity}" if similarity != "cosine" else "")
    return Metric(signature, ("correct", "total"), count, share)


def _count(gain: Gain, direction: str, similarity: str, gold: Sequence[Any], predicted: Sequence[Any]) -> Counts:
    """What each sentence gained, the mean over the sides, and 1; gold is the sentence's own place and not looked at."""
    _, predictions = zip(*paired(gold, predicted), strict=True) if len(gold) else ((), ())
    gains = gain(ranks_of(predictions, direction, similarity)).mean(axis=1)
    return np.stack([gains, np.ones(len(gold))], axis=1)

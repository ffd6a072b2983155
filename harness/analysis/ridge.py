"""Scores of languages that were not seen: ridge regression in closed form, fold by fold, beside four means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.analysis.grid import Array

Unseen = Literal["target", "source", "both"]
LEARNERS = ("ridge", "global mean", "source mean", "target mean", "additive")
PENALTY = 1.0  # on standardised features: as much as one more observation of zero effect
FOLDS = 10
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Scored pairs with their features.

    Attributes:
        source: index of each pair's source among ``languages``.
        target: likewise.
        score: of each.
        features: (pairs, features).
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    score: Array
    features: Array
    languages: int


def folds(pairs: Pairs, unseen: Unseen, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Training and test pairs: one target or one source at a time, or pairs of two groups of languages.

    With ``both``, no language of a test pair occurs in training on either side.
    """
    if unseen != "both":
        side = pairs.target if unseen == "target" else pairs.source
        for language in np.unique(side):
            yield side != language, side == language
        return
    group = np.random.default_rng(seed).permutation(np.arange(pairs.languages) % FOLDS)
    s, t = group[pairs.source], group[pairs.target]
    for a in range(FOLDS):
        for b in range(FOLDS):
            train = (s != a) & (s != b) & (t != a) & (t != b)
            test = (s == a) & (t == b)
            if test.any() and train.sum() > 2:
                yield train, test


def predict(pairs: Pairs, unseen: Unseen, seed: int, shuffled: Sequence[Array] = ()) -> tuple[Array, Array]:
    """Out-of-fold predictions of every learner, (learners, pairs), and of ridge with other features, (shuffled, pairs).

    Beside the distances, ridge knows the training mean of a source that was seen (of a target, when sources are
    unseen), without the pair itself. NaN for pairs that were in no test fold.

    Args:
        shuffled: features to predict from instead, with the coefficients of the real ones.
    """
    found = np.full((len(LEARNERS), len(pairs.score)), np.nan)
    others = np.full((len(shuffled), len(pairs.score)), np.nan)
    known = {"target": [pairs.source], "source": [pairs.target], "both": []}[unseen]
    for train, test in folds(pairs, unseen, seed):
        score, mean = pairs.score[train], float(pairs.score[train].mean())
        sources, targets = (_means(side, train, test, pairs, mean) for side in (pairs.source, pairs.target))
        ability = [_means(side, train, test, pairs, mean) for side in known]
        inside, outside = ([one[k] for one in ability] for k in (0, 1))
        design = np.column_stack([pairs.features[train], *inside])
        centre, spread = design.mean(axis=0), design.std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        x = (design - centre) / spread
        weights = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ (score - mean))

        def apply(
            features: Array, test: Rows = test, outside: list[Array] = outside, centre: Array = centre,
            spread: Array = spread, weights: Array = weights, mean: float = mean,
        ) -> Array:  # fmt: skip
            rows = np.column_stack([features[test], *outside])
            return np.asarray(mean + (rows - centre) / spread @ weights)

        means = (np.full(int(test.sum()), mean), sources[1], targets[1], sources[1] + targets[1] - mean)
        found[:, test] = np.stack([apply(pairs.features), *means])
        for row, features in zip(others, shuffled, strict=True):
            row[test] = apply(features)
    return found, others


def _means(side: NDArray[np.int64], train: Rows, test: Rows, pairs: Pairs, mean: float) -> tuple[Array, Array]:
    """The mean of each pair's language over training pairs, itself left out; the global mean where there is none."""
    sums = np.bincount(side[train], pairs.score[train], pairs.languages)
    counts = np.bincount(side[train], minlength=pairs.languages)
    own, n = sums[side[train]] - pairs.score[train], counts[side[train]] - 1
    inside = np.where(n > 0, own / np.maximum(n, 1), mean)
    outside = np.where(counts[side[test]] > 0, sums[side[test]] / np.maximum(counts[side[test]], 1), mean)
    return inside, outside

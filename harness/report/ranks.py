"""Ranks of entries: by score, by win rate, and by Borda points with an interval from resampling languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]

REPLICATES = 1000
DIGITS = 12  # equal scores must stay equal, and means in another order differ in their last digits


def ranks(scores: Sequence[float | None]) -> list[int | None]:
    """The place of each score, the highest first; ties share the lower number, and None has no place."""
    known = [None if score is None else round(score, DIGITS) for score in scores]
    return [None if one is None else 1 + sum(other is not None and other > one for other in known) for one in known]


def win_rates(scores: Array) -> Array:
    """The share of comparisons that each entry wins, ties half, (entries,); NaN where it has none.

    Args:
        scores: (entries, cells), NaN where an entry has no score; it is compared with all others that have one.
    """
    won, met = np.zeros(len(scores)), np.zeros(len(scores))
    for column in scores.T:
        there = np.flatnonzero(np.isfinite(column))
        won[there] += rankdata(column[there]) - 1
        met[there] += len(there) - 1
    with np.errstate(invalid="ignore"):
        rate: Array = won / met
    return rate


def points(scores: Array) -> Array:
    """Borda points of one task, ``(entries, ...) -> (entries, ...)``: entries less the average rank.

    An entry without a score (NaN) has none, and its rank is the last of all, as mteb's leaderboard has it.
    """
    missing = np.isnan(scores)
    rank = rankdata(-np.where(missing, -np.inf, np.round(scores, DIGITS)), axis=0)
    found: Array = np.where(missing, 0.0, len(scores) - rank)
    return found


def borda(tasks: Sequence[Array]) -> tuple[Array, NDArray[np.int64]]:
    """Points of each entry over the tasks, and the ranks by them: the lower number where points are equal.

    Args:
        tasks: the score of every entry on each task, (entries,), NaN where it has none.
    """
    total: Array = np.sum([points(task) for task in tasks], axis=0)
    return total, _places(total)


def borda_intervals(
    tasks: Sequence[tuple[Array, Sequence[str]]], replicates: int = REPLICATES, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The 95 % interval of each entry's Borda rank when languages are drawn anew, with replacement.

    Tasks share the draws; a task none of whose languages is drawn gives no points in that replicate.

    Args:
        tasks: the scores of a task, (entries, languages), an entry all NaN where it has no score, and its languages.
    """
    codes = sorted({code for _, columns in tasks for code in columns})
    place = {code: i for i, code in enumerate(codes)}
    drawn = np.random.default_rng(seed).multinomial(len(codes), np.full(len(codes), 1 / len(codes)), replicates)
    total = np.zeros((len(tasks[0][0]), replicates))
    for scores, columns in tasks:
        weights = drawn[:, [place[code] for code in columns]].T.astype(float)
        with np.errstate(invalid="ignore"):
            means = scores @ weights / weights.sum(axis=0)
        total += np.where(weights.sum(axis=0) > 0, points(means), 0.0)
    low, high = np.quantile(_places(total), [0.025, 0.975], axis=1, method="closest_observation")
    return low.astype(np.int64), high.astype(np.int64)


def _places(total: Array) -> NDArray[np.int64]:
    found: NDArray[np.int64] = rankdata(-np.round(total, DIGITS), method="min", axis=0).astype(np.int64)
    return found

"""Nearest neighbours and ranks by cosine, exact, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def nearest(queries: Floats, candidates: Floats, k: int, chunk: int = 1024) -> tuple[Floats, NDArray[np.int64]]:
    """Cosines and indices, ``(queries, k)`` each, of the nearest candidates, best first; of equals the lowest index.

    Args:
        queries: (queries, width), L2-normalised.
        candidates: (candidates, width), L2-normalised.
        k: neighbours of each query; no more than there are candidates.
        chunk: queries whose scores are held at once.
    """
    k = min(k, len(candidates))
    values, indices = np.empty((len(queries), k), queries.dtype), np.empty((len(queries), k), dtype=np.int64)
    for rows, scores in _chunks(queries, candidates, chunk):
        line = np.arange(len(scores))
        for rank in range(k):
            best = scores.argmax(axis=1)  # the first of equals
            indices[rows, rank] = best
            values[rows, rank] = scores[line, best]
            scores[line, best] = -np.inf
    return values, indices


def ranks(queries: Floats, candidates: Floats, gold: NDArray[np.int64], chunk: int = 1024) -> NDArray[np.int64]:
    """Rank of each query's gold candidate, ``(queries,)``, from 1: those strictly nearer, and equals of lower index."""
    found = np.empty(len(queries), dtype=np.int64)
    order = np.arange(len(candidates))
    for rows, scores in _chunks(queries, candidates, chunk):
        want = gold[rows]
        own = scores[np.arange(len(scores)), want][:, None]
        before = (scores > own) | ((scores == own) & (order < want[:, None]))
        found[rows] = 1 + before.sum(axis=1)
    return found


def _chunks(queries: Floats, candidates: Floats, chunk: int) -> Iterator[tuple[slice, Floats]]:
    # equal candidates in different columns of a matrix product can differ in the last bit: compute each once
    first: dict[bytes, int] = {}
    same = np.asarray([first.setdefault(row.tobytes(), len(first)) for row in candidates], dtype=np.int64)
    distinct = candidates if len(first) == len(candidates) else candidates[np.unique(same, return_index=True)[1]]
    for begin in range(0, len(queries), chunk):
        rows = slice(begin, min(begin + chunk, len(queries)))
        scores = queries[rows] @ distinct.T
        yield rows, scores if distinct is candidates else scores[:, same]

"""Nearest neighbours and ranks by cosine, exact, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def pooled_ranks(queries: Floats, candidates: Floats, owner: NDArray[np.int64], room: int = 2**24) -> NDArray[np.int64]:
    """Rank of each candidate for its own query, ``(candidates,)``, from 1: the others' candidates at least as near.

    Candidates of one query do not count against each other, and a tie is no win.

    Args:
        queries: (queries, width), L2-normalised.
        candidates: (candidates, width), L2-normalised.
        owner: (candidates,) the query that each belongs to.
        room: scores that are held at once.
    """
    found = np.empty(len(candidates), dtype=np.int64)
    by_owner = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[by_owner], np.arange(len(queries) + 1))
    for rows, scores in _chunks(queries, candidates, max(1, room // max(1, len(candidates)))):
        for query, line in enumerate(scores, rows.start):
            mine = by_owner[cuts[query] : cuts[query + 1]]
            if len(mine):
                found[mine] = 1 + _at_least(line, mine)
    return found


def lone_ranks(
    queries: Floats, candidates: Floats, gold: Sequence[NDArray[np.int64]], room: int = 2**24
) -> list[NDArray[np.int64]]:
    """Rank of each gold candidate of each query, from 1, as if the query's others were not there.

    It counts those that are strictly nearer, and equals of lower index.

    Args:
        queries: (queries, width), L2-normalised.
        candidates: (candidates, width), L2-normalised.
        gold: of each query, the numbers of its gold candidates.
        room: scores that are held at once.
    """
    found: list[NDArray[np.int64]] = []
    for rows, scores in _chunks(queries, candidates, max(1, room // max(1, len(candidates)))):
        for query, line in enumerate(scores, rows.start):
            own = line[gold[query]]
            line[gold[query]] = -np.inf
            ranks = [
                1 + (line > mine).sum() + (line[:at] == mine).sum() for at, mine in zip(gold[query], own, strict=True)
            ]
            found.append(np.array(ranks, dtype=np.int64))
    return found


def _at_least(line: Floats, mine: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the other scores are as high as each of mine, or higher; ``line`` is used up."""
    own = line[mine]
    order = np.argsort(own)
    line[mine] = -np.inf
    rivals = line[line >= own[order[0]]]  # few, where the model is good; the others are below all of mine
    below = np.searchsorted(own[order], rivals, side="right")  # of mine, those that a rival is at least as near as
    counts = np.bincount(below, minlength=len(own) + 1)
    more = np.empty(len(own), dtype=np.int64)
    more[order] = counts[::-1].cumsum()[::-1][1:]
    return more


def _chunks(queries: Floats, candidates: Floats, chunk: int) -> Iterator[tuple[slice, Floats]]:
    """Rows of queries and their scores, ``(chunk, candidates)``, for the caller to overwrite."""
    from harness.engine.cosines import cosines, hands

    # equal candidates in different columns of a matrix product can differ in the last bit: compute each once
    same = numbered(candidates)
    kept = np.unique(same, return_index=True)[1]
    distinct = candidates if len(kept) == len(candidates) else candidates[kept]
    with hands(len(queries) * len(distinct)) as run:
        for begin in range(0, len(queries), chunk):
            rows = slice(begin, min(begin + chunk, len(queries)))
            scores = cosines(queries[rows], distinct, run)
            yield rows, scores if distinct is candidates else scores[:, same]


def numbered(rows: Floats) -> NDArray[np.int64]:
    """The number of each row, counted in order of appearance; equal rows have the same."""
    # rows whose first eight bytes differ all differ, which is nearly always so and quickly seen
    start = np.ascontiguousarray(rows[:, : 8 // rows.itemsize])
    if start.shape[1] * rows.itemsize == 8 and len(np.unique(start.view(np.uint64))) == len(rows):
        return np.arange(len(rows))
    first: dict[bytes, int] = {}
    return np.asarray([first.setdefault(row.tobytes(), len(first)) for row in rows], dtype=np.int64)

"""Ranks of translations by cosine, ratio margin and CSLS, both ways, from one product of the two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.engine.search import Floats, numbered

Ints = NDArray[np.int64]
Ranks = tuple[Ints, Ints]
"""Of each query's gold candidate among the candidates, and of each candidate's gold query among the queries."""

LEAST = 1e-6  # of a mean cosine that a margin divides by: a ratio to a negative one would turn the order around


@dataclass(frozen=True, slots=True)
class Similarity:
    """How near two sentences are, given their cosine and how near each is to its neighbours on the other side.

    Attributes:
        neighbours: how many of them count; 0 where they play no part.
        score: ``(cosines, means of the queries, means of the candidates) -> scores``, all broadcast together.
    """

    neighbours: int
    score: Callable[[Floats, Floats, Floats], Floats]


def _ratio(cosines: Floats, here: Floats, there: Floats) -> Floats:
    return cosines / np.maximum((here + there) / 2, LEAST)


SIMILARITIES = {
    "cosine": Similarity(0, lambda cosines, here, there: cosines),  # noqa: ARG005
    "margin": Similarity(4, _ratio),  # Artetxe and Schwenk 2019: the ratio, with both neighbourhoods
    "csls": Similarity(10, lambda cosines, here, there: 2 * cosines - here - there),  # Conneau et al. 2018
}


def aligned_ranks(
    queries: Floats, candidates: Floats, similarities: Sequence[str], room: int = 2**24
) -> tuple[dict[str, Ranks], Ints]:
    """By similarity, the ranks from 1, both ways; and the number of each query's nearest candidate by cosine.

    Query and candidate of one number belong together. A rank counts those that are strictly nearer, and equals of lower
    index; equal vectors are equally near, to the last bit. Two passes over the product, which is computed once where it
    fits: one for the neighbourhoods, one for the ranks.

    Args:
        queries: (n, width), L2-normalised.
        candidates: (n, width), L2-normalised.
        similarities: names of ``SIMILARITIES``.
        room: cosines that are held at once.
    """
    blocks = _Blocks(queries, candidates, room)
    counts = {SIMILARITIES[name].neighbours for name in similarities}
    near = _neighbourhoods(blocks, counts)
    order = np.arange(len(queries))
    found: dict[str, Ranks] = {name: (np.ones_like(order), np.ones_like(order)) for name in similarities}
    nearest = np.zeros_like(order)
    for rows, cosines in blocks:
        nearest[rows] = cosines.argmax(axis=1)  # the first of equals
        for name in similarities:
            one, (forward, backward) = SIMILARITIES[name], found[name]
            here, there = near.queries[one.neighbours], near.candidates[one.neighbours]
            scores = one.score(cosines, here[rows, None], there)
            own = one.score(near.gold, here, there)
            itself = np.arange(len(rows)), rows
            mine = own[rows, None]
            before = (scores > mine) | ((scores == mine) & (order < rows[:, None]))
            before[itself] = False
            forward[rows] += before.sum(axis=1)
            before = (scores > own) | ((scores == own) & (rows[:, None] < order))
            before[itself] = False
            backward += before.sum(axis=0)
    return found, nearest


def neighbourhoods(queries: Floats, candidates: Floats, k: int, room: int = 2**24) -> tuple[Floats, Floats]:
    """Mean cosine of each query to its ``k`` nearest candidates, and of each candidate to its ``k`` nearest queries."""
    near = _neighbourhoods(_Blocks(queries, candidates, room), {k}, aligned=False)
    return near.queries[k], near.candidates[k]


@dataclass(frozen=True, slots=True)
class _Near:
    """By number of neighbours, the means of both sides; and the cosines of the gold pairs."""

    queries: dict[int, Floats]
    candidates: dict[int, Floats]
    gold: Floats


def _neighbourhoods(blocks: _Blocks, counts: set[int], *, aligned: bool = True) -> _Near:
    n, m = len(blocks.queries), len(blocks.candidates)
    most, dtype = max(counts), blocks.queries.dtype
    queries = {k: np.zeros(n, dtype) for k in counts}
    nearest = np.full((min(most, n), m), -np.inf, dtype)
    gold = np.zeros(n, dtype)
    for rows, cosines in blocks:
        if aligned:
            gold[rows] = cosines[np.arange(len(rows)), rows]
        if most:
            top = _top(cosines, min(most, m))
            for k in counts - {0}:
                queries[k][rows] = top[:, -k:].mean(axis=1, dtype=np.float64)
            nearest = _top(np.concatenate([nearest, cosines]).T, len(nearest)).T
    means = {k: nearest[-k:].mean(axis=0, dtype=np.float64) if k else np.zeros(m) for k in counts}
    return _Near(queries, {k: mean.astype(dtype) for k, mean in means.items()}, gold)


def _top(scores: Floats, k: int) -> Floats:
    """The ``k`` highest of each row, ascending: the sums of equal numbers are to be equal."""
    found: Floats = np.sort(np.partition(scores, scores.shape[1] - k, axis=1)[:, -k:], axis=1)
    return found


class _Blocks:
    """The cosines of all queries and candidates, some rows at a time: ``(numbers of the queries, (rows, m) cosines)``.

    The last bit of a product depends on where in the matrix it stands, so each distinct pair is computed once.
    """

    def __init__(self, queries: Floats, candidates: Floats, room: int) -> None:
        self.queries, self.candidates = queries, candidates
        self._rows, self._columns = numbered(queries), numbered(candidates)
        self._first = np.unique(self._rows, return_index=True)[1]
        self._distinct = candidates[np.unique(self._columns, return_index=True)[1]]
        self._chunk = max(1, room // max(1, len(candidates)))
        self._whole: Floats | None = None

    def __iter__(self) -> Iterator[tuple[Ints, Floats]]:
        # queries in the order of their distinct vectors, so that equal ones share a block
        order = np.argsort(self._rows, kind="stable")
        ends = np.searchsorted(self._rows[order], np.arange(len(self._first) + 1))
        for begin in range(0, len(self._first), self._chunk):
            end = min(begin + self._chunk, len(self._first))
            cosines = self._product(begin, end)
            for start in range(ends[begin], ends[end], self._chunk):
                rows = order[start : min(start + self._chunk, ends[end])]
                yield rows, self._expanded(cosines, self._rows[rows] - begin)

    def _product(self, begin: int, end: int) -> Floats:
        if self._whole is not None:
            return self._whole
        cosines: Floats = self.queries[self._first[begin:end]] @ self._distinct.T
        if end - begin == len(self._first):  # all of it fits: the next pass need not compute it again
            self._whole = cosines
        return cosines

    def _expanded(self, cosines: Floats, rows: Ints) -> Floats:
        if len(self._first) < len(self.queries):
            cosines = cosines[rows]
        return cosines[:, self._columns] if len(self._distinct) < len(self.candidates) else cosines

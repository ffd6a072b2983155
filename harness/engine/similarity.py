"""Ranks of translations by cosine, ratio margin and CSLS, both ways, from one product of the two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.engine.search import Floats, numbered

if TYPE_CHECKING:
    from harness.engine.cosines import Map  # which imports torch: tasks that search are listed without it

Ints = NDArray[np.int64]
Ranks = tuple[Ints, Ints]
"""Of each query's gold candidate among the candidates, and of each candidate's gold query among the queries."""

CACHED = 2**18  # scores that are read several times in a row: a megabyte
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
    # half of each, and not half of the sum: a pass less over the matrix, and the same number to the last bit
    return cosines / np.maximum(here / 2 + there / 2, LEAST)


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
    from harness.engine.cosines import hands

    with hands(len(queries) * len(candidates)) as run:  # numpy lets go of the interpreter while it computes
        blocks = _Blocks(queries, candidates, room, run)
        near = _neighbourhoods(blocks, {SIMILARITIES[name].neighbours for name in similarities}, run)
        return _ranks(blocks, similarities, near, run)


@dataclass(frozen=True, slots=True)
class _Near:
    """By number of neighbours, the means of both sides; and the cosines of the gold pairs."""

    queries: dict[int, Floats]
    candidates: dict[int, Floats]
    gold: Floats

    def scores(self, one: Similarity, cosines: Floats, rows: Ints | None = None) -> Floats:
        """The scores of the gold pairs, (n,); or those of some rows of queries with all candidates, (rows, n)."""
        here = self.queries[one.neighbours]
        return one.score(cosines, here if rows is None else here[rows, None], self.candidates[one.neighbours])


def _neighbourhoods(blocks: _Blocks, counts: set[int], run: Map) -> _Near:
    n, dtype = len(blocks.queries), blocks.queries.dtype
    most = min(max(counts), n)
    queries, candidates = np.full((n, most), -np.inf, dtype), np.full((n, most), -np.inf, dtype)
    gold = np.zeros(n, dtype)

    def of_queries(rows: Ints, cosines: Floats) -> None:
        queries[rows] = _top(cosines.copy(), most)

    def of_candidates(best: Floats, cosines: Floats) -> None:
        best[:] = _top(np.concatenate([best, cosines], axis=1), most)

    for rows, cosines in blocks:
        gold[rows] = cosines[np.arange(len(rows)), rows]
        if most:
            list(run(of_queries, _strips(rows, n), _strips(cosines, n)))
            list(run(of_candidates, _strips(candidates, len(rows)), _strips(cosines.T, len(rows))))
    return _Near(_means(queries, counts), _means(candidates, counts), gold)


def _ranks(blocks: _Blocks, similarities: Sequence[str], near: _Near, run: Map) -> tuple[dict[str, Ranks], Ints]:
    n = len(near.gold)
    own = {name: near.scores(SIMILARITIES[name], near.gold) for name in similarities}
    found: dict[str, Ranks] = {name: (np.ones(n, np.int64), np.ones(n, np.int64)) for name in similarities}
    nearest = np.zeros(n, dtype=np.int64)

    def of_queries(rows: Ints, cosines: Floats) -> dict[str, NDArray[np.uint8]]:
        """How many of these queries come before the gold one, by candidate."""
        nearest[rows] = cosines.argmax(axis=1)  # the first of equals
        before = {}
        for name, gold in own.items():
            scores = near.scores(SIMILARITIES[name], cosines, rows)
            found[name][0][rows] += _before(scores, gold[rows, None], rows).sum(axis=1, dtype=np.uint32)
            # a strip has no more rows than a byte counts
            before[name] = _before(scores, gold, rows, columns=True).sum(axis=0, dtype=np.uint8)
        return before

    for rows, cosines in blocks:
        for before in run(of_queries, _strips(rows, n), _strips(cosines, n)):
            for name, count in before.items():
                found[name][1][:] += count
    return found, nearest


def _before(scores: Floats, gold: Floats, rows: Ints, *, columns: bool = False) -> NDArray[np.uint8]:
    """Where a score comes before the gold one of its row, or of its column: 1, ``(rows, n)``.

    It does where it is higher, and where it is equal and of lower index.
    """
    found, equal = scores > gold, scores == gold
    if np.count_nonzero(equal) > len(rows):  # others than the gold ones themselves, which is rare
        order = np.arange(scores.shape[1])
        found |= equal & (rows[:, None] < order if columns else order < rows[:, None])
    return found.view(np.uint8)  # which numpy adds up several times faster


def _strips(rows: NDArray[Any], columns: int) -> list[NDArray[Any]]:
    """The rows cut into parts, of 255 at most, whose scores stay in a processor's cache through all that reads them."""
    step = min(255, max(1, CACHED // max(1, columns)))
    return [rows[begin : begin + step] for begin in range(0, len(rows), step)]


def _top(scores: Floats, k: int) -> Floats:
    """The ``k`` highest of each row, ascending: the sums of equal numbers are to be equal. It reorders the rows."""
    scores.partition(scores.shape[1] - k, axis=1)
    return np.sort(scores[:, -k:], axis=1)


def _means(highest: Floats, counts: set[int]) -> dict[int, Floats]:
    """By number of neighbours, the mean of so many of the highest, which ascend; 0 of none."""
    means = {k: highest[:, -k:].mean(axis=1, dtype=np.float64) if k else np.zeros(len(highest)) for k in counts}
    return {k: mean.astype(highest.dtype) for k, mean in means.items()}


class _Blocks:
    """The cosines of all queries and candidates, some rows at a time: ``(numbers of the queries, (rows, m) cosines)``.

    The last bit of a product depends on where in the matrix it stands, so each distinct pair is computed once.
    """

    def __init__(self, queries: Floats, candidates: Floats, room: int, run: Map) -> None:
        self.queries, self.candidates, self._run = queries, candidates, run
        self._rows, self._columns = numbered(queries), numbered(candidates)
        self._first = np.unique(self._rows, return_index=True)[1]
        distinct = np.unique(self._columns, return_index=True)[1]
        self._distinct = candidates if len(distinct) == len(candidates) else candidates[distinct]
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
        from harness.engine.cosines import cosines

        found = cosines(self.queries[self._first[begin:end]], self._distinct, self._run)
        if end - begin == len(self._first):  # all of it fits: the next pass need not compute it again
            self._whole = found
        return found

    def _expanded(self, cosines: Floats, rows: Ints) -> Floats:
        if len(self._first) < len(self.queries):
            cosines = cosines[rows]
        return cosines[:, self._columns] if len(self._distinct) < len(self.candidates) else cosines

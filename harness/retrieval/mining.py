"""Bitext mining: neighbours both ways, ratio margin, greedy matching one to one, and a threshold chosen on dev.

As XTREME has it for BUCC 2018 (Artetxe and Schwenk 2019, retrieval ``max``), but for one case: where the best
threshold on dev keeps every pair, the official program reads beyond its list and stops; here it is the score of the
last pair. The gold pairs of the test set are never looked at.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example, Query
from harness.engine.search import nearest
from harness.engine.similarity import LEAST, SIMILARITIES
from harness.errors import DataError
from harness.retrieval.base import ALL, Corpora, Matching, Side, Vectors
from harness.spec import TaskSpec

log = logging.getLogger("harness")

NEIGHBOURS = SIMILARITIES["margin"].neighbours
Floats = NDArray[np.float32]


class Pair(NamedTuple):
    """Two ids, of the tested side first, and how sure it is that they are translations."""

    one: str
    other: str
    score: float


def best_threshold(pairs: Sequence[Pair], gold: Collection[tuple[str, str]]) -> float:
    """The score from which on pairs are kept so that F1 is highest; 0 where no pair is gold.

    Halfway between the last pair that is kept and the next; the score of the last, where all are kept.

    Args:
        pairs: the best first.
        gold: all gold pairs, found or not.
    """
    threshold = best = right = 0.0
    for kept, pair in enumerate(pairs, start=1):
        right += (pair.one, pair.other) in gold
        f1 = 2 * right / (kept + len(gold))
        if f1 > best:
            following = pairs[kept].score if kept < len(pairs) else pair.score
            best, threshold = f1, (pair.score + following) / 2
    return threshold


def mine(one: Corpus[Example], other: Corpus[Example], vectors: Vectors) -> list[Pair]:
    """Pairs of sentences that prefer each other, the best first, each sentence in one pair at most.

    Equal sentences are searched as one; a pair with a sentence that stands several times on its side is left out, as
    nobody can say which of them is meant.
    """
    here, there = _distinct(one), _distinct(other)
    x, y = vectors[one.key][here.first], vectors[other.key][there.first]
    forward, backward = nearest(x, y, NEIGHBOURS), nearest(y, x, NEIGHBOURS)
    means = (forward[0].mean(axis=1), backward[0].mean(axis=1))
    # each sentence with its best by margin among its neighbours, from either side
    to, score = _by_margin(forward, means[0], means[1])
    back, score_back = _by_margin(backward, means[1], means[0])
    rows = np.concatenate([np.arange(len(x)), back])
    columns = np.concatenate([to, np.arange(len(y))])
    scores = np.concatenate([score, score_back])
    taken: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for i in np.argsort(-scores, kind="stable").tolist():
        row, column = int(rows[i]), int(columns[i])
        if row in taken[0] or column in taken[1] or scores[i] <= 0:
            continue
        taken[0].add(row)
        taken[1].add(column)
        if here.single[row] and there.single[column]:
            pairs.append(Pair(here.ids[row], there.ids[column], float(scores[i])))
    return pairs


class _Distinct(NamedTuple):
    """The distinct sentences of a corpus: where each stands first, that one's id, whether it stands once."""

    first: NDArray[np.int64]
    ids: list[str]
    single: list[bool]


def _distinct(corpus: Corpus[Example]) -> _Distinct:
    texts = [getattr(example, "text", "") for example in corpus]
    times = Counter(texts)
    first = {text: i for i, text in reversed([*enumerate(texts)])}
    places = sorted(first.values())
    ids = [example.id for example in corpus]
    return _Distinct(np.array(places, dtype=np.int64), [ids[i] for i in places], [times[texts[i]] == 1 for i in places])


def _by_margin(
    found: tuple[NDArray[np.floating], NDArray[np.int64]], own: Floats, others: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """The best of each sentence's neighbours by ratio margin, and its score."""
    cosines, indices = found
    scores = cosines / np.maximum((own[:, None] + others[indices]) / 2, LEAST)
    best = scores.argmax(axis=1)
    line = np.arange(len(scores))
    return indices[line, best], scores[line, best]


def _sides(task: TaskSpec, source: str, target: str) -> tuple[Side, ...]:
    if "dev" not in task.splits:
        raise DataError(
            f"task {task.name}: the threshold is chosen on dev pairs and never on the gold pairs of the test set, and "
            f"there is no dev split: name one in the task's `splits`"
        )
    return tuple(
        Side(one, split, other) for split in ("test", "dev") for one, other in ((target, source), (source, target))
    )


def _with_gold(task: TaskSpec, corpora: Corpora, pool: Corpora) -> Corpora:  # noqa: ARG001
    """The corpora, if dev has a gold pair to choose the threshold by; DataError otherwise."""
    if not _gold(corpora[2]):
        raise DataError(
            f"task {task.name}: no gold pair in the dev data of {corpora[2].language}, to choose a threshold by"
        )
    return corpora


def _gold(corpus: Corpus[Example]) -> set[tuple[str, str]]:
    """The gold pairs of a corpus."""
    return {(query.id, answer) for query in corpus if isinstance(query, Query) for answer in query.answers[ALL]}


def _answers(task: TaskSpec, sides: Mapping[str, Corpora], pool: Corpora, vectors: Vectors) -> dict[str, list[object]]:  # noqa: ARG001
    """For each sentence of the target, the ids of its translations: one or none."""
    found: dict[str, list[object]] = {}
    for target, (tested, query, dev, dev_query) in sides.items():
        threshold = best_threshold(mine(dev, dev_query, vectors), _gold(dev))
        kept = {pair.one: pair.other for pair in mine(tested, query, vectors) if pair.score >= threshold}
        log.info("%s %s: %d pairs at threshold %.4f, chosen on dev", task.name, target, len(kept), threshold)
        found[target] = [(kept[example.id],) if example.id in kept else () for example in tested]
    return found


MINING = Matching(sides=_sides, answers=_answers, own=_with_gold)

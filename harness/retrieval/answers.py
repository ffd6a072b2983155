"""Retrieval of answers from a pool of candidates in many languages (LAReQA), or in one set for all (Mewsli-X).

The target is the language of the questions, as in the tables of both papers; nothing is trained, so that the source
has no part in the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example, Query
from harness.data.load import available
from harness.engine.search import lone_ranks, nearest
from harness.errors import DataError
from harness.metrics.base import parse_signature
from harness.metrics.language_bias import LONE
from harness.retrieval.base import ALL, CANDIDATES, OWN, Corpora, Matching, Side, Vectors, asked
from harness.scoring import signatures
from harness.spec import TaskSpec

DEPTH = "20"  # candidates of a ranking, where no metric says how deep it looks


def _sides(task: TaskSpec, source: str, target: str) -> tuple[Side, ...]:  # noqa: ARG001
    return (Side(target),)


def _pool(task: TaskSpec, root: Path | None) -> tuple[Side, ...]:
    if task.files is not None and task.files.candidates:
        return (Side(CANDIDATES),)
    return tuple(Side(language) for language in available(task, "test", root))


def _queries(task: TaskSpec, corpora: Corpora, pool: Corpora) -> Corpora:
    """The questions of a language, with their answers in all languages of the pool."""
    (corpus,) = corpora
    wanted = _views(task)
    if pool[0].language == CANDIDATES and wanted != [ALL]:
        raise DataError(
            f"task {task.name}: its candidates belong to no language, so that only {ALL} of them are a pool"
        )
    everywhere: dict[str, list[str]] = {}
    for one in pool:
        for query in _asking(one):
            everywhere.setdefault(query.id, []).extend(query.answers[ALL])
    used = _places(corpus, queries=True)
    if not used:
        raise DataError(f"task {task.name}: no question in {corpus.language}")
    examples = [*corpus.examples]
    for i in used:
        asking = examples[i]
        assert isinstance(asking, Query)
        own = asking.answers[ALL]
        found = {ALL: tuple(everywhere.get(asking.id, own)), OWN: own, LONE: own}
        examples[i] = replace(asking, answers={name: found[name] for name in wanted})
    return (replace(corpus, examples=tuple(examples), chosen=used),)


def _candidates(pool: Corpora) -> Corpora:
    return tuple(replace(corpus, chosen=_places(corpus, queries=False)) for corpus in pool)


def _answers(task: TaskSpec, sides: Mapping[str, Corpora], pool: Corpora, vectors: Vectors) -> dict[str, list[object]]:
    """Rankings of candidates by id, the best first; several of them, and ranks of lone answers, in a mapping."""
    wanted = _views(task)
    depth = max(map(int, asked(signatures(task), "k", DEPTH)))
    every = np.concatenate([vectors[corpus.key] for corpus in pool])
    ids = np.array([candidate.id for corpus in pool for candidate in corpus], dtype=object)
    languages = np.array([corpus.language for corpus in pool for _ in corpus], dtype=object)
    place = {id: i for i, id in enumerate(ids)}
    found: dict[str, list[object]] = {}
    for target, (corpus,) in sides.items():
        queries = vectors[corpus.key]
        views: dict[str, list[object]] = {ALL: ids[nearest(queries, every, depth)[1]].tolist()}
        if OWN in wanted:
            (mine,) = np.nonzero(languages == target)
            views[OWN] = ids[mine[nearest(queries, every[mine], depth)[1]]].tolist()
        if LONE in wanted:
            gold = [_known(query, place) for query in _asking(corpus)]
            ranks = lone_ranks(queries, every, gold)
            views[LONE] = [_best(languages[at], lone) for at, lone in zip(gold, ranks, strict=True)]
        several = [dict(zip(views, line, strict=True)) for line in zip(*views.values(), strict=True)]
        found[target] = views[ALL] if wanted == [ALL] else [*several]
    return found


def _views(task: TaskSpec) -> list[str]:
    """What the task's metrics look at: the pools, and the ranks of lone answers."""
    pools = set(asked(signatures(task), "pool", ALL))
    lone = any(parse_signature(signature)[0] == "language_bias" for signature in signatures(task))
    return [ALL, *([OWN] if OWN in pools else ()), *([LONE] if lone else ())]


def _places(corpus: Corpus[Example], *, queries: bool) -> tuple[int, ...]:
    """Where the questions, or the candidates, in use stand among all examples."""
    used = range(len(corpus.examples)) if corpus.chosen is None else corpus.chosen
    return tuple(i for i in used if isinstance(corpus.examples[i], Query) == queries)


def _asking(corpus: Corpus[Example]) -> Iterator[Query]:
    return (example for example in corpus if isinstance(example, Query))


def _known(query: Query, place: Mapping[str, int]) -> NDArray[np.int64]:
    """Where a question's answers stand in the pool."""
    return np.array([place[id] for id in query.answers[ALL]], dtype=np.int64)


def _best(languages: NDArray[np.object_], ranks: NDArray[np.int64]) -> dict[str, int]:
    """By language, the rank of its best answer."""
    found: dict[str, int] = {}
    for language, rank in zip(languages, ranks.tolist(), strict=True):
        found[language] = min(rank, found.get(language, rank))
    return found


ANSWERS = Matching(sides=_sides, answers=_answers, pool=_pool, own=_queries, shared=_candidates, itself=True)

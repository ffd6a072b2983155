"""Retrieval of translations: the rank of each sentence's translation, both ways, and in a pool of all languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.data.examples import Corpus, Example
from harness.data.load import available
from harness.engine.search import pooled_ranks
from harness.engine.similarity import aligned_ranks
from harness.errors import DataError
from harness.machine import cores
from harness.retrieval.base import Corpora, Matching, Side, Vectors, asked
from harness.scoring import signatures
from harness.spec import TaskSpec

POOLED = "pooled"


def check_parallel(one: Corpus[Example], other: Corpus[Example]) -> None:
    """Nothing, if the two hold the same ids.

    Raises:
        DataError: they do not; the first ids that stand on one side alone are named.
    """
    here, there = {example.id for example in one}, {example.id for example in other}
    if here != there or len(one) != len(other):
        missing = ", ".join(sorted(here ^ there)[:3])
        raise DataError(
            f"{one.task}: {other.language} ({len(other)}) and {one.language} ({len(one)}) are not parallel: "
            f"ids that stand on one side alone: {missing or 'repeated ones'}"
        )


def match(
    query: Corpus[Example], candidates: Corpus[Example], similarities: Sequence[str], embedded: Vectors
) -> list[dict[str, object]]:
    """For each candidate, in its corpus's order, the ranks from 1 by similarity, and what its query found.

    ``{"cosine": [forward, backward], "found": id}``. Forward, the query looks among the candidates, of which ``found``
    is the nearest by cosine; backward, the candidate looks among the queries.

    Raises:
        DataError: the two sides do not hold the same ids.
    """
    here, there = [example.id for example in query], [example.id for example in candidates]
    check_parallel(candidates, query)
    position = {id: i for i, id in enumerate(here)}
    order = np.array([position[id] for id in there], dtype=np.int64)
    found, nearest = aligned_ranks(embedded[query.key][order], embedded[candidates.key], similarities)
    ranks = {name: np.stack(both, axis=1).tolist() for name, both in found.items()}
    return [{**{name: ranks[name][i] for name in ranks}, "found": there[best]} for i, best in enumerate(nearest)]


def pooled(query: Corpus[Example], pool: Sequence[Corpus[Example]], embedded: Vectors) -> dict[str, list[int]]:
    """By language, for each of its sentences: the rank of it as the query's answer in the pool of all languages.

    Other translations of the same item do not count against it: what counts is how many sentences of another meaning,
    in whatever language, are at least as near. A model that prefers a language to a meaning ranks low here, and may
    still rank high within each language (LAReQA's strong alignment, Roy et al. 2020).

    Raises:
        DataError: an id of the pool is not among the queries.
    """
    here = {example.id: i for i, example in enumerate(query)}
    owner = np.concatenate([[here.get(example.id, -1) for example in corpus] for corpus in pool])
    if (owner < 0).any():
        raise DataError(f"{query.task}: the pool holds ids that {query.language} does not have")
    vectors = np.concatenate([embedded[corpus.key] for corpus in pool])
    found = pooled_ranks(embedded[query.key], vectors, owner)
    split = np.split(found, np.cumsum([len(corpus) for corpus in pool])[:-1])
    return {corpus.language: part.tolist() for corpus, part in zip(pool, split, strict=True)}


def _sides(task: TaskSpec, source: str, target: str) -> tuple[Side, ...]:  # noqa: ARG001
    return Side(target, beside=source), Side(source, beside=target)


def _pool(task: TaskSpec, root: Path | None) -> tuple[Side, ...]:
    if POOLED not in asked(signatures(task), "direction", "both"):
        return ()
    return tuple(Side(language) for language in available(task, "test", root))


def _parallel(task: TaskSpec, corpora: Corpora, pool: Corpora) -> Corpora:  # noqa: ARG001
    check_parallel(*corpora)
    return corpora


def _answers(task: TaskSpec, sides: Mapping[str, Corpora], pool: Corpora, vectors: Vectors) -> dict[str, list[object]]:
    from harness.engine.device import workers

    similarities = sorted(set(asked(signatures(task), "similarity", "cosine")))
    in_pool = pooled(next(iter(sides.values()))[1], pool, vectors) if pool else {}

    def ranked(target: str) -> list[object]:
        found, query = sides[target]
        ranks = match(query, found, similarities, vectors)
        return [{**one, POOLED: rank} for one, rank in zip(ranks, in_pool[target], strict=True)] if pool else [*ranks]

    with workers(cores()) as threads:  # a pair each
        return dict(zip(sides, threads.map(ranked, sides), strict=True))


TRANSLATIONS = Matching(sides=_sides, answers=_answers, pool=_pool, own=_parallel)

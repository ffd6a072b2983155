"""Retrieval of translations: the rank of each sentence's translation, both ways, and in a pool of all languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example
from harness.engine.search import pooled_ranks, ranks
from harness.errors import DataError

Vectors = NDArray[np.float32]


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
    query: Corpus[Example], candidates: Corpus[Example], embedded: Mapping[str, Vectors]
) -> list[tuple[int, int]]:
    """For each candidate, in its corpus's order: the rank of its query's translation forward, and its own backward.

    Forward, the query looks among the candidates; backward, the candidate among the queries. Ranks start at 1.

    Args:
        embedded: by corpus key; one normalised row a sentence.

    Raises:
        DataError: the two sides do not hold the same ids.
    """
    here, there = [example.id for example in query], [example.id for example in candidates]
    check_parallel(candidates, query)
    position = {id: i for i, id in enumerate(here)}
    order = np.array([position[id] for id in there], dtype=np.int64)
    questions, answers = embedded[query.key][order], embedded[candidates.key]
    same = np.arange(len(there))
    forward, backward = ranks(questions, answers, same), ranks(answers, questions, same)
    return [(int(f), int(b)) for f, b in zip(forward, backward, strict=True)]


def pooled(
    query: Corpus[Example], pool: Sequence[Corpus[Example]], embedded: Mapping[str, Vectors]
) -> dict[str, list[int]]:
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

"""Retrieval of translations: the rank of each sentence's translation, both ways, and in a pool of all languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example
from harness.engine.search import ranks
from harness.errors import DataError

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[Corpus[Example]]], list[Vectors]]


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
    position = {id: i for i, id in enumerate(here)}
    if position.keys() != set(there) or len(here) != len(there):
        missing = sorted(position.keys() ^ set(there))[:3]
        raise DataError(
            f"{query.task}: {query.language} ({len(here)}) and {candidates.language} ({len(there)}) are not parallel: "
            f"ids that stand on one side alone: {', '.join(missing) or 'repeated ones'}"
        )
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
    questions = embedded[query.key]
    found = np.empty(len(owner), dtype=np.int64)
    for i in range(len(questions)):
        similarity = vectors @ questions[i]
        mine = owner == i
        strangers = np.sort(similarity[~mine])
        found[mine] = 1 + len(strangers) - np.searchsorted(strangers, similarity[mine], side="left")  # a tie is no win
    split = np.split(found, np.cumsum([len(corpus) for corpus in pool])[:-1])
    return {corpus.language: part.tolist() for corpus, part in zip(pool, split, strict=True)}

"""Parts of corpora that are alike in every language: shares of a parallel set, first groups, samples."""

from __future__ import annotations

import hashlib

from harness.data.examples import Corpus, E, Example
from harness.errors import DataError
from harness.spec import ParallelSplit


def split_of(group: str, spec: ParallelSplit) -> str:
    """The split (train, dev or test) that a group belongs to.

    Its name alone decides, so that the translations of an item share a split in every language and data set.
    """
    point = _point(group)
    if point < spec.train:
        return "train"
    return "dev" if point < spec.train + spec.dev else "test"


def check_disjoint(train: Corpus[Example], test: Corpus[Example]) -> None:
    """Nothing, if no group of the training data in use is tested on.

    Raises:
        DataError: some are; the first ones are named.
    """
    shared = sorted({example.group for example in train} & {example.group for example in test})
    if shared:
        first = ", ".join(shared[:3]) + (" ..." if len(shared) > 3 else "")
        raise DataError(
            f"{len(shared)} groups of {test.task} ({test.language}, {test.split}) are in the training data of "
            f"{train.task} ({train.language}, {train.split}) too: {first}. "
            f"Test on another split, or split both by group with `parallel`."
        )


def first_groups(corpus: Corpus[E], n: int) -> Corpus[E]:
    """The corpus with only its first ``n`` groups in use, in file order."""
    kept = set(list(dict.fromkeys(example.group for example in corpus))[:n])
    return corpus.choose([i for i in _in_use(corpus) if corpus.examples[i].group in kept])


def sample(corpus: Corpus[E], n: int, seed: int, skip: int = 0) -> Corpus[E]:
    """The corpus with ``n`` of its examples in use, the same items in every language of a parallel set.

    A smaller sample is part of every larger one with the same seed.

    Args:
        skip: items passed over first, in the order that the seed decides: samples that skip each other share none.

    Raises:
        DataError: there are fewer than ``n``.
    """
    indices = _in_use(corpus)
    if n + skip > len(indices):
        raise DataError(
            f"{corpus.task}: {n + skip} examples asked for, but {corpus.language} {corpus.split} has {len(indices)}; "
            f"ask for fewer, so that every language has as many"
        )
    return corpus.choose(sorted(indices, key=lambda i: _digest(f"{seed}:{corpus.examples[i].id}"))[skip : skip + n])


def _in_use(corpus: Corpus[E]) -> tuple[int, ...]:
    return tuple(range(len(corpus.examples))) if corpus.chosen is None else corpus.chosen


def _point(text: str) -> float:
    """A number in [0, 1) that the text alone decides."""
    return int.from_bytes(_digest(text)[:7]) / 256**7  # seven bytes: exact in a float


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()

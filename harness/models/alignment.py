"""Vectors of n-gram buckets that lie close across languages, from parallel sentences.

Latent semantic analysis gives each item, with all its translations, a vector. A ridge regression then finds the vectors
of buckets whose sum over any one sentence comes nearest to its item's. Unlike averages over the items that a bucket is
in, these hold what a word itself adds to a sentence, and not what usually stands around it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from harness.data.examples import Corpus, Example, Shape
from harness.engine.arrays import shared
from harness.engine.device import threads
from harness.engine.tokens import Tokens, pool, tokens_of
from harness.errors import HarnessError
from harness.models.hashed import FORMS, Hashed

Floats = NDArray[np.float32]

LONGEST = 512
"""Tokens of a sentence that are looked at."""

RIDGE = 0.3
"""Penalty on the size of the buckets' vectors, beside sentences of length 1."""

ROUNDS = 8
"""Steps of the conjugate gradients: more fit the given sentences closer, and others no better."""

FAINT = 0.05
"""Length of a bucket's vector that no training sentence touched, where the others' mean is 1: enough to tell words of
an unseen script apart, too little to disturb those of a seen one."""


def random_vectors(buckets: int, width: int) -> Floats:
    """Unit vectors (buckets, width) that say nothing but which bucket it is; the same on every call."""
    draw = np.random.default_rng(0).standard_normal((buckets, width)).astype(np.float32)
    unit: Floats = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    return unit


def aligned_vectors(
    tokenizer: Hashed,
    width: int,
    parallel: Mapping[str, Corpus[Example]],
    amounts: Mapping[str, int],
    cache: Path,
    thread_count: int,
) -> Floats:
    """Vectors (buckets, width) under which a sentence and its translation have like sums, kept in the cache.

    Args:
        tokenizer: splits sentences into buckets.
        width: of a vector, no more than there are parallel items.
        parallel: sentences by language, parallel by id.
        amounts: sentences of each language that are used, the first ones; languages without an amount are not.
        cache: folder that all processes share.
        thread_count: threads that compute; other numbers may give other last bits.

    Raises:
        HarnessError: a language has an amount but no sentences, or fewer items than ``width``.
    """
    missing = sorted(set(amounts) - set(parallel))
    if missing:
        raise HarnessError(f"no parallel sentences for {', '.join(missing)}: take them out of model.options.amounts")
    prints = [(language, amounts[language], parallel[language].key) for language in sorted(amounts)]
    identity = repr((tokenizer.identity, width, thread_count, prints, "ridge-1"))
    folder = cache / "vectors" / hashlib.sha256(identity.encode()).hexdigest()

    def make() -> dict[str, Floats]:
        corpora = {language: _first(parallel[language], amount) for language, amount, _ in prints}
        return {"vectors": _factorised(*_counts(tokenizer, corpora, cache), width, thread_count)}

    return np.array(shared(folder, make)["vectors"])


def bags(tokens: Tokens, buckets: int) -> sparse.csr_matrix:
    """How often each bucket is in each row, (rows, buckets)."""
    types = len(tokens.gram_offsets) - 1
    of_row = sparse.csr_matrix((np.ones(len(tokens.ids)), tokens.ids, tokens.offsets), shape=(len(tokens), types))
    of_type = sparse.csr_matrix(
        (np.ones(len(tokens.grams)), tokens.grams, tokens.gram_offsets), shape=(types, buckets + FORMS)
    )
    return (of_row @ of_type)[:, :buckets].tocsr()


def _first(corpus: Corpus[Example], amount: int) -> Corpus[Example]:
    used = range(len(corpus.examples)) if corpus.chosen is None else corpus.chosen
    return corpus.choose(used[:amount])


def _counts(
    tokenizer: Hashed, corpora: Mapping[str, Corpus[Example]], cache: Path
) -> tuple[list[sparse.csr_matrix], list[NDArray[np.int64]]]:
    """Bucket counts (sentences, buckets) of each language, and the item that each sentence is a translation of."""
    names = sorted({example.id for corpus in corpora.values() for example in corpus})
    number = {name: i for i, name in enumerate(names)}
    counts, items = [], []
    for corpus in corpora.values():
        tokens = pool([corpus], [tokens_of(corpus, Shape.SENTENCE, tokenizer, LONGEST, cache)])
        counts.append(bags(tokens, tokenizer.buckets))
        items.append(np.asarray([number[example.id] for example in corpus], dtype=np.int64))
    return counts, items


def _factorised(
    counts: Sequence[sparse.csr_matrix], items: Sequence[NDArray[np.int64]], width: int, thread_count: int
) -> Floats:
    found_in = np.diff(sparse.vstack(counts).tocsc().indptr)
    idf = np.log((1 + sum(count.shape[0] for count in counts)) / (1 + found_in))
    weighted = [_unit_rows(count.log1p() @ sparse.diags(idf)) for count in counts]
    wanted = _item_vectors(weighted, items, width, thread_count)
    vectors = idf[:, None] * _regressed(sparse.vstack(weighted), np.concatenate([wanted[item] for item in items]))
    seen = found_in > 0
    vectors /= np.linalg.norm(vectors[seen], axis=1).mean()
    vectors[~seen] = FAINT * random_vectors(len(idf), width)[~seen]
    return np.ascontiguousarray(vectors, dtype=np.float32)


def _item_vectors(
    weighted: Sequence[sparse.csr_matrix], items: Sequence[NDArray[np.int64]], width: int, thread_count: int
) -> Floats:
    """Unit vectors (items, width) by latent semantic analysis, every language counting alike in an item."""
    total = 1 + max(int(i.max()) for i in items)
    if total < width:
        raise HarnessError(f"{total} parallel items give no vectors of width {width}: lower model.options.width")
    joint = sparse.csr_matrix((total, weighted[0].shape[1]))
    for rows, item in zip(weighted, items, strict=True):
        joint = joint + sparse.csr_matrix((np.ones(len(item)), (item, np.arange(len(item)))), (total, len(item))) @ rows
    joint = _unit_rows(joint)
    with threads(thread_count):
        # the items are few: their Gram matrix gives the exact factors, with no random start
        values, items_of = torch.linalg.eigh(torch.from_numpy((joint @ joint.T).toarray()))
    left = items_of.numpy()[:, ::-1][:, :width]
    left = left * np.where(left[np.abs(left).argmax(axis=0), np.arange(width)] < 0, -1.0, 1.0)
    # roots of the singular values: frequent distinctions count more than rare ones, but do not drown them
    left = left * np.maximum(values.numpy()[::-1][:width], 1e-12) ** 0.25
    unit: Floats = (left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit


def _regressed(rows: sparse.csr_matrix, wanted: Floats) -> Floats:
    """Vectors under which ``rows`` come near to ``wanted`` less its mean: ridge regression by conjugate gradients."""
    rows = rows.tocsr().astype(np.float32)
    columns = rows.T.tocsr()
    left = columns @ (wanted - wanted.mean(axis=0))
    step = left.copy()
    found: Floats = np.zeros_like(left)
    error = (left**2).sum(axis=0)
    for _ in range(ROUNDS):
        image = columns @ (rows @ step) + RIDGE * step
        size = error / np.maximum((step * image).sum(axis=0), 1e-12)
        found += size * step
        left -= size * image
        before, error = error, (left**2).sum(axis=0)
        step = left + error / np.maximum(before, 1e-12) * step
    return found


def _unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(lengths, 1e-12)) @ matrix

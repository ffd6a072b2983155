"""Words, texts and sentences as sparse rows of hashed character n-grams, for linear models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.models.hashed import TOKEN, form

Matrix: TypeAlias = Any
"""A scipy CSR matrix of float32; scipy has no types."""

BINS = 8  # steps of a share in [0, 1]
OVERLAP = 256  # columns for what two texts have in common


def grams(text: str, sizes: Sequence[int]) -> set[str]:
    """The n-grams of a text in lower case, with a space at either end."""
    marked = f" {' '.join(text.lower().split())} "
    return {marked[i : i + n] for n in sizes for i in range(len(marked) - n + 1)}


def hashed(features: Iterable[str], width: int) -> set[int]:
    """Columns of some features."""
    return {crc32(feature.encode()) % width for feature in features}


def rows(bags: Iterable[Collection[int]], width: int) -> Matrix:
    """One row of length 1 for each bag of columns, all its entries equal, (bags, width)."""
    listed = [sorted(bag) for bag in bags]
    sizes = np.fromiter(map(len, listed), np.int64, len(listed))
    offsets = np.concatenate([[0], sizes.cumsum()])
    indices = np.fromiter(chain.from_iterable(listed), np.int32, offsets[-1])
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1), dtype=np.float32), sizes)
    return sparse.csr_matrix((values, indices, offsets), shape=(len(listed), width))


def words(sentences: Sequence[Sequence[str]], sizes: Sequence[int], width: int) -> Matrix:
    """A row a word of all sentences: its own n-grams and form, and those of the words beside it."""
    number: dict[str, int] = {"": 0}  # what stands beside the first and the last word
    own, left, right = [], [], []
    for sentence in sentences:
        codes = [number.setdefault(word, len(number)) for word in sentence]
        own += codes
        left += [0, *codes[:-1]]
        right += [*codes[1:], 0]
    inner = rows((hashed(_inside(word, sizes), width) for word in number), width)
    # a neighbour is known by little, so that little room will do
    outer = rows((hashed(_outside(word), width // 4) for word in number), width // 4)
    return sparse.hstack([inner[own], outer[left], outer[right]], format="csr")


def _inside(word: str, sizes: Sequence[int]) -> Iterator[str]:
    yield from grams(word, sizes)
    yield f"word={word}"
    yield f"lower={word.lower()}"
    yield f"form={form(word)}"


def _outside(word: str) -> Iterator[str]:
    lower = word.lower()
    yield f"lower={lower}"
    yield f"start={lower[:3]}"
    yield f"end={lower[-3:]}"
    yield f"form={form(word)}"


def texts(pairs: Sequence[tuple[str, str | None]], sizes: Sequence[int], width: int) -> Matrix:
    """A row a pair: the n-grams of the first, of the second, of the second alone, and how much the two overlap."""
    firsts = [grams(first, sizes) for first, _ in pairs]
    seconds = [grams(second or "", sizes) for _, second in pairs]
    alone = [second - first for first, second in zip(firsts, seconds, strict=True)]
    overlaps = (hashed(_overlap(*pair, sizes), OVERLAP) for pair in pairs)
    blocks = [rows((hashed(bag, width) for bag in bags), width) for bags in (firsts, seconds, alone)]
    return sparse.hstack([*blocks, rows(overlaps, OVERLAP)], format="csr")


def _overlap(first: str, second: str | None, sizes: Sequence[int]) -> Iterator[str]:
    if second is None:
        return
    for n in sizes:
        yield f"{n}-grams={_share(grams(first, (n,)), grams(second, (n,)))}"
    tokens, others = ({token.lower() for token in TOKEN.findall(text)} for text in (first, second))
    yield f"tokens={_share(tokens, others)}"
    yield f"new={min(len(others - tokens), BINS)}"
    yield f"length={round(np.log2(len(second) / len(first)) * 2)}"


def _share(whole: Collection[str], part: Collection[str]) -> int:
    """How much of a part lies in the whole, in steps."""
    return BINS * len({*whole} & {*part}) // max(1, len({*part}))


def sentences(texts: Sequence[str], sizes: Sequence[int], width: int, dimensions: int) -> NDArray[np.float32]:
    """A vector a sentence, of length 1: its n-grams by their rarity among these sentences, folded to few dimensions."""
    matrix = rows((hashed(grams(text, sizes), width) for text in texts), width)
    frequency = np.bincount(matrix.indices, minlength=width)
    rarity = np.log((1 + len(texts)) / (1 + frequency), dtype=np.float32) + np.float32(1)
    matrix.data *= rarity[matrix.indices]
    dense = fold(matrix, dimensions)
    norms = np.linalg.norm(dense, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(dense, norms, out=np.zeros_like(dense), where=norms > 0)
    return unit


def fold(matrix: Matrix, dimensions: int) -> NDArray[np.float32]:
    """The rows of a sparse matrix in a few dense dimensions, their cosines kept up to noise of 1 / sqrt(dimensions).

    Source: Charikar, Chen and Farach-Colton (2002), count sketch: each column goes to one dimension with a random sign.
    """
    rng = np.random.default_rng(0)  # always the same projection, or vectors of two calls could not be compared
    target = rng.integers(dimensions, size=matrix.shape[1], dtype=np.int32)
    sign = rng.choice(np.array([-1, 1], dtype=np.float32), size=matrix.shape[1])
    folded = sparse.csr_matrix(
        (matrix.data * sign[matrix.indices], target[matrix.indices], matrix.indptr), shape=(matrix.shape[0], dimensions)
    )
    dense: NDArray[np.float32] = folded.toarray()
    return dense

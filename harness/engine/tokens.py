"""Token arrays of a whole corpus, made once, kept on disk and shared by every job and process."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example, Shape
from harness.engine.arrays import shared
from harness.engine.rows import Rows, rows_of
from harness.engine.tokenizer import Tokenizer

Ints = NDArray[np.signedinteger[Any]]

EMPTY = np.zeros(0, np.int32)

VERSION = 3  # raised when equal examples, tokenizer and lengths give other rows, or rows are stored otherwise

STRIDE = 128
"""Tokens from the start of one window of a passage to the start of the next, as BERT's SQuAD script has it."""

tally: Counter[str] = Counter()
"""How many corpora this process has tokenised (``made``) and found on disk (``read``)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The rows of one corpus or of several pooled ones: flat arrays, cut by offsets.

    Attributes:
        ids: (tokens,) entries of the tokenizer's vocabulary or, where there are ``grams``, of the token types below.
        segments: (tokens,) 1 for the second text of a pair, where the tokenizer tells them apart.
        offsets: (rows + 1,) where each row starts.
        example: (rows,) position of the row's example; the rows of one example stand together, in order.
        word: (tokens,) for WORDS the word that starts here, -1 elsewhere; otherwise empty.
        start: (tokens,) for PASSAGE the first character in the context, -1 outside it; otherwise empty.
        end: (tokens,) for PASSAGE the character after the last.
        grams: (features,) features of the token types, for tokenizers without a vocabulary; otherwise empty.
        gram_offsets: (types + 1,) where each type's features start.
    """

    ids: Ints
    segments: Ints
    offsets: Ints
    example: Ints
    word: Ints
    start: Ints
    end: Ints
    grams: Ints
    gram_offsets: Ints

    def __len__(self) -> int:
        return len(self.example)

    @property
    def lengths(self) -> Ints:
        """Tokens of each row, special tokens included."""
        return np.diff(self.offsets)

    def flat(self, rows: Ints) -> Ints:
        """Positions in the flat arrays of all tokens of these rows, row after row."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        ends = np.cumsum(lengths)
        return np.repeat(self.offsets[rows] - ends + lengths, lengths) + np.arange(lengths.sum())

    def select(self, rows: Ints) -> Tokens:
        """These rows alone, in this order; examples and token types keep their numbers."""
        at = self.flat(rows)
        return replace(
            self,
            ids=self.ids[at],
            segments=self.segments[at],
            offsets=np.concatenate([[0], np.cumsum(self.lengths[rows])]),
            example=self.example[rows],
            word=self.word[at] if len(self.word) else self.word,
            start=self.start[at] if len(self.start) else self.start,
            end=self.end[at] if len(self.end) else self.end,
        )


def tokens_of(
    corpus: Corpus[Example],
    shape: Shape,
    tokenizer: Tokenizer,
    max_length: int,
    cache: Path,
    *,
    stride: int = STRIDE,
    prefix: str = "",
) -> Tokens:
    """The tokens of all examples of a corpus, used or not, memory-mapped from the cache.

    Args:
        corpus: what to tokenise.
        shape: decides what a row is.
        tokenizer: gives the tokens.
        max_length: tokens a row, special tokens included.
        cache: folder that all processes share; each corpus has a folder of its own in it, there completely or not at
            all.
        stride: PASSAGE: tokens from one window's start to the next.
        prefix: SENTENCE: text before every sentence, as some sentence encoders want it.
    """
    identity = (VERSION, tokenizer.identity, corpus.fingerprint, shape.value, max_length, stride, prefix)
    folder = cache / "tokens" / hashlib.sha256(repr(identity).encode()).hexdigest()
    name = f"{corpus.task}, {corpus.language}, {corpus.split}"
    made = tally["made"]

    def make() -> dict[str, Ints]:
        tally["made"] += 1
        return _pack(rows_of(corpus.examples, shape, tokenizer, max_length, stride, prefix, name), tokenizer)

    arrays = shared(folder, make)
    tally["read"] += tally["made"] == made
    return Tokens(**{field.name: arrays.get(field.name, EMPTY) for field in fields(Tokens)})


def pool(corpora: Sequence[Corpus[Example]], tokens: Iterable[Tokens]) -> Tokens:
    """The rows in use of all corpora as one; examples are numbered through, in the order in which they are used."""
    parts: list[Tokens] = []
    examples: list[Ints] = []
    base = types = 0
    for corpus, all_rows in zip(corpora, tokens, strict=True):
        chosen = np.arange(len(corpus.examples)) if corpus.chosen is None else np.asarray(corpus.chosen, dtype=np.int64)
        position = np.full(len(corpus.examples), -1)
        position[chosen] = np.arange(base, base + len(chosen))
        part = all_rows.select(np.flatnonzero(position[all_rows.example] >= 0))
        if len(part.grams):
            shifted = part.gram_offsets + sum(len(p.grams) for p in parts)
            part = replace(part, ids=part.ids + types, gram_offsets=shifted)
            types += len(shifted) - 1
        examples.append(position[part.example])
        parts.append(part)
        base += len(chosen)
    lengths = np.concatenate([np.zeros(1, np.int64), *(part.lengths for part in parts)])
    return Tokens(
        _joined([p.ids for p in parts]),
        _joined([p.segments for p in parts]),
        np.cumsum(lengths),
        _joined(examples),
        _joined([p.word for p in parts]),
        _joined([p.start for p in parts]),
        _joined([p.end for p in parts]),
        _joined([p.grams for p in parts]),
        _joined([p.gram_offsets[min(i, 1) :] for i, p in enumerate(parts)]),
    )


def _joined(arrays: Sequence[Ints]) -> Ints:
    return np.concatenate(arrays) if arrays else np.zeros(0, np.int64)


def _pack(rows: Rows, tokenizer: Tokenizer) -> dict[str, Ints]:
    ids, grams, gram_offsets = tokenizer.types(np.asarray(rows.ids, np.int32))
    return {
        "ids": ids,
        "segments": np.asarray(rows.segments, np.int8),
        "offsets": np.asarray(rows.offsets, np.int64),
        "example": np.asarray(rows.example, np.int32),
        "word": np.asarray(rows.word, np.int32),
        "start": np.asarray(rows.start, np.int32),
        "end": np.asarray(rows.end, np.int32),
        "grams": grams,
        "gram_offsets": gram_offsets,
    }

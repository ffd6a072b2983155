"""A tokenizer whose tokens can be read off the text, and corpora of one line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from harness.data.examples import Corpus, Example
from harness.engine.tokenizer import Frame, Ints, Pieces
from harness.engine.tokens import Tokens

BEGIN, END = 1, 2


class Letters:
    """Each letter is a token, its code point; everything else is dropped."""

    frame = Frame(((BEGIN,), (END,)), ((BEGIN,), (END, END), (END,)))
    unknown = 3

    def __init__(self, identity: str = "letters") -> None:
        self.identity = identity
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        self.asked += texts
        found = [[(ord(c), (i, i + 1)) for i, c in enumerate(text) if c.isalpha()] for text in texts]
        return [Pieces([token for token, _ in text], [span for _, span in text]) for text in found]

    def encode_words(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        return [[[ord(c) for c in word if c.isalpha()] for word in sentence] for sentence in sentences]

    def types(self, ids: Ints) -> tuple[Ints, Ints, Ints]:
        return ids, np.zeros(0, np.int32), np.zeros(0, np.int64)


@pytest.fixture(scope="session")
def letters() -> Letters:
    return Letters()


@pytest.fixture(scope="session")
def corpus_of() -> Callable[[Sequence[Example]], Corpus[Example]]:
    """A corpus of these examples, with the fingerprint that its content deserves."""

    def make(examples: Sequence[Example]) -> Corpus[Example]:
        print_ = hashlib.sha256(repr(examples).encode()).hexdigest()
        return Corpus("toy", "eng", "test", tuple(examples), print_)

    return make


@pytest.fixture(scope="session")
def tokens_with() -> Callable[[Ints], Tokens]:
    """Rows of these lengths, whose tokens are numbered through from 1."""

    def make(lengths: Ints) -> Tokens:
        none = np.zeros(0, np.int64)
        ids = np.arange(1, int(lengths.sum()) + 1)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return Tokens(ids, ids % 2, offsets, np.arange(len(lengths)), none, none, none, none, none)

    return make

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import pytest

from harness.data.examples import Corpus, Example, Sentence, TaggedWords
from harness.distances.base import Context, Distance, distances

Value = Callable[..., float]


def corpus(language: str, examples: Sequence[Example]) -> Corpus[Example]:
    return Corpus("made_up", language, "test", tuple(examples), f"{language}-{len(examples)}")


def spoken(language: str, *lines: str) -> Corpus[Example]:
    return corpus(language, [Sentence(str(i), str(i), line) for i, line in enumerate(lines)])


def tagged(language: str, *lines: str) -> Corpus[Example]:
    """Lines like ``Ada/B-PER went``."""
    split = [[(word.partition("/")[0], word.partition("/")[2] or "O") for word in line.split()] for line in lines]
    return corpus(
        language,
        [TaggedWords(str(i), str(i), tuple(w for w, _ in s), tuple(t for _, t in s)) for i, s in enumerate(split)],
    )


class Letters:
    """A tokenizer that cuts words into pieces of two characters; ``?`` is the unknown token, number 0."""

    unknown = 0

    def encode(self, texts):
        return [_Pieces([id for word in text.split() for id in self._word(word)]) for text in texts]

    def encode_words(self, sentences):
        return [[self._word(word) for word in sentence] for sentence in sentences]

    def _word(self, word):
        pieces = [word[i : i + 2] for i in range(0, len(word), 2)]
        return [0 if piece == "??" else int.from_bytes(piece.encode(), "big") for piece in pieces]


class _Pieces:
    def __init__(self, ids):
        self.ids = ids


def one(name: str | Distance, a: str, b: str, context: Context | None = None) -> pd.Series:
    """The row of one ordered pair."""
    table = distances([name], [a, b], context or Context())
    return table.iloc[0]


@pytest.fixture
def letters() -> Letters:
    return Letters()

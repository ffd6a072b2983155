"""What rows are made with: a tokenizer, the tokens that it gives, and the special ones around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.signedinteger[Any]]
Ids = Sequence[int]


class Frame(NamedTuple):
    """Special tokens around one text and around two, and the segments of the five parts of a pair."""

    single: tuple[tuple[int, ...], tuple[int, ...]]
    pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    segments: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)


class Pieces(NamedTuple):
    """Tokens of one text, without special ones, and the characters ``(start, end)`` that each stands for."""

    ids: Ids
    spans: Sequence[tuple[int, int]]


class Tokenizer(Protocol):
    """What rows are made with.

    Attributes:
        identity: all that decides the tokens.
        unknown: the token of a word that has none.
    """

    identity: str
    frame: Frame
    unknown: int

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        """Tokens of each text."""

    def encode_words(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """Tokens of each word of each sentence; a word may have none."""

    def types(self, ids: Ints) -> tuple[Ints, Ints, Ints]:
        """Tokens as they are stored, and features and offsets of the token types; both empty with a vocabulary."""

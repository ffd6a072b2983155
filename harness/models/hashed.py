"""Tokens of any script without a vocabulary: words and punctuation, each a bag of hashed character n-grams."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from zlib import crc32

import numpy as np

from harness.engine.tokenizer import Frame, Ints, Pieces

# scripts that put no space between words: a token a character
_UNSPACED = (
    r"\u0e00-\u0eff"  # Thai, Lao
    r"\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"  # Burmese
    r"\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    r"\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
# marks are no word characters to `re`, and in Indic and Semitic scripts they stand inside words; the danda, which ends
# sentences, does not
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f"
    r"\u0900-\u0903\u093a-\u094f\u0951-\u0963\u0966-\u0d83\u0dca-\u0ddf\u200c\u200d"
)
TOKEN = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w{_MARKS}])+|[^\w\s]")
RUN = re.compile(rf"[{_UNSPACED}]+")

CLS, SEP = 0, 1
FORMS = 12
"""Written forms of a token: the two special ones, then those of ``form``."""
PUNCTUATION = slice(2, 4)
"""Those of punctuation."""


def form(word: str) -> int:
    """A number for what a token looks like: case, digits, punctuation, or a script without case."""
    if not any(c.isalnum() for c in word):
        return 2 if word.isascii() else 3
    if any(c.isdigit() for c in word):
        return 4 if word.isdigit() else 5
    if word.islower():
        return 6
    if word.istitle():
        return 7 if len(word) > 1 else 8
    if word.isupper():
        return 9
    return 10 if word.lower() == word.upper() else 11


class Hashed:
    """Words as they stand in the text, a token each.

    Token types are stored with their features: first the written form, ``buckets + form``, then a bucket below
    ``buckets`` for each n-gram of the lower-cased word between boundary marks, and for the whole of it. Scripts without
    spaces show no boundaries: there it is each character and each pair of neighbours, across tokens too.
    """

    frame = Frame(((CLS,), ()), ((CLS,), (SEP,), ()), (0, 0, 0, 1, 1))
    pad = CLS

    def __init__(self, buckets: int, ngrams: Sequence[int]) -> None:
        self.buckets = buckets
        self.ngrams = tuple(ngrams)
        self.identity = f"hashed-2|{buckets}|{self.ngrams}|{TOKEN.pattern}"
        self._number: dict[tuple[str, str, str], int] = {}
        self._features: list[list[int]] = [[buckets + CLS], [buckets + SEP]]
        self.unknown = self._intern("\ufffd")

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        """Words, single characters of unspaced scripts, and single punctuation marks."""
        return [self._encoded(text) for text in texts]

    def encode_words(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """One token a word, whatever is in it."""
        return [[[self._intern(word)] for word in sentence] for sentence in sentences]

    def types(self, ids: Ints) -> tuple[Ints, Ints, Ints]:
        """Tokens numbered by first occurrence in the corpus, with the features of each type."""
        seen, first, number = np.unique(ids, return_index=True, return_inverse=True)
        order = np.argsort(first)
        position = np.empty_like(order)
        position[order] = np.arange(len(order))
        features = [self._features[i] for i in seen[order]]
        offsets = np.cumsum([0, *map(len, features)])
        return position[number].astype(np.int32), np.asarray([*chain.from_iterable(features)], np.int32), offsets

    def _encoded(self, text: str) -> Pieces:
        inside = {i for run in RUN.finditer(text) for i in range(*run.span())}
        spans = [m.span() for m in TOKEN.finditer(text)]
        ids = []
        for start, end in spans:
            before = text[start - 1] if {start - 1, start} <= inside else ""
            after = text[end] if {start, end} <= inside else ""
            ids.append(self._intern(text[start:end], before, after))
        return Pieces(ids, spans)

    def _intern(self, word: str, before: str = "", after: str = "") -> int:
        found = self._number.get((before, word, after))
        if found is None:
            found = self._number[before, word, after] = len(self._features)
            grams = self._grams(word.lower()) | {pair for pair in (before + word, word + after) if pair != word}
            self._features.append([self.buckets + form(word), *sorted({self._bucket(gram) for gram in grams})])
        return found

    def _grams(self, word: str) -> set[str]:
        runs = RUN.findall(word)
        if runs:
            # as the sentences have it that words were never marked in
            rest = RUN.sub(" ", word).split()
            pairs = {run[i : i + n] for run in runs for n in (1, 2) for i in range(len(run) - n + 1)}
            return pairs.union(*(self._grams(part) for part in rest))
        marked = f"<{word}>"
        # n-grams of a long run are of no use, and a line without spaces would have thousands
        head = marked[:64]
        return {head[i : i + n] for n in self.ngrams for i in range(len(head) - n + 1)} - {"<", ">"} | {f"={word}"}

    def _bucket(self, gram: str) -> int:
        return crc32(gram.encode()) % self.buckets

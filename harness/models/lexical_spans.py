"""Candidate answers of a context, each with a fixed number of features of itself, its surroundings and the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Answer
from harness.models.hashed import FORMS, TOKEN, form
from harness.models.lexical_features import grams, hashed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGEST = 10  # tokens of an answer
KEPT = 3  # sentences that candidates come from, those most like the question
NEAR = 4  # tokens beside a candidate that are compared with the question
STOPS = frozenset(".!?;。！？；।॥؟۔…")
BINS = 6
CUES = 64  # buckets of the question's first and last word
BUCKETS = 2**14  # of n-grams

SIZES = (
    LONGEST,  # tokens
    KEPT,  # rank of the sentence
    BINS,  # likeness of the candidate to the question: answers repeat little of it
    BINS,  # likeness of what stands before
    BINS,  # of what stands behind
    BINS,  # distance to the nearest token of the question
    BINS,  # place in the context
    FORMS,  # written form of the token before
    FORMS,  # of the token behind
    FORMS * FORMS,  # of the first and last token
    FORMS * LONGEST,  # of the first token, and the length
    CUES * FORMS,  # of the first token, and the question's first word
    CUES * FORMS,  # of the first token, and the question's last word
)
"""Values of each feature; a candidate has one value of each."""

COLUMNS = sum(SIZES)
_OFFSETS = np.cumsum([0, *SIZES[:-1]])


@dataclass(frozen=True, slots=True)
class Passage:
    """A context in tokens.

    Attributes:
        start: first character of each token, (tokens,); ``end`` is behind its last one.
        form: written form of each token.
        sentence: number of the sentence of each token.
        word: whether it is one, and not punctuation.
        rarity: 1 / occurrences of the token here.
        codes: hashed n-grams of all tokens, one after the other; ``offsets`` is where each token's begin.
    """

    start: Ints
    end: Ints
    form: Ints
    sentence: Ints
    word: NDArray[np.bool_]
    rarity: Floats
    codes: Ints
    offsets: Ints


@dataclass(frozen=True, slots=True)
class Candidates:
    """Characters ``start:end`` of each candidate, and its columns, (candidates, features)."""

    start: Ints
    end: Ints
    columns: Ints

    def like(self, answers: Sequence[Answer]) -> NDArray[np.bool_]:
        """The candidates nearest to one of the answers, if they share more than half of their characters with it."""
        found = np.zeros(len(self.start), dtype=np.bool_)
        for answer in answers:
            stop = answer.start + len(answer.text)
            shared = np.minimum(self.end, stop) - np.maximum(self.start, answer.start)
            all_ = np.maximum(self.end, stop) - np.minimum(self.start, answer.start)
            ratio = shared / all_
            found |= (ratio > 0.5) & (ratio == ratio.max(initial=0))
        return found


def read(context: str) -> Passage:
    """The tokens of a context: words, or single characters in scripts without spaces."""
    found = [(match.group().lower(), match.group(), match.span()) for match in TOKEN.finditer(context)]
    lowered = [low for low, _, _ in found]
    forms = np.array([form(word) for _, word, _ in found])
    stops = np.array([word in STOPS for word in lowered])
    distinct, inverse, occurrences = np.unique(lowered, return_inverse=True, return_counts=True)
    known = [sorted(hashed(grams(word, (2, 3, 4)), BUCKETS)) for word in distinct]
    codes = [known[i] for i in inverse]
    spans = np.array([span for _, _, span in found])
    return Passage(
        start=spans[:, 0],
        end=spans[:, 1],
        form=forms,
        sentence=np.cumsum(stops) - stops,
        word=np.array([any(map(str.isalnum, word)) for word in lowered]),
        rarity=1 / occurrences[inverse],
        codes=np.concatenate(codes),
        offsets=np.cumsum([0, *map(len, codes[:-1])]),
    )


def candidates(passage: Passage, question: str) -> Candidates:
    """Spans of up to ``LONGEST`` tokens inside the sentences most like the question; none if there is no word."""
    likeness = _likeness(passage, question)
    totals = np.bincount(passage.sentence, likeness * passage.rarity)
    best = np.argsort(-totals, kind="stable")[:KEPT]
    rank = np.full(len(totals), -1)
    rank[best] = np.arange(len(best))

    tokens = len(likeness)
    first = np.repeat(np.flatnonzero(passage.word & (rank[passage.sentence] >= 0)), LONGEST)
    length = np.tile(np.arange(LONGEST), len(first) // LONGEST)
    last = first + length
    inside = last < tokens
    first, length, last = first[inside], length[inside], last[inside]
    whole = (passage.sentence[first] == passage.sentence[last]) & passage.word[last]
    first, length, last = first[whole], length[whole], last[whole]

    sums = np.concatenate([[0.0], likeness.cumsum()])
    before, behind = np.maximum(first - NEAR, 0), np.minimum(last + 1 + NEAR, tokens)
    edge = np.concatenate([[0], passage.form, [0]])  # 0 is no form of a token
    alike = np.concatenate([[-tokens], np.flatnonzero((likeness > 0.6) & passage.word), [2 * tokens]])
    nearest = np.searchsorted(alike, first)
    distance = np.minimum(first - alike[nearest - 1], alike[np.searchsorted(alike, last, "right")] - last)
    asked = [word.lower() for word in TOKEN.findall(question)]
    opening, closing = (crc32(word.encode()) % CUES for word in (asked[0], asked[-2:][0]))
    opens, closes = passage.form[first], passage.form[last]
    features = (
        length,
        rank[passage.sentence[first]],
        _bin((sums[last + 1] - sums[first]) / (length + 1)),
        _bin((sums[first] - sums[before]) / NEAR),
        _bin((sums[behind] - sums[last + 1]) / NEAR),
        np.minimum(distance, BINS - 1),
        _bin(first / tokens),
        edge[first],
        edge[last + 2],
        opens * FORMS + closes,
        opens * LONGEST + length,
        opens * CUES + opening,
        opens * CUES + closing,
    )
    columns = np.stack(features, axis=1) + _OFFSETS
    return Candidates(passage.start[first], passage.end[last], columns)


def _likeness(passage: Passage, question: str) -> Floats:
    """Share of each token's n-grams that the question has too, (tokens,); rare tokens of the context count more."""
    asked = np.zeros(BUCKETS)
    asked[
        sorted({code for word in TOKEN.findall(question.lower()) for code in hashed(grams(word, (2, 3, 4)), BUCKETS)})
    ] = 1
    sizes = np.diff(np.append(passage.offsets, len(passage.codes)))
    return np.add.reduceat(asked[passage.codes], passage.offsets) / sizes * np.sqrt(passage.rarity)


def _bin(share: Floats) -> Ints:
    """Steps of numbers in [0, 1]."""
    return np.minimum(share * BINS, BINS - 1).astype(np.int64)

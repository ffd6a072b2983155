"""How a tokenizer treats each language, and how unlike it treats two.

Distances are differences of what ``profile`` says, of logarithms where it is a ratio; ``profile`` itself is the table
to look at when the question is about one language.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from types import MappingProxyType

import numpy as np
import pandas as pd

from harness.data.examples import Corpus, Example, Sentence
from harness.distances.base import Context, Distance, Floats, Kind, Need, Tokenizer, by_pair, frame, register
from harness.distances.texts import sentences, texts
from harness.errors import NotApplicableError

MEASURES = ("fertility", "continued", "unknown", "allocation", "characters")


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a tokenizer makes of the texts of one language.

    Attributes:
        counts: how often each token occurs.
        texts: how many there are.
        characters: in all of them.
    """

    counts: Counter[int]
    texts: int
    characters: int


# several distances ask for the same, and nothing here takes longer
@lru_cache(maxsize=256)
def encoded(corpus: Corpus[Example], tokenizer: Tokenizer) -> Encoded:
    """The tokens of all different texts of a corpus."""
    lines = texts(corpus)
    counts = Counter(chain.from_iterable(pieces.ids for pieces in tokenizer.encode(lines)))
    return Encoded(counts, len(lines), sum(map(len, lines)))


@lru_cache(maxsize=256)
def profile(corpus: Corpus[Example], tokenizer: Tokenizer) -> Mapping[str, float]:
    """What a tokenizer makes of one language; NaN where words are needed and undefined.

    Returns:
        ``fertility``: tokens a word; ``continued``: share of the words that are split; ``unknown``: share of the tokens
        that are unknown; ``allocation``: the average log probability of a text (ALP, Zheng et al. 2021), the sum over
        its tokens of their log frequency in this corpus, higher where the vocabulary holds more of the language;
        ``characters``: characters a token.
    """
    made = encoded(corpus, tokenizer)
    total = made.counts.total()
    found = dict.fromkeys(MEASURES, math.nan)
    if total:
        found["unknown"] = made.counts[tokenizer.unknown] / total
        found["allocation"] = sum(n * math.log(n / total) for n in made.counts.values()) / made.texts
        found["characters"] = made.characters / total
    pieces = [len(word) for line in tokenizer.encode_words(sentences(corpus) or []) for word in line]
    if pieces:
        found["fertility"] = sum(pieces) / len(pieces)
        found["continued"] = sum(n > 1 for n in pieces) / len(pieces)
    return MappingProxyType(found)


def table(context: Context) -> pd.DataFrame:
    """``profile`` of every language that has texts, a row each."""
    tokenizer = _tokenizer(context)
    rows = [{"language": code, **profile(corpus, tokenizer)} for code, corpus in context.corpora.items()]
    return pd.DataFrame(rows, columns=["language", *MEASURES])


def parity(a: Floats, b: Floats) -> float:
    """Mean over translations of tokens in a per tokens in b, 1 where both are treated alike (Petrov et al. 2023).

    Args:
        a: tokens of each sentence; NaN where it is missing.
        b: tokens of its translations.
    """
    both = np.isfinite(a) & np.isfinite(b) & (b > 0)
    return float((a[both] / b[both]).mean()) if both.any() else math.nan


def _parity(codes: Sequence[str], context: Context) -> pd.DataFrame:
    tokenizer = _tokenizer(context)
    known = {code: context.parallel[code] for code in codes if code in context.parallel}
    if not known:
        raise NotApplicableError("parity needs parallel sentences: name a parallel task whose data is at hand")
    ids = {id: i for i, id in enumerate(dict.fromkeys(example.id for corpus in known.values() for example in corpus))}
    lengths: dict[str, Floats] = {}
    for code, corpus in known.items():
        lengths[code] = np.full(len(ids), np.nan)
        pieces = tokenizer.encode([example.text for example in corpus if isinstance(example, Sentence)])
        at = [ids[example.id] for example in corpus if isinstance(example, Sentence)]
        lengths[code][at] = [len(found.ids) for found in pieces]
    common = by_pair(codes, lengths, lambda a, b: float((np.isfinite(a) & np.isfinite(b)).sum()))
    return frame(codes, np.abs(np.log(by_pair(codes, lengths, parity))), common)


def _difference(measure: str, scale: Callable[[float], float]) -> Distance:
    def compute(codes: Sequence[str], context: Context) -> pd.DataFrame:
        found = _profiles(codes, context)
        return frame(codes, by_pair(codes, found, lambda a, b: abs(scale(a[measure]) - scale(b[measure]))))

    needs = frozenset({Need.TEXTS, Need.TOKENIZER})
    return Distance(f"tokenizer_{measure}", Kind.TOKENIZER, "1", True, compute, needs=needs)


def _profiles(codes: Sequence[str], context: Context) -> Mapping[str, Mapping[str, float]]:
    tokenizer = _tokenizer(context)
    found = {code: profile(context.corpora[code], tokenizer) for code in codes if code in context.corpora}
    if not found:
        raise NotApplicableError("tokenizer distances need texts: name a task whose data is at hand")
    return found


def _tokenizer(context: Context) -> Tokenizer:
    if context.tokenizer is None:
        raise NotApplicableError("tokenizer distances need a tokenizer: name a model that has one")
    return context.tokenizer


def _itself(value: float) -> float:
    return value


register(
    _difference("fertility", math.log),
    _difference("continued", _itself),
    _difference("unknown", _itself),
    _difference("allocation", _itself),
    _difference("characters", math.log),
    Distance("tokenizer_parity", Kind.TOKENIZER, "1", False, _parity, needs=frozenset({Need.PARALLEL, Need.TOKENIZER})),
)

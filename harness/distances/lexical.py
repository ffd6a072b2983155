"""Distances from texts: words, sub-words, character n-grams, entities and the variety of words.

Everything here grows with the amount of text: compare languages on corpora of like size.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from harness.data.examples import Corpus, Example, TaggedWords
from harness.distances import profiles as bags
from harness.distances.base import Context, Distance, Floats, Kind, Need, by_pair, frame, register
from harness.distances.texts import sentences, texts
from harness.distances.tokenizer import encoded
from harness.errors import NotApplicableError

NGRAM = 3
"""Characters of an n-gram."""

Counts = Mapping[str, int] | Mapping[int, int]
Measure = Callable[[Sequence[str], Mapping[str, bags.Profile]], Floats]


def words(corpus: Corpus[Example]) -> Counter[str]:
    """Words as they stand in the texts; none where what a word is, is undefined."""
    return Counter(word for sentence in sentences(corpus) or () for word in sentence)


def ngrams(corpus: Corpus[Example]) -> Counter[str]:
    """Character trigrams of the lower-cased texts, with one space at every break and at both ends."""
    found: Counter[str] = Counter()
    for text in texts(corpus):
        line = f" {' '.join(unicodedata.normalize('NFC', text).casefold().split())} "
        found.update(line[i : i + NGRAM] for i in range(len(line) - NGRAM + 1))
    return found


def entities(corpus: Corpus[Example]) -> Counter[str]:
    """The names that the gold tags mark, words joined by spaces; of whatever type."""
    found: Counter[str] = Counter()
    for example in corpus:
        if isinstance(example, TaggedWords):
            name: list[str] = []
            for word, tag in zip((*example.words, ""), (*example.tags, "O"), strict=True):
                if name and not tag.startswith("I-"):
                    found[" ".join(name)] += 1
                    name = []
                if tag.startswith(("B-", "I-")):
                    name.append(word)
    return found


def type_token_ratio(corpus: Corpus[Example]) -> float:
    """Different words per word; NaN where words are undefined."""
    counted = words(corpus)
    return len(counted) / counted.total() if counted else float("nan")


def ttr_distance(source: float, target: float) -> float:
    """LangRank's distance of type-token ratios, ``(1 - source / target) ** 2``; not symmetric."""
    return (1 - source / target) ** 2


def _tokens(corpus: Corpus[Example], context: Context) -> Counter[int]:
    if context.tokenizer is None:
        raise NotApplicableError("sub-word overlap needs a tokenizer: name a model")
    return encoded(corpus, context.tokenizer).counts


def _bag(
    name: str,
    count: Callable[[Corpus[Example], Context], Counts],
    measure: Measure,
    *,
    of: str = "text",
    tokenizer: bool = False,
    similarity: bool = True,
) -> Distance:
    """A distance of bags of items: one minus a similarity, or what is a distance already."""

    def compute(codes: Sequence[str], context: Context) -> pd.DataFrame:
        known = bags.profiles({code: count(corpus, context) for code, corpus in _corpora(codes, context).items()})
        if not known:
            raise NotApplicableError(f"{name} needs {of}, which no language's texts have")
        values = measure(codes, known)
        return frame(codes, 1 - values if similarity else values, bags.shared(codes, known))

    needs = {Need.TEXTS, *([Need.TOKENIZER] if tokenizer else [])}
    return Distance(name, Kind.LEXICAL, "1", True, compute, needs=frozenset(needs))


def _ttr(codes: Sequence[str], context: Context) -> pd.DataFrame:
    ratios = {code: type_token_ratio(corpus) for code, corpus in _corpora(codes, context).items()}
    return frame(codes, by_pair(codes, ratios, ttr_distance))


def _corpora(codes: Sequence[str], context: Context) -> dict[str, Corpus[Example]]:
    found = {code: context.corpora[code] for code in codes if code in context.corpora}
    if not found:
        raise NotApplicableError("lexical distances need texts: name a task whose data is at hand")
    return found


register(
    _bag("word_overlap", lambda corpus, _: words(corpus), bags.overlap, of="words"),
    _bag("subword_overlap", _tokens, bags.overlap, tokenizer=True),
    _bag("subword_jaccard", _tokens, bags.jaccard, tokenizer=True),
    _bag("subword_jensen_shannon", _tokens, bags.jensen_shannon, tokenizer=True, similarity=False),
    _bag("character_ngrams", lambda corpus, _: ngrams(corpus), bags.cosine),
    _bag("entity_overlap", lambda corpus, _: entities(corpus), bags.overlap, of="tagged names"),
    Distance("type_token_ratio", Kind.LEXICAL, "1", False, _ttr, needs=frozenset({Need.TEXTS})),
)

"""The texts and words of a corpus, whatever its shape."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from harness.data.examples import (
    Corpus,
    Example,
    LabelledText,
    Options,
    Question,
    Sentence,
    TaggedWords,
    ValuedText,
)
from harness.languages import language

UNSPACED = frozenset({"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"})
"""Scripts that put no space between words: what a word is, is undefined unless the data set says so."""


def texts(corpus: Corpus[Example]) -> list[str]:
    """Every different text of the examples in use; a premise or a passage that comes back counts once."""
    return list(dict.fromkeys(text for example in corpus for text in _texts(example) if text.strip()))


def sentences(corpus: Corpus[Example]) -> list[tuple[str, ...]] | None:
    """The words of each text; None where nobody has said what a word is.

    Words are those of the data set, or runs between spaces without the punctuation at their ends; what holds no letter
    or digit is none.
    """
    if any(isinstance(example, TaggedWords) for example in corpus):
        split = [example.words for example in corpus if isinstance(example, TaggedWords)]
    elif language(corpus.language).script in UNSPACED:
        return None
    else:
        split = [tuple(map(_bare, text.split())) for text in texts(corpus)]
    return [tuple(word for word in words if any(map(str.isalnum, word))) for words in split]


def _texts(example: Example) -> Iterator[str]:
    match example:
        case TaggedWords():
            yield " ".join(example.words)
        case LabelledText() | ValuedText():
            yield example.first
            yield example.second or ""
        case Question():
            yield example.question
            yield example.context
        case Sentence():
            yield example.text
        case Options():
            yield example.first
            yield from example.options
        case _:
            raise TypeError(f"no text is known of {type(example).__name__}")


def _bare(word: str) -> str:
    """The word without punctuation and symbols at its ends; marks, which Indic words end in, stay."""
    inside = [i for i, char in enumerate(word) if unicodedata.category(char)[0] not in "PSZC"]
    return word[inside[0] : inside[-1] + 1] if inside else ""

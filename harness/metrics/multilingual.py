"""Exact match and token F1 of answers by the same rules in every language, scripts without spaces among them.

The official scores split answers at spaces, so that an answer in Chinese or Thai is right or wrong as a whole. They
delete English articles from every language (SQuAD), or have rules for seven languages (MLQA). Here

- texts are compared in Unicode's caseless compatibility form (NFKC with full case folding): full-width and half-width
  letters and digits are the same, ``ß`` and ``ss``, a final and any other sigma;
- characters that nobody sees are dropped: joiners, marks of direction, soft and zero-width breaks;
- punctuation is dropped in every script, as in MLQA; that of Tibetan and Ethiopic ends a word, as a space does;
- a letter of the scripts of Chinese, Japanese, Thai, Khmer, Lao and Burmese is a token, with the marks that follow it,
  and spaces between such letters mean nothing. All else, numbers in these scripts too, is a word between spaces;
- no word is an article.
"""

from __future__ import annotations

import re
import unicodedata

from harness.metrics.answers import exact_metric, f1_metric
from harness.metrics.base import METRICS, Metric
from harness.metrics.punctuation import INVISIBLE, PUNCTUATION

_WORD_ENDS = str.maketrans(dict.fromkeys("\u0f0b\u0f0c\u1361", " "))

# first and last character
_IDEOGRAPHS = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_BLOCKS = (
    (0x3041, 0x30FF),  # Hiragana and Katakana
    (0x31F0, 0x31FF),
    (0x0E01, 0x0E7F),  # Thai
    (0x0E81, 0x0EFF),  # Lao
    (0x1780, 0x17FF),  # Khmer
    (0x1000, 0x109F),  # Burmese
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
)


def _those(kind: str) -> str:
    """The letters (L) or marks (M) of the blocks."""
    characters = (chr(code) for first, last in _BLOCKS for code in range(first, last + 1))
    return "".join(char for char in characters if unicodedata.category(char).startswith(kind))


_LETTERS = _IDEOGRAPHS + _those("L")
_TOKEN = re.compile(rf"[{_LETTERS}][{_those('M')}]*|[^\s{_LETTERS}]+")


@METRICS.add("multilingual_f1")
def multilingual_f1() -> Metric:
    """F1 of the bags of tokens, the best over all gold answers."""
    return f1_metric("multilingual_f1", tokens)


@METRICS.add("multilingual_em")
def multilingual_em() -> Metric:
    """Whether the tokens of the answer are those of one of the gold answers, in the same order."""
    return exact_metric("multilingual_em", tokens)


def tokens(text: str) -> list[str]:
    """The tokens of an answer, as the module describes them."""
    seen = unicodedata.normalize("NFKC", text).translate(INVISIBLE)
    folded = unicodedata.normalize("NFKC", seen.casefold())
    return _TOKEN.findall(folded.translate(_WORD_ENDS).translate(PUNCTUATION))

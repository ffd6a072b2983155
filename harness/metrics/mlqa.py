"""MLQA's two scores of an answer, exact match and token F1, with its own normalisation for each of its languages."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.errors import HarnessError, NotApplicableError
from harness.metrics.answers import Tokens, exact_metric, f1_metric
from harness.metrics.base import METRICS, Metric
from harness.metrics.punctuation import PUNCTUATION

# what is an article is MLQA's word: the Vietnamese ones are a preposition, a copula, classifiers and a plural
_ARTICLES = {
    "eng": "a|an|the",
    "spa": "un|una|unos|unas|el|la|los|las",
    "vie": "của|là|cái|chiếc|những",
    "deu": "ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des",
}
_CHINESE = re.compile("[\u4e00-\u9fa5]|[^\u4e00-\u9fa5]+")


@METRICS.add("mlqa_f1")
def mlqa_f1(language: str = "") -> Metric:
    """F1 of the bags of tokens, the best over all gold answers.

    Args:
        language: of the answers, canonical; one of MLQA's seven.

    Source: Lewis et al. (2020), mlqa_evaluation_v1.py.

    Raises:
        NotApplicableError: MLQA has no rules for the language.
    """
    return f1_metric("mlqa_f1", _tokens(language))


@METRICS.add("mlqa_em")
def mlqa_em(language: str = "") -> Metric:
    """Whether the answer equals one of the gold answers. Source, arguments: as for ``mlqa_f1``."""
    return exact_metric("mlqa_em", _tokens(language))


def _tokens(language: str) -> Tokens:
    if not language:
        return _unknown
    if language not in _RULES:
        raise NotApplicableError(
            f"MLQA's scores have no rules for {language!r}, only for {', '.join(_RULES)}: "
            f"use squad_f1 and squad_em, or multilingual_f1 and multilingual_em"
        )
    rule = _RULES[language]
    return lambda text: rule(text.lower().translate(PUNCTUATION))


def _unknown(text: str) -> list[str]:
    raise HarnessError(f"MLQA's scores depend on the language of the answers; it is not known of {text!r}")


def _without(articles: str) -> Callable[[str], list[str]]:
    """Words between spaces, without the articles."""
    pattern = re.compile(rf"\b({articles})\b")
    return lambda text: pattern.sub(" ", text).split()


def _arabic(text: str) -> list[str]:
    """Words without the article, which goes wherever its two letters stand, within a word even."""
    return text.replace("ال", " ").split()


def _chinese(text: str) -> list[str]:
    """Each common ideograph alone, and words between spaces of the rest."""
    return [word for part in _CHINESE.findall(text) for word in part.split()]


_RULES: dict[str, Callable[[str], list[str]]] = {
    **{language: _without(articles) for language, articles in _ARTICLES.items()},
    "arb": _arabic,
    "hin": str.split,
    "zho-Hans": _chinese,
}

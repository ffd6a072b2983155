"""MLQA's scores, rule by rule, as its official script has them."""

import pytest

from harness.errors import HarnessError, NotApplicableError
from harness.languages import canonical
from harness.metrics.base import evaluate, metric

LANGUAGES = ("eng", "spa", "vie", "deu", "arb", "hin", "zho-Hans")


def scores(language, gold, guess):
    return tuple(evaluate(metric(name, language=language), [gold], [guess]) for name in ("mlqa_f1", "mlqa_em"))


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("eng", "The Tower of a King", "tower of king"),
        ("spa", "Unas torres y los reyes del mar", "torres y reyes del mar"),
        ("spa", "un una unos unas el la los las x", "x"),
        ("vie", "của là cái chiếc những sông", "sông"),
        ("deu", "Der König eines Landes", "könig landes"),
        ("deu", "ein eine einen einem eines einer der die das den dem des Haus", "haus"),
        ("arb", "الكتاب", "كتاب"),
        ("hin", "दिल्ली।", "दिल्ली"),
        ("zho-Hans", "《北京》 大学", "北京大学"),
        ("eng", "„Berlin“ – now", "berlin now"),  # punctuation of all scripts, not of ASCII alone
        ("eng", "$5+5", "55"),  # and the symbols of ASCII
    ],
)
def test_what_is_removed_is_no_difference(language, one, other):
    assert scores(language, (one,), other) == (1, 1)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("deu", "the House", "House"),  # the articles of another language stay
        ("eng", "der König", "König"),
        ("hin", "एक दिल्ली", "दिल्ली"),  # Hindi has none
        ("eng", "theatre", "atre"),  # articles are words
        ("eng", "5 €", "5"),  # a symbol that is neither punctuation nor ASCII stays
        ("zho-Hans", "ＡＢ", "AB"),  # no compatibility forms
        ("eng", "Straße", "strasse"),  # lower case, no folding
    ],
)
def test_what_stays_is_a_difference(language, one, other):
    f1, em = scores(language, (one,), other)
    assert em == 0
    assert f1 < 1


def test_the_arabic_article_goes_within_a_word_too():
    assert scores("arb", ("سالم",), "س م") == (1, 1)  # one word has become two


def test_chinese_is_compared_by_characters_and_the_rest_by_words():
    assert scores("zho-Hans", ("北京大学",), "北京") == (pytest.approx(2 * 2 / (4 + 2)), 0)
    assert scores("zho-Hans", ("在iPhone 4上",), "iphone 4") == (pytest.approx(2 * 2 / (4 + 2)), 0)
    assert scores("zho-Hans", ("㐀㐁",), "㐀") == (0, 0)  # beyond U+9FA5 and before U+4E00 a run is one word
    assert scores("zho-Hans", ("\u9fa6\u9fa7",), "\u9fa7") == (0, 0)
    assert scores("zho-Hans", ("\u9fa4\u9fa5",), "\u9fa5") == (pytest.approx(2 / 3), 0)


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "zho-Hans"])
def test_in_the_other_languages_characters_without_spaces_are_one_word(language):
    assert scores(language, ("北京大学",), "北京") == (0, 0)


def test_the_best_gold_answer_counts():
    assert scores("eng", ("one two", "three"), "the three!") == (1, 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unanswered_question_scores_0(language):
    assert scores(language, ("x",), "") == (0, 0)


def test_its_languages_are_those_of_the_data_set():
    assert {canonical(code) for code in ("en", "es", "vi", "de", "ar", "hi", "zh")} == set(LANGUAGES)


@pytest.mark.parametrize("name", ["mlqa_f1", "mlqa_em"])
def test_another_language_is_refused_by_name(name):
    with pytest.raises(NotApplicableError, match=r"no rules for 'tha', only for eng, .*multilingual_f1"):
        metric(name, language="tha")
    measure = metric(name)  # the signature of a task is that of all its languages
    assert measure.signature == name
    with pytest.raises(HarnessError, match="depend on the language"):
        measure.count([("x",)], ["x"])

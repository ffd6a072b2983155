"""The multilingual scores of answers: tokens in every script, and no rule for one language."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.base import evaluate, metric
from harness.metrics.multilingual import tokens

F1, EM = metric("multilingual_f1"), metric("multilingual_em")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("the a an", ["the", "a", "an"]),  # no articles
        ("U.S.A. 1,190", ["usa", "1190"]),
        ("北京大学", list("北京大学")),
        ("1990年、北京", ["1990", "年", "北", "京"]),
        ("東京タワーは高い", list("東京タワーは高い")),
        ("ガギ", ["ガ", "ギ"]),
        ("ｶﾞｷﾞ ＡＢＣ１２", ["ガ", "ギ", "abc12"]),  # half-width and full-width forms
        ("ภาษาไทย", ["ภ", "า", "ษ", "า", "ไ", "ท", "ย"]),
        ("ที่ดี", ["ที่", "ดี"]),  # marks belong to their letter
        ("ປະເທດລາວ", ["ປ", "ະ", "ເ", "ທ", "ດ", "ລ", "າ", "ວ"]),
        ("ខ្មែរ", ["ខ្", "មែ", "រ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("𠮷野家", ["𠮷", "野", "家"]),  # beyond the basic plane
        ("서울 대학교", ["서울", "대학교"]),  # Korean has spaces
        ("दिल्ली में", ["दिल्ली", "में"]),
        ("ሰላም፡ዓለም።", ["ሰላም", "ዓለም"]),
        ("བོད་ཡིག།", ["བོད", "ཡིག"]),
        ("«Привет» – „мир“", ["привет", "мир"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ΟΔΟΣ οδός", ["οδοσ", "οδόσ"]),
        ("می‌روم", ["میروم"]),  # an invisible joiner
        ("co\u00adoperate", ["cooperate"]),
        ("葛\U000e0100城", ["葛", "城"]),  # a variant of a glyph
        ("...", []),
        ("", []),
    ],
)
def test_tokens_are_words_or_letters_as_the_script_has_them(text, expected):
    # literals may be composed or not; tokens are composed
    assert tokens(text) == [unicodedata.normalize("NFKC", token) for token in expected]


def test_a_part_of_a_chinese_answer_is_partly_right_and_the_official_scores_are_not():
    gold, guess = [("北京大学",)], ["北京"]
    assert evaluate(F1, gold, guess) == pytest.approx(2 / 3)
    assert evaluate(metric("squad_f1"), gold, guess) == 0.0


def test_a_letter_and_its_accent_are_one_whatever_unseen_stands_between_them():
    assert tokens("caf\u0065\u200d\u0301") == tokens("café") == ["café"]


def test_spaces_between_letters_of_scripts_without_spaces_mean_nothing():
    assert evaluate(EM, [("กรุงเทพ มหานคร",)], ["กรุงเทพมหานคร"]) == 1.0
    assert evaluate(EM, [("new york",)], ["newyork"]) == 0.0


@given(st.text(max_size=20))
def test_the_form_of_an_answer_does_not_matter(text):
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert tokens(unicodedata.normalize(form, text)) == tokens(text)


@given(st.text(max_size=20))
def test_no_token_holds_a_space_or_punctuation(text):
    for token in tokens(text):
        assert token == "".join(token.split())
        assert not any(unicodedata.category(char).startswith("P") for char in token)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=3), st.text(max_size=8))
def test_f1_lies_between_exact_match_and_one(golds, guess):
    f1, em = (evaluate(measure, [tuple(golds)], [guess]) for measure in (F1, EM))
    assert 0 <= f1 <= 1
    assert f1 >= em or not tokens(guess)

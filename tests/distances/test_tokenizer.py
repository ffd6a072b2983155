from __future__ import annotations

import math

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from harness.distances.base import Context
from harness.distances.tokenizer import parity, profile, table
from harness.engine.subwords import Subwords
from harness.errors import NotApplicableError
from tests.distances.conftest import one, spoken, tagged


def test_profile_by_hand(letters):
    found = profile(spoken("eng", "abcd ab", "abc ??"), letters)
    # ab cd ab | ab c ??
    assert found["fertility"] == pytest.approx(5 / 3)  # `??` is no word
    assert found["continued"] == pytest.approx(2 / 3)
    assert found["unknown"] == pytest.approx(1 / 6)
    assert found["characters"] == pytest.approx(13 / 6)
    assert found["allocation"] == pytest.approx((3 * math.log(1 / 2) + 3 * math.log(1 / 6)) / 2)


def test_where_words_are_undefined_only_what_needs_them_is_missing(letters):
    found = profile(spoken("jpn", "猫が好き"), letters)
    assert math.isnan(found["fertility"])
    assert math.isnan(found["continued"])
    assert found["characters"] == 2
    assert profile(tagged("jpn", "猫 が 好き"), letters)["fertility"] == 1


def test_a_tokenizer_of_the_transformers_library():
    words = Tokenizer(models.WordPiece({"[UNK]": 0, "un": 1, "##do": 2, "it": 3, "[PAD]": 4}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    known = Subwords(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]"), "small")
    found = profile(spoken("eng", "undo it", "it xyz"), known)
    assert found["fertility"] == pytest.approx(5 / 4)
    assert found["continued"] == pytest.approx(1 / 4)
    assert found["unknown"] == pytest.approx(1 / 5)


def test_parity():
    assert parity(np.array([2.0, 6]), np.array([1.0, 2])) == 2.5
    assert parity(np.array([2.0, np.nan]), np.array([1.0, 2])) == 2
    assert math.isnan(parity(np.array([np.nan]), np.array([1.0])))


class TestDistances:
    def context(self, letters):
        said = {"eng": spoken("eng", "abcd", "ab"), "deu": spoken("deu", "abcdefgh", "abcd")}
        return Context(corpora=said, parallel=said, tokenizer=letters)

    def test_ratios_are_compared_as_logarithms(self, letters):
        row = one("tokenizer_fertility", "eng", "deu", self.context(letters))
        assert row["value"] == pytest.approx(math.log(3 / 1.5))

    def test_parity_of_translations(self, letters):
        row = one("tokenizer_parity", "eng", "deu", self.context(letters))
        assert row["value"] == pytest.approx(math.log(2))
        assert row["shared"] == 2
        assert math.isnan(one("tokenizer_parity", "eng", "fra", self.context(letters))["value"])

    def test_table_has_a_row_a_language(self, letters):
        found = table(self.context(letters)).set_index("language")
        assert found.loc["deu", "fertility"] == 3

    def test_needs_are_named(self, letters):
        with pytest.raises(NotApplicableError, match="a model that has one"):
            one("tokenizer_fertility", "eng", "deu", Context(corpora={"eng": spoken("eng", "a")}))
        with pytest.raises(NotApplicableError, match="parallel task"):
            one("tokenizer_parity", "eng", "deu", Context(tokenizer=letters))

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine as scipy_cosine
from scipy.spatial.distance import jensenshannon

from harness.data.examples import Answer, LabelledText, Options, Question, ValuedText
from harness.distances import profiles as bags
from harness.distances.base import Context, distances
from harness.distances.lexical import entities, ngrams, ttr_distance, type_token_ratio, words
from harness.distances.texts import sentences, texts
from harness.errors import NotApplicableError
from tests.distances.conftest import corpus, one, spoken, tagged

COUNTS = st.dictionaries(st.integers(0, 30), st.integers(1, 50), min_size=1, max_size=20)


class TestTexts:
    def test_every_shape_has_texts(self):
        examples = [
            LabelledText("1", "1", "premise", "hypothesis", "x"),
            LabelledText("2", "1", "premise", None, "x"),
            Question("3", "2", "who?", "a passage", (Answer("a", 0),)),
            ValuedText("4", "3", "left", "right", 0.5),
            Options("5", "4", "choose", ("one", "two"), (1.0, 0.0)),
        ]
        expected = ["premise", "hypothesis", "who?", "a passage", "left", "right", "choose", "one", "two"]
        assert texts(corpus("eng", examples)) == expected  # the premise once

    def test_punctuation_is_no_part_of_words_but_marks_are(self):
        assert sentences(spoken("eng", "“Well,” she said – don't!")) == [("Well", "she", "said", "don't")]
        assert sentences(spoken("hin", "हिन्दी, में।")) == [("हिन्दी", "में")]

    def test_words_of_unspaced_scripts_are_undefined_unless_given(self):
        assert sentences(spoken("jpn", "猫が好き")) is None
        assert sentences(tagged("jpn", "猫 が 好き")) == [("猫", "が", "好き")]


class TestCounts:
    def test_words_and_their_variety(self):
        said = spoken("eng", "a b a", "a c")
        assert words(said) == Counter(a=3, b=1, c=1)
        assert type_token_ratio(said) == pytest.approx(3 / 5)
        assert math.isnan(type_token_ratio(spoken("tha", "กขค")))

    def test_ngrams_see_word_boundaries_and_no_case(self):
        assert ngrams(spoken("eng", "Ab  c")) == Counter([" ab", "ab ", "b c", " c "])

    def test_entities_are_names_of_any_type(self):
        said = tagged("eng", "Ada/B-PER Lovelace/I-PER met/O Bo/B-PER Cy/B-ORG", "in/O York/I-LOC")
        assert entities(said) == Counter({"Ada Lovelace": 1, "Bo": 1, "Cy": 1, "York": 1})


class TestBags:
    @given(COUNTS, COUNTS)
    def test_against_sets_and_scipy(self, a, b):
        known = bags.profiles({"a": a, "b": b})
        pair = ["a", "b"]
        union = sorted(a.keys() | b.keys())
        p, q = (np.array([counts.get(item, 0) for item in union], float) for counts in (a, b))
        both = len(a.keys() & b.keys())
        assert bags.shared(pair, known)[0, 1] == both
        assert bags.overlap(pair, known)[0, 1] == pytest.approx(both / (len(a) + len(b)))
        assert bags.jaccard(pair, known)[0, 1] == pytest.approx(both / len(union))
        assert bags.jensen_shannon(pair, known)[0, 1] == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
        assert bags.cosine(pair, known)[1, 0] == pytest.approx(1 - scipy_cosine(p, q))

    def test_a_language_without_items_is_unknown(self):
        known = bags.profiles({"a": {"x": 1}, "b": {}, "c": {"x": 2}})
        found = bags.overlap(["a", "b", "c"], known)
        assert np.isnan(found[1]).all()
        assert np.isnan(found[:, 1]).all()
        assert found[0, 2] == 0.5


class TestDistances:
    context = Context(
        corpora={
            "eng": spoken("eng", "the cat sat", "the dog"),
            "nld": spoken("nld", "de cat zat", "the man sat"),
            "jpn": spoken("jpn", "猫が"),
        }
    )

    def test_word_overlap_is_one_minus_langranks(self):
        row = one("word_overlap", "eng", "nld", self.context)
        assert row["value"] == pytest.approx(1 - 3 / (4 + 6))
        assert row["shared"] == 3

    def test_what_is_undefined_is_nan(self):
        assert math.isnan(one("word_overlap", "eng", "jpn", self.context)["value"])
        assert math.isnan(one("word_overlap", "eng", "deu", self.context)["value"])  # no texts
        assert one("character_ngrams", "eng", "jpn", self.context)["value"] == 1

    def test_subwords(self, letters):
        context = Context(corpora={"eng": spoken("eng", "abcd ab"), "nld": spoken("nld", "cdef")}, tokenizer=letters)
        assert one("subword_overlap", "eng", "nld", context)["value"] == pytest.approx(1 - 1 / 4)
        assert one("subword_jaccard", "eng", "nld", context)["value"] == pytest.approx(1 - 1 / 3)
        expected = jensenshannon([2, 1, 0], [0, 1, 1], base=2)
        assert one("subword_jensen_shannon", "eng", "nld", context)["value"] == pytest.approx(expected)
        with pytest.raises(NotApplicableError, match="tokenizer"):
            one("subword_overlap", "eng", "nld", self.context)

    def test_entity_overlap(self):
        context = Context(corpora={"eng": tagged("eng", "Ada/B-PER Bo/B-PER"), "deu": tagged("deu", "Bo/B-LOC und/O")})
        row = one("entity_overlap", "eng", "deu", context)
        assert row["value"] == pytest.approx(1 - 1 / 3)
        assert row["shared"] == 1  # LangRank's raw count
        with pytest.raises(NotApplicableError, match="entity_overlap needs tagged names"):
            one("entity_overlap", "eng", "nld", self.context)

    def test_type_token_ratios_are_compared_in_one_direction(self):
        there, back = (
            one("type_token_ratio", "eng", "nld", self.context),
            one("type_token_ratio", "nld", "eng", self.context),
        )
        assert there["value"] == pytest.approx((1 - (4 / 5) / (6 / 6)) ** 2)
        assert back["value"] == pytest.approx((1 - (6 / 6) / (4 / 5)) ** 2)

    def test_langranks_own_figure(self):
        # its parsing data, Russian to Czech: type-token ratios and their distance as published
        assert ttr_distance(0.123916395, 0.209224843) == pytest.approx(0.16624844073971176)

    def test_order_of_languages_does_not_matter(self):
        names = ["word_overlap", "character_ngrams", "type_token_ratio"]
        one_way = distances(names, ["eng", "nld", "jpn"], self.context).set_index(["distance", "a", "b"])
        other_way = distances(names, ["jpn", "nld", "eng"], self.context).set_index(["distance", "a", "b"])
        assert one_way.equals(other_way.loc[one_way.index])

    def test_without_texts_nothing_is_applicable(self):
        with pytest.raises(NotApplicableError, match="name a task"):
            one("word_overlap", "eng", "nld")

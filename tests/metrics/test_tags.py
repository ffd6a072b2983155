"""Tags as integers count as their names do, and cannot be out of range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.metrics.base import metric
from harness.metrics.tags import TagArray, coded

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SPANS = [
    f"span_f1|mode:{mode}|scheme:{scheme}{type}"
    for mode, scheme in (("strict", "IOB1"), ("strict", "IOB2"), ("legacy", "IOB2"), ("legacy", "raw"))
    for type in ("", "|type:PER", "|type:LOC")
]
corpus = st.lists(st.lists(st.tuples(*[st.integers(0, 4)] * 2), max_size=6), max_size=5)
SIGNATURES = ["span_f1", "span_f1|mode:legacy", "span_f1|mode:strict|scheme:IOB2|type:PER", "accuracy", "macro_f1"]


def array(sentences, names=NAMES, dtype=np.int64):
    """The codes of lists of indices in ``NAMES``, counted in ``names``."""
    order = [names.index(name) for name in NAMES]
    flat = [order[code] for sentence in sentences for code in sentence]
    return TagArray(names, np.array(flat, dtype), np.cumsum([0, *map(len, sentences)]))


def lists(sentences):
    return [[NAMES[code] for code in sentence] for sentence in sentences]


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int32])
@given(corpus=corpus)
def test_integers_count_as_the_strings_they_stand_for(signature, dtype, corpus):
    gold, guess = ([[pair[side] for pair in sentence] for sentence in corpus] for side in (0, 1))
    measure = metric(signature, labels=NAMES)
    expected = measure.count(lists(gold), lists(guess)).tolist()
    other = ("I-LOC", "never", "B-LOC", "O", "", "I-PER", "B-PER")
    for predicted in (array(guess, dtype=dtype), array(guess, other), lists(guess)):
        assert measure.count(array(gold, dtype=dtype), predicted).tolist() == expected
    assert measure.count(lists(gold), array(guess, other)).tolist() == expected


def test_arrays_that_fit_are_taken_as_they_are():
    gold, guess = array([[0, 1], [2]]), array([[0, 1], [1]])
    assert coded(gold, guess) == (gold, guess)  # by identity, so that their spans are looked for once
    with pytest.raises(HarnessError, match="example 0: 1 predicted tags for 2 words"):
        coded(gold, array([[0], [1, 2]]))


@given(corpus, st.permutations(SPANS))
def test_one_pair_of_arrays_is_counted_by_each_metric_in_its_own_way(corpus, signatures):
    gold, guess = ([[pair[side] for pair in sentence] for sentence in corpus] for side in (0, 1))
    arrays = array(gold), array(guess)
    for signature in signatures:
        measure = metric(signature)
        assert measure.count(*arrays).tolist() == measure.count(lists(gold), lists(guess)).tolist()


@given(corpus)
def test_it_is_the_sequence_of_sentences_that_it_was_made_of(corpus):
    sentences = [tuple(NAMES[pair[0]] for pair in sentence) for sentence in corpus]
    tags, _ = coded(sentences, sentences)
    assert list(tags) == tags[:] == sentences
    assert len(tags) == len(sentences)
    if sentences:
        assert tags[-1] == sentences[-1]
    with pytest.raises(IndexError):
        tags[len(sentences)]


@pytest.mark.parametrize(
    ("codes", "offsets", "message"),
    [
        ([0, 5], [0, 2], "tag codes from 0 to 5 for 5 names"),
        ([0, -1], [0, 2], "codes below 0 often stand for hidden labels"),
        ([0, 1], [0, 1], "offsets do not divide 2 tags"),
        ([0, 1], [0, 3, 2], "offsets do not divide 2 tags"),
        ([0, 1], [1, 2], "offsets do not divide 2 tags"),
        ([0, 1], [], "offsets do not divide 2 tags"),
    ],
)
def test_codes_without_a_name_and_offsets_that_do_not_fit_are_errors(codes, offsets, message):
    with pytest.raises(HarnessError, match=message):
        TagArray(NAMES, np.array(codes), np.array(offsets, np.int64))


@pytest.mark.parametrize("dtype", [np.uint64, np.float64])
def test_codes_and_offsets_are_integers_of_a_usual_size(dtype):
    for codes, offsets in ((np.array([0], dtype), np.array([0, 1])), (np.array([0]), np.array([0, 1], dtype))):
        with pytest.raises(HarnessError, match=f"got {np.dtype(dtype)}"):
            TagArray(NAMES, codes, offsets)


@pytest.mark.parametrize(
    ("gold", "guess", "message"),
    [
        ([("A",), ("A", "B")], [("A",), ("A",)], "example 1: 1 predicted tags for 2 words"),
        ([("A",), ("A", "B")], [("A",), "AB"], "example 1: 'AB' for 2 words"),
        ([("A",), ("A", "B")], [("A",), None], "example 1: None for 2 words"),
        ([("A",), ("A", "B")], [("A",), ("A", 1)], r"example 1: \('A', 1\) for 2 words"),
        ([("A",), ("A", ["B"])], [("A",), ("A", "B")], "example 1: gold .* is neither a label nor a list of tags"),
        (["A", "B"], ["A", None], "example 1: None is no label"),
        (["A", "B"], ["A", ("B",)], r"example 1: \('B',\) is no label"),
        (["A", ("B",)], ["A", ("B",)], "are mixed"),
        ([("A",)], ["A"], "example 0: 'A' for 1 words"),
        (["A"], [], "0 predictions for 1 examples"),
    ],
)
def test_answers_that_do_not_fit_are_named(gold, guess, message):
    for signature in SIGNATURES:
        with pytest.raises(HarnessError, match=message):
            metric(signature, labels=("A", "B")).count(gold, guess)

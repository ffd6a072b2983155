from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

STRICT = metric("span_f1")
LENIENT, LEGACY = metric("span_f1|mode:lenient"), metric("span_f1|mode:legacy")
RAW = {mode: metric(f"span_f1|mode:{mode}|scheme:raw") for mode in ("strict", "lenient", "legacy")}

UPOS = [
    "ADJ",
    "ADV",
    "CCONJ",
    "INTJ",
    "NOUN",
    "PART",
    "PUNCT",
    "SCONJ",
    "SYM",
    "X",
    "O",
    "B",
    "E-X",
    "S-X",
    ".",
    ".X",
    "_",
]


def taggings(tags):
    """Gold and predicted tags of a few sentences, of equal lengths."""
    sentence = st.lists(st.tuples(st.sampled_from(tags), st.sampled_from(tags)), min_size=1, max_size=8)
    return st.lists(sentence, min_size=1, max_size=5).map(
        lambda corpus: tuple([[pair[side] for pair in sentence] for sentence in corpus] for side in (0, 1))
    )


iob2 = taggings(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B", "I", "B-A-B", "I-A-B", "I-B"])


def sums(measure, gold, predicted):
    return measure.count(gold, predicted).sum(axis=0).tolist()


def as_sums(truth, guess):
    return [len(truth & guess), len(guess), len(truth)]


@given(iob2)
def test_strict_finds_the_spans_of_seqeval_in_strict_mode(tags):
    truth, guess = ({e.to_tuple() for s in Entities(side, IOB2).entities for e in s} for side in tags)
    assert sums(STRICT, *tags) == as_sums(truth, guess)
    if truth or guess:
        assert evaluate(STRICT, *tags) == pytest.approx(f1_score(*tags, mode="strict", scheme=IOB2))


@pytest.mark.filterwarnings("ignore")
@given(iob2)
def test_lenient_finds_the_spans_of_seqeval_as_it_comes(tags):
    assert sums(LENIENT, *tags) == as_sums(*(set(get_entities(side)) for side in tags))
    assert evaluate(LENIENT, *tags) == pytest.approx(f1_score(*tags))


@pytest.mark.filterwarnings("ignore")
@given(taggings(UPOS))
def test_lenient_makes_of_bare_tags_what_seqeval_makes_of_them(tags):
    assert sums(RAW["lenient"], *tags) == as_sums(*(set(get_entities(side)) for side in tags))


@given(taggings(UPOS))
def test_strict_takes_runs_of_equal_bare_tags_for_spans(tags):
    def runs(side):
        found = set()
        for i, sentence in enumerate(side):
            for tag, run in groupby(range(len(sentence)), key=sentence.__getitem__):
                places = list(run)
                found |= {(i, tag, places[0], places[-1])} if tag != "O" else set()
        return found

    assert sums(RAW["strict"], *tags) == as_sums(*map(runs, tags))


def conlleval(side):
    """The spans of seqeval 0.0.12, word by word: an independent reading of its rules."""
    found, begin, before, old = set(), 0, "O", ""
    for i, tag in enumerate([*(tag for sentence in side for tag in [*sentence, "O"]), "O"]):
        first, kind = tag[0], tag.split("-")[-1]
        turned = kind != old
        if before in "ES" or (before in "BI" and first in "BSO") or (before not in "O." and turned):
            found.add((old, begin, i - 1))
        if first in "BS" or (before in "ESO" and first in "EI") or (first not in "O." and turned):
            begin = i
        before, old = first, kind
    return found


@given(taggings(UPOS))
def test_legacy_follows_its_rules_word_by_word(tags):
    assert sums(RAW["legacy"], *tags) == as_sums(*map(conlleval, tags))


@given(iob2)
def test_the_scheme_changes_nothing_where_prefixes_are_read_anyway(tags):
    assert sums(LEGACY, *tags) == sums(RAW["legacy"], *tags)
    assert sums(LENIENT, *tags) == sums(RAW["lenient"], *tags)


def test_legacy_lets_a_bare_inside_tag_open_a_span_as_xtreme_did():
    gold, guess = [("O", "B-PER", "I-PER")], [("O", "I-PER", "I-PER")]
    assert evaluate(LEGACY, gold, guess) == evaluate(LENIENT, gold, guess) == 1.0
    assert evaluate(STRICT, gold, guess) == 0.0


def test_parts_of_speech_are_chunks_in_xtreme():
    gold, guess = [["DET", "NOUN", "NOUN", "VERB", "PUNCT"]], [["DET", "NOUN", "ADJ", "VERB", "PUNCT"]]
    assert evaluate(metric("accuracy"), gold, guess) == pytest.approx(0.80)
    assert evaluate(RAW["legacy"], gold, guess) == pytest.approx(0.667, abs=5e-4)


def test_only_seqeval_1_confuses_the_two_conjunctions():
    gold, guess = [["CCONJ", "NOUN"]], [["SCONJ", "NOUN"]]
    assert evaluate(RAW["legacy"], gold, guess) == evaluate(RAW["strict"], gold, guess) == 0.5
    assert evaluate(RAW["lenient"], gold, guess) == 1.0


def test_legacy_splits_a_run_of_tags_in_s():
    tags = [["SYM", "SYM"]]
    assert sums(RAW["legacy"], tags, tags) == [2, 2, 2]
    assert sums(RAW["strict"], tags, tags) == [1, 1, 1]


def test_legacy_knows_a_type_by_what_follows_its_last_hyphen():
    gold, guess = [("B-A-X",)], [("B-B-X",)]
    assert evaluate(LEGACY, gold, guess) == 1.0
    assert evaluate(LENIENT, gold, guess) == evaluate(STRICT, gold, guess) == 0.0


@given(iob2)
def test_each_sentence_counts_for_itself(tags):
    gold, predicted = tags
    alone = np.concatenate([STRICT.count([g], [p]) for g, p in zip(gold, predicted, strict=True)])
    assert STRICT.count(gold, predicted).tolist() == alone.tolist()


def test_the_formula_works_over_the_last_axis():
    stack = np.array([[[1, 2, 2], [0, 0, 0]], [[0, 3, 0], [2, 2, 2]]], dtype=float)
    assert STRICT.score(stack).tolist() == [[0.5, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("mode", ["strict", "lenient", "legacy"])
@pytest.mark.parametrize("tag", ["PER", "E-PER", "O-PER", "BPER", ""])
def test_a_tag_outside_the_scheme_is_an_error(mode, tag):
    with pytest.raises(HarnessError, match="tag"):
        metric(f"span_f1|mode:{mode}").count([("O",)], [(tag,)])


def test_a_sentence_with_another_number_of_tags_is_named():
    with pytest.raises(HarnessError, match="example 1: 1 predicted tags for 2 words"):
        STRICT.count([("O",), ("O", "O")], [("O",), ("O",)])

"""Macro F1, micro F1 and Matthews' correlation beside scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

LABELS = ("a", "b", "c", "d")
MACRO, MICRO, MATTHEWS = (metric(name, labels=LABELS) for name in ("macro_f1", "micro_f1", "matthews"))
label = st.sampled_from(LABELS[:3])  # d never occurs
pairs = st.lists(st.tuples(label, label), min_size=1, max_size=30).map(lambda found: tuple(zip(*found, strict=True)))
with_strangers = st.lists(st.tuples(label, st.sampled_from([*LABELS, "?"])), min_size=1).map(
    lambda found: tuple(zip(*found, strict=True))
)


@pytest.mark.filterwarnings("ignore")
@given(pairs)
def test_they_are_those_of_scikit_learn(answers):
    assert evaluate(MACRO, *answers) == pytest.approx(f1_score(*answers, average="macro"))
    assert evaluate(MICRO, *answers) == pytest.approx(f1_score(*answers, average="micro"))
    assert evaluate(MATTHEWS, *answers) == pytest.approx(matthews_corrcoef(*answers))


@pytest.mark.filterwarnings("ignore")
@given(with_strangers)
def test_a_prediction_outside_the_labels_is_one_label_more(answers):
    assert evaluate(MACRO, *answers) == pytest.approx(f1_score(*answers, average="macro"))
    assert evaluate(MICRO, *answers) == pytest.approx(accuracy_score(*answers))
    assert evaluate(MATTHEWS, *answers) == pytest.approx(matthews_corrcoef(*answers))


def test_strangers_of_many_names_weigh_no_more_than_one():
    gold = ["a", "b", "a", "b"]
    assert evaluate(MACRO, gold, ["a", "b", "x", "y"]) == evaluate(MACRO, gold, ["a", "b", "x", "x"])
    assert evaluate(MATTHEWS, gold, ["a", "b", "x", "y"]) == evaluate(MATTHEWS, gold, ["a", "b", "x", "x"])


def test_a_label_that_does_not_occur_is_left_out_of_the_mean():
    assert evaluate(MACRO, ["a", "a"], ["a", "a"]) == 1.0
    assert evaluate(MACRO, ["a", "b"], ["a", "a"]) == pytest.approx((2 / 3 + 0) / 2)


def test_tags_count_by_words():
    words = evaluate(MACRO, [("a", "b"), ("c",)], [("a", "c"), ("c",)])
    assert words == evaluate(MACRO, ["a", "b", "c"], ["a", "c", "c"])


@given(pairs)
def test_each_row_is_its_example(answers):
    gold, predicted = answers
    for measure in (MACRO, MATTHEWS):
        alone = np.concatenate([measure.count([g], [p]) for g, p in zip(gold, predicted, strict=True)])
        assert measure.count(gold, predicted).tolist() == alone.tolist()


@given(pairs, st.integers(0, 100))
def test_the_formula_scores_a_stack_of_sums_as_it_scores_each(answers, seed):
    weights = np.random.default_rng(seed).integers(0, 3, (2, 3, len(answers[0])))
    for measure in (MACRO, MICRO, MATTHEWS):
        sums = weights @ measure.count(*answers)
        alone = [[float(measure.score(row)) for row in rows] for rows in sums]
        assert measure.score(sums).tolist() == alone


def test_a_gold_label_outside_the_labels_is_an_error():
    with pytest.raises(HarnessError, match=r"example 1: the gold label 'x' is none of a, b, c, d"):
        MACRO.count(["a", "x"], ["a", "a"])


def test_without_the_labels_there_is_a_signature_but_no_count():
    measure = metric("matthews")
    assert measure.signature == "matthews"
    with pytest.raises(HarnessError, match="matthews counts by label: pass the labels"):
        measure.count(["a"], ["a"])


def test_labels_are_a_fact_and_no_setting():
    with pytest.raises(HarnessError, match="labels"):
        metric("macro_f1|labels:a", labels=LABELS)

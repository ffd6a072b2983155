import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from harness.errors import HarnessError
from harness.metrics.base import METRICS, WholeMetric, evaluate, metric

ACCURACY = metric("accuracy")
labels = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(labels, labels), min_size=1))
def test_labels_agree_with_scikit_learn(pairs):
    gold, predicted = zip(*pairs, strict=True)
    assert evaluate(ACCURACY, gold, predicted) == pytest.approx(accuracy_score(gold, predicted))


@given(st.lists(st.lists(st.tuples(labels, labels), min_size=1, max_size=6), min_size=1))
def test_tags_are_counted_by_words_and_not_by_sentences(sentences):
    gold = [tuple(g for g, _ in sentence) for sentence in sentences]
    predicted = [tuple(p for _, p in sentence) for sentence in sentences]
    flat = [pair for sentence in sentences for pair in sentence]
    assert evaluate(ACCURACY, gold, predicted) == pytest.approx(accuracy_score(*zip(*flat, strict=True)))


def test_each_row_is_its_example():
    assert ACCURACY.count([("A", "B"), ("A",)], [("A", "A"), ("A",)]).tolist() == [[1, 2], [1, 1]]
    assert ACCURACY.count(["x", "y"], ["x", "x"]).tolist() == [[1, 1], [0, 1]]


def test_labels_that_share_characters_are_not_compared_by_characters():
    assert ACCURACY.count(["neutral"], ["neutr"]).tolist() == [[0, 1]]


@pytest.mark.parametrize("guess", [("A",), ("A", "B", "C"), "AB"])
def test_a_sentence_with_another_number_of_tags_is_named(guess):
    with pytest.raises(HarnessError, match=r"example 1: .* 2 words"):
        ACCURACY.count([("A",), ("A", "B")], [("A",), guess])


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_refuses_missing_predictions_and_scores_nothing_as_zero(name):
    measure = metric(name, labels=("a", "b"), language="deu")
    with pytest.raises(HarnessError, match="0 predictions for 1 examples"):
        measure.count([("O",)], [])
    empty = measure.count([], [])
    assert empty.shape == (0, len(measure.columns))
    assert evaluate(measure, [], []) == 0.0
    # of a whole metric, the last two axes are examples and columns
    stack = (3, 4, 0) if isinstance(measure, WholeMetric) else (3, 4)
    assert measure.score(np.zeros((*stack, len(measure.columns)))).tolist() == np.zeros((3, 4)).tolist()


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("accuracy", "accuracy"),
        ("span_f1", "span_f1|mode:strict|scheme:IOB2"),
        ("span_f1|scheme:raw", "span_f1|mode:strict|scheme:raw"),
        ("span_f1|scheme:IOB2|mode:legacy", "span_f1|mode:legacy|scheme:IOB2"),
        ("span_f1|type:PER|scheme:BIOES", "span_f1|mode:strict|scheme:BIOES|type:PER"),
        ("squad_f1", "squad_f1"),
        ("squad_em", "squad_em"),
        ("retrieval_accuracy", "retrieval_accuracy|direction:both"),
        ("retrieval_mrr|direction:forward", "retrieval_mrr|direction:forward"),
    ],
)
def test_a_signature_is_complete_and_means_itself(short, full):
    assert metric(short).signature == full
    assert metric(full).signature == full


@pytest.mark.parametrize(
    ("signature", "known"),
    [
        ("span_f1|mode:lenint", "did you mean 'lenient'"),
        ("span_f1|mode:7", "known: legacy, lenient, strict"),
        ("span_f1|scheme:BILOU", "known: BIOES, IOB1, IOB2, raw|did you mean"),
        ("retrieval_mrr|direction:up", "known: backward, both, forward"),
        ("accuracy|mode:strict", "mode"),
    ],
)
def test_an_unknown_setting_is_answered_with_the_known(signature, known):
    with pytest.raises(HarnessError, match=known):
        metric(signature)

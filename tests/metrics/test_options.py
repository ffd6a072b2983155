"""Choices and rankings of options beside scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, top_k_accuracy_score

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

CHOICE, NDCG = metric("choice_accuracy"), metric("ndcg")
query = st.integers(2, 8).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4).map(float), min_size=n, max_size=n),
        st.lists(st.sampled_from([-1.5, 0.0, 0.25, 0.5, 2.0]), min_size=n, max_size=n),
    )
)


@given(query, st.integers(1, 9))
def test_ndcg_is_that_of_scikit_learn_ties_included(options, k):
    gains, scores = options
    assert evaluate(NDCG, [gains], [scores]) == pytest.approx(ndcg_score([gains], [scores]))
    assert evaluate(metric(f"ndcg|k:{k}"), [gains], [scores]) == pytest.approx(ndcg_score([gains], [scores], k=k))


@given(st.lists(query, min_size=1, max_size=5))
def test_ndcg_is_the_mean_over_queries(queries):
    gold, scores = zip(*queries, strict=True)
    alone = [ndcg_score([gains], [ranked]) for gains, ranked in queries]
    assert evaluate(NDCG, gold, scores) == pytest.approx(float(np.mean(alone)))


def test_a_query_with_one_option_is_left_out_as_xglue_does():
    assert evaluate(NDCG, [(1.0,), (0.0, 1.0)], [(3.0,), (1.0, 0.0)]) == pytest.approx(1 / math.log2(3))
    assert evaluate(NDCG, [(1.0,)], [(3.0,)]) == 0.0


def test_a_query_without_any_gain_scores_0_and_counts():
    assert evaluate(NDCG, [(0.0, 0.0), (0.0, 1.0)], [(2.0, 1.0), (0.0, 1.0)]) == 0.5


def test_gains_are_linear():
    assert evaluate(NDCG, [(3.0, 1.0)], [(0.0, 1.0)]) == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


@given(st.lists(st.tuples(st.integers(0, 3), st.permutations([0.1, 0.2, 0.3, 0.4])), min_size=1, max_size=9))
def test_choices_are_those_of_scikit_learn(examples):
    gold = [tuple(float(i == right) for i in range(4)) for right, _ in examples]
    scores = [tuple(row) for _, row in examples]
    expected = top_k_accuracy_score([right for right, _ in examples], scores, k=1, labels=range(4))
    assert evaluate(CHOICE, gold, scores) == pytest.approx(expected)


def test_of_equal_scores_the_first_is_chosen():
    assert CHOICE.count([(1.0, 0.0), (0.0, 1.0)], [(0.5, 0.5), (0.5, 0.5)]).tolist() == [[1, 1], [0, 1]]


def test_any_option_of_the_highest_gain_is_right():
    assert evaluate(CHOICE, [(2.0, 0.0, 2.0)], [(0.0, 0.1, 0.2)]) == 1.0


@pytest.mark.parametrize(
    ("gains", "scores", "message"),
    [
        ((1.0, 0.0), (1.0,), "1 scores for 2 options"),
        ((), (), "0 scores for 0 options"),
        ((1.0, 0.0), (1.0, float("nan")), "scores must be numbers"),
        ((1.0, float("inf")), (1.0, 0.0), "gold gains must be numbers"),
        ((1.0, 0.0), "10", "scores must be numbers"),
    ],
)
def test_options_that_do_not_fit_are_named(gains, scores, message):
    for measure in (CHOICE, NDCG):
        with pytest.raises(HarnessError, match=f"example 0: .*{message}"):
            measure.count([gains], [scores])


def test_a_gain_below_zero_cannot_be_normalised():
    with pytest.raises(HarnessError, match="example 0: a gain below 0"):
        NDCG.count([(1.0, -1.0)], [(1.0, 0.0)])


def test_scores_may_be_numbers_of_numpy():
    assert evaluate(NDCG, [(0.0, 1.0)], [[*np.array([0.2, 0.1], np.float32)]]) == pytest.approx(1 / math.log2(3))


@pytest.mark.parametrize("k", ["0", "-1", "ten", "1.5", ""])
def test_k_is_a_number_of_ranks(k):
    for name in ("ndcg", "map_at", "mrr_at"):
        with pytest.raises(HarnessError, match="k is"):
            metric(f"{name}|k:{k or 'x'}")

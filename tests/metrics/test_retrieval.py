import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

RANKS = [(1, 3), (2, 1), (1, 1), (4, 2)]


@pytest.mark.parametrize(
    ("signature", "score"),
    [
        ("retrieval_accuracy|direction:forward", 0.5),
        ("retrieval_accuracy|direction:backward", 0.5),
        ("retrieval_accuracy", 0.5),
        ("retrieval_mrr|direction:forward", (1 + 1 / 2 + 1 + 1 / 4) / 4),
        ("retrieval_mrr|direction:backward", (1 / 3 + 1 + 1 + 1 / 2) / 4),
    ],
)
def test_ranks_become_scores(signature, score):
    assert evaluate(metric(signature), ["id"] * 4, RANKS) == pytest.approx(score)


def test_each_row_is_its_sentence_and_both_is_the_mean_of_the_two_directions():
    assert metric("retrieval_accuracy").count(["id"] * 4, RANKS).tolist() == [[0.5, 1], [0.5, 1], [1, 1], [0, 1]]


@given(st.integers(2, 8), st.integers(0, 10**6))
def test_reciprocal_ranks_agree_with_scikit_learn(n, seed):
    scores = np.random.default_rng(seed).normal(size=(n, n))
    ranks = [(int((row >= row[i]).sum()), 1) for i, row in enumerate(scores)]
    found = evaluate(metric("retrieval_mrr|direction:forward"), ["id"] * n, ranks)
    assert found == pytest.approx(label_ranking_average_precision_score(np.eye(n), scores))


@pytest.mark.parametrize("ranks", [(1,), (0, 1), (1, -1)])
def test_ranks_count_from_one_in_both_directions(ranks):
    with pytest.raises(HarnessError, match="example 0: needs ranks forward and backward"):
        metric("retrieval_accuracy").count(["id"], [ranks])


def test_the_pooled_direction_reads_the_third_rank():
    pooled = metric("retrieval_accuracy|direction:pooled")
    assert evaluate(pooled, ["a", "b"], [(1, 1, 2), (3, 3, 1)]) == 0.5
    with pytest.raises(HarnessError, match="in the pool"):
        evaluate(pooled, ["a"], [(1, 1)])

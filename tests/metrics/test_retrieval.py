import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

RANKS = [{"cosine": list(ranks)} for ranks in [(1, 3), (2, 1), (1, 1), (4, 2)]]


@pytest.mark.parametrize(
    ("signature", "score"),
    [
        ("retrieval_accuracy|direction:forward", 0.5),
        ("retrieval_accuracy|direction:backward", 0.5),
        ("retrieval_accuracy", 0.5),
        ("retrieval_mrr|direction:forward", (1 + 1 / 2 + 1 + 1 / 4) / 4),
        ("retrieval_mrr|direction:backward", (1 / 3 + 1 + 1 + 1 / 2) / 4),
        ("retrieval_mrr|direction:forward|k:2", (1 + 1 / 2 + 1 + 0) / 4),
        ("recall_at|direction:forward|k:1", 0.5),
        ("recall_at|direction:forward|k:2", 0.75),
        ("recall_at|direction:both|k:3", 7 / 8),
        ("recall_at", 1.0),
    ],
)
def test_ranks_become_scores(signature, score):
    assert evaluate(metric(signature), ["id"] * 4, RANKS) == pytest.approx(score)


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("retrieval_accuracy", "retrieval_accuracy|direction:both"),
        ("retrieval_accuracy|similarity:cosine", "retrieval_accuracy|direction:both"),
        ("retrieval_mrr", "retrieval_mrr|direction:both"),
        ("retrieval_mrr|k:10|similarity:csls", "retrieval_mrr|direction:both|k:10|similarity:csls"),
        ("recall_at", "recall_at|direction:both|k:10"),
        ("recall_at|similarity:margin|k:5", "recall_at|direction:both|k:5|similarity:margin"),
    ],
)
def test_a_signature_has_its_settings_in_order_and_cosine_in_none(written, full):
    assert metric(written).signature == full
    assert metric(full).signature == full


def test_each_row_is_its_sentence_and_both_is_the_mean_of_the_two_directions():
    assert metric("retrieval_accuracy").count(["id"] * 4, RANKS).tolist() == [[0.5, 1], [0.5, 1], [1, 1], [0, 1]]


def test_each_similarity_has_ranks_of_its_own():
    prediction = [{"cosine": [2, 2], "margin": [1, 1], "csls": [1, 3]}]
    scores = {
        name: evaluate(metric(f"retrieval_accuracy|similarity:{name}"), ["id"], prediction)
        for name in ("cosine", "margin", "csls")
    }
    assert scores == {"cosine": 0.0, "margin": 1.0, "csls": 0.5}


@given(st.integers(2, 8), st.integers(0, 10**6))
def test_reciprocal_ranks_agree_with_scikit_learn(n, seed):
    scores = np.random.default_rng(seed).normal(size=(n, n))
    ranks = [{"cosine": (int((row >= row[i]).sum()), 1)} for i, row in enumerate(scores)]
    found = evaluate(metric("retrieval_mrr|direction:forward"), ["id"] * n, ranks)
    assert found == pytest.approx(label_ranking_average_precision_score(np.eye(n), scores))


@pytest.mark.parametrize("ranks", [[1], [0, 1], [1, -1], [1, 1.5], None, [1, 1, 1]])
def test_ranks_count_from_one_in_both_directions(ranks):
    with pytest.raises(HarnessError, match="example 1: needs ranks by cosine, forward and backward"):
        metric("retrieval_accuracy").count(["id"] * 2, [RANKS[0], {"cosine": ranks}])


def test_ranks_by_another_similarity_are_asked_for_by_name():
    with pytest.raises(HarnessError, match="example 0: needs ranks by margin"):
        metric("retrieval_accuracy|similarity:margin").count(["id"] * 4, RANKS)


def test_the_pooled_direction_reads_the_rank_in_the_pool():
    pooled = metric("retrieval_accuracy|direction:pooled")
    ranks = [{"cosine": [1, 1], "pooled": 2}, {"cosine": [3, 3], "pooled": 1}]
    assert evaluate(pooled, ["a", "b"], ranks) == 0.5
    with pytest.raises(HarnessError, match="in the pool"):
        evaluate(pooled, ["a"], RANKS[:1])


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("retrieval_accuracy|direction:up", "unknown direction 'up'"),
        ("retrieval_accuracy|similarity:margins", "did you mean 'margin'"),
        ("recall_at|k:0", "k is a number of ranks, 1 or more"),
        ("recall_at|k:ten", "k is a number of ranks, 1 or more"),
        ("retrieval_accuracy|direction:pooled|similarity:csls", "the pool is searched by cosine"),
    ],
)
def test_settings_that_do_not_exist_are_named(signature, message):
    with pytest.raises(HarnessError, match=message):
        metric(signature)


def test_no_sentences_score_nothing():
    assert evaluate(metric("retrieval_accuracy"), [], []) == 0.0


JUNK = [
    None, 1, "a", [], ["a"], [["a"]], [0, 1], [1, float("inf")], {}, {"cosine": "11"}, {"cosine": [10**400, 1]},
    {"cosine": [float("nan"), 1]}, {"pooled": 0}, {"lone": {"eng": 0, "deu": 1}}, {"lone": {"eng": 1, "deu": "x"}},
    {"lone": [1]}, {1: 2}, b"x", object(),
]  # fmt: skip


MEASURES = [
    "retrieval_accuracy", "retrieval_mrr", "recall_at|direction:pooled", "language_bias", "rank_variance", "mining_f1",
]  # fmt: skip


@pytest.mark.parametrize("prediction", JUNK, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("signature", MEASURES)
def test_nothing_that_is_no_answer_crashes_or_scores(signature, prediction):
    try:
        score = evaluate(metric(signature, language="eng"), [["a"]], [prediction])
    except HarnessError:
        score = 0.0
    assert score in (0.0, 1.0)

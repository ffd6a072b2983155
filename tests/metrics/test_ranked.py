"""Ranked lists of ids beside scikit-learn and the official definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

MAP, MRR = metric("map_at|k:20"), metric("mrr_at|k:20")
ids = [f"q{i}" for i in range(12)]


@given(st.sets(st.sampled_from(ids), min_size=1), st.permutations(ids))
def test_without_a_cut_ap_is_that_of_scikit_learn(gold, ranking):
    scores = [-ranking.index(id) for id in ids]
    expected = average_precision_score([id in gold for id in ids], scores)
    assert evaluate(MAP, [sorted(gold)], [ranking]) == pytest.approx(expected)


@given(st.sets(st.sampled_from(ids), min_size=1), st.lists(st.sampled_from(ids), max_size=15), st.integers(1, 15))
def test_at_k_the_formulas_are_those_of_the_papers(gold, ranking, k):
    hits = [i for i, id in enumerate(ranking[:k], 1) if id in gold and id not in ranking[: i - 1]]
    precision = sum(sum(hit <= i for hit in hits) / i for i in hits) / min(len(gold), k)
    assert evaluate(metric(f"map_at|k:{k}"), [tuple(gold)], [tuple(ranking)]) == pytest.approx(precision)
    reciprocal = 1 / hits[0] if hits else 0
    assert evaluate(metric(f"mrr_at|k:{k}"), [tuple(gold)], [tuple(ranking)]) == pytest.approx(reciprocal)


def test_the_divisor_is_what_could_have_been_found_in_k():
    gold = tuple(f"a{i}" for i in range(30))
    assert evaluate(MAP, [gold], [gold[:20]]) == 1.0  # divided by 20, not by 30
    assert evaluate(MAP, [("a", "b")], [("a",)]) == 0.5


def test_an_id_that_is_listed_again_gains_nothing():
    assert evaluate(MAP, [("a", "b")], [("a", "a", "b")]) == pytest.approx((1 + 2 / 3) / 2)


def test_what_is_not_found_or_not_among_the_first_k_scores_0():
    late = (*(f"x{i}" for i in range(20)), "a")
    for measure in (MAP, MRR):
        assert evaluate(measure, [("a",), ("a",), ("a",)], [(), late, ("x",)]) == 0.0


def test_with_one_gold_id_the_two_are_the_same():
    queries, lists = [("a",)] * 3, [("b", "a"), ("a",), ("c", "d", "e", "a")]
    assert evaluate(MAP, queries, lists) == evaluate(MRR, queries, lists) == pytest.approx((1 / 2 + 1 + 1 / 4) / 3)


@pytest.mark.parametrize(("gold", "ranking"), [((), ("a",)), ("a", ("a",)), (("a",), "a"), (("a",), (1,)), (None, ())])
def test_what_is_no_list_of_ids_is_an_error(gold, ranking):
    with pytest.raises(HarnessError, match="example 0: needs gold ids"):
        MAP.count([gold], [ranking])


def test_settings_are_part_of_the_signature():
    assert (metric("map_at").signature, metric("mrr_at|k:5").signature) == ("map_at|k:20", "mrr_at|k:5")

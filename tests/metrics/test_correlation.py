"""Pearson's and Spearman's correlation beside scipy."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from harness.errors import HarnessError
from harness.metrics.base import Metric, WholeMetric, evaluate, metric
from harness.metrics.correlation import of_repeated_ranks
from harness.stats.bootstrap import interval, replicated, weights

PEARSON, SPEARMAN = metric("pearson"), metric("spearman")
number = st.one_of(st.integers(-4, 4).map(float), st.floats(-5, 5, allow_subnormal=False))
pairs = st.lists(st.tuples(number, number), min_size=2, max_size=25).map(lambda found: list(zip(*found, strict=True)))


@given(pairs)
def test_pearson_is_that_of_scipy(answers):
    assume(all(np.std(side) > 1e-3 for side in answers))
    assert evaluate(PEARSON, *answers) == pytest.approx(pearsonr(*answers).statistic, abs=1e-9)


@given(pairs)
def test_spearman_is_that_of_scipy_ties_included(answers):
    assume(all(len(set(side)) > 1 for side in answers))
    assert evaluate(SPEARMAN, *answers) == pytest.approx(spearmanr(*answers).statistic, abs=1e-9)


@pytest.mark.parametrize("constant", [0.0, 1.0, 0.1, 1 / 3, 1e99, -7.7])
@pytest.mark.parametrize("measure", [PEARSON, SPEARMAN])
@pytest.mark.parametrize("n", [1, 2, 997])
def test_numbers_that_are_all_alike_score_0(measure, constant, n):
    other = list(np.linspace(0, 1, n))
    assert evaluate(measure, [constant] * n, other) == 0.0
    assert evaluate(measure, other, [constant] * n) == 0.0


@pytest.mark.parametrize("constant", [0.3, 3.7])
def test_rounding_of_many_equal_numbers_does_not_correlate(constant):
    other = np.random.default_rng(0).random(300_000).tolist()
    assert evaluate(PEARSON, other, [constant] * len(other)) == 0.0


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_numbers_of_numpy_are_numbers(kind):
    gold, predicted = [1.0, 2.0, 3.0], np.array([1, 2, 4], kind)
    for measure in (PEARSON, SPEARMAN):
        assert evaluate(measure, gold, predicted) == evaluate(measure, gold, predicted.tolist())
    with pytest.raises(HarnessError, match="example 0: needs"):
        PEARSON.count([1.0], np.array([np.nan], np.float32))


@pytest.mark.parametrize("scale", [1.0, 7.0, -3.0, 1e90, -1e-90])
def test_numbers_in_step_score_1_to_the_last_digit(scale):
    gold = [1.0, 2.0, 4.0]
    for measure in (PEARSON, SPEARMAN):
        assert evaluate(measure, gold, [scale * x for x in gold]) == pytest.approx(np.sign(scale), rel=1e-15)
    assert evaluate(SPEARMAN, gold, gold) == 1.0


def test_numbers_far_from_zero_still_correlate():
    gold, near = [1000.0, 1001.0, 1002.0, 1003.0], [5.0, 5.1, 5.3, 5.2]
    assert evaluate(PEARSON, gold, near) == pytest.approx(pearsonr(gold, near).statistic, abs=1e-6)


@given(pairs)
def test_a_monotone_change_of_scale_leaves_the_ranks(answers):
    gold, predicted = answers
    assert evaluate(SPEARMAN, gold, [8 * x for x in predicted]) == pytest.approx(
        evaluate(SPEARMAN, gold, predicted), abs=1e-9
    )


def test_spearman_needs_all_rows_and_says_so():
    assert isinstance(PEARSON, Metric)
    assert isinstance(SPEARMAN, WholeMetric)
    rows = np.random.default_rng(0).normal(size=(3, 4, 20, 2))
    assert SPEARMAN.score(rows).shape == (3, 4)
    assert SPEARMAN.score(rows)[1, 2] == pytest.approx(spearmanr(*rows[1, 2].T).statistic)
    assert SPEARMAN.score(np.zeros((3, 0, 2))).tolist() == [0, 0, 0]


def test_a_whole_metric_is_resampled_group_by_group():
    rng = np.random.default_rng(1)
    counts = rng.normal(size=(30, 2)) + rng.normal(size=(30, 1))
    groups = [f"g{i % 7}" for i in range(30)]
    scores = []
    for times in weights(groups, 40, 3):
        drawn = [
            i
            for group, n in zip(sorted(set(groups)), times, strict=True)
            for i in range(30)
            if groups[i] == group
            for _ in range(n)
        ]
        scores.append(spearmanr(*counts[drawn].T).statistic)
    found = interval(counts, groups, SPEARMAN, replicates=40, seed=3)
    assert found == pytest.approx(tuple(np.quantile(scores, [0.025, 0.975])))


@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([1, 2, 5, 1000]), st.sampled_from([2, 255]))
def test_rows_that_count_several_times_score_as_their_copies_do(seed, n, levels, most):
    rng = np.random.default_rng(seed)
    rows = rng.integers(levels, size=(n, 2)) / 7
    times = rng.integers(most, size=(6, n)).astype(np.uint8)
    for found, row in zip(of_repeated_ranks(rows, times), times, strict=True):
        copies = np.repeat(rows, row, axis=0)
        assert found == SPEARMAN.score(copies)
        if all(len(set(side)) > 1 for side in copies.T):
            assert found == pytest.approx(spearmanr(*copies.T).statistic, abs=1e-12)


def test_replicates_are_to_the_last_digit_those_of_copied_rows():
    rng = np.random.default_rng(2)
    rows, groups = rng.integers(0, 9, size=(90, 2)).astype(float), [f"g{i % 31}" for i in range(90)]
    copying = replace(SPEARMAN, repeated=None)
    assert (replicated([rows], groups, [SPEARMAN]) == replicated([rows], groups, [copying])).all()


def test_a_replicate_without_variance_is_a_number():
    counts = np.array([[0.0, 1.0], [1.0, 2.0]])  # half of the replicates draw one row twice
    for measure in (SPEARMAN, PEARSON):
        rows = counts if measure is SPEARMAN else PEARSON.count(*counts.T.tolist())
        assert interval(rows, ["a", "b"], measure) == pytest.approx((0.0, 1.0))


@pytest.mark.parametrize("strange", [float("nan"), float("inf"), "1", None, 10**400, [1.0]])
def test_what_is_no_number_is_an_error(strange):
    for measure in (PEARSON, SPEARMAN):
        with pytest.raises(HarnessError, match="example 1: needs a gold and a predicted number"):
            measure.count([1.0, 2.0], [1.0, strange])

"""Correlations under integer weights are those of the data with its rows repeated, as scipy counts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.analysis import weighted

ORACLES = {
    weighted.pearson: stats.pearsonr,
    weighted.spearman: stats.spearmanr,
    weighted.kendall: stats.kendalltau,
    weighted.slope: stats.linregress,
}


def check(x, y, weights):
    for formula, oracle in ORACLES.items():
        found = formula(weights, x, y)
        for value, counts in zip(found, weights.astype(int), strict=True):
            a, b = np.repeat(x, counts), np.repeat(y, counts)
            if len(set(a)) < 2 or (len(set(b)) < 2 and formula is not weighted.slope):
                assert np.isnan(value)
            else:
                assert value == pytest.approx(oracle(a, b)[0], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 40), st.sampled_from([2, 4, 1000]))
def test_any_ties_any_weights(seed, n, levels):
    rng = np.random.default_rng(seed)
    x = rng.integers(levels, size=n).astype(float)
    y = (x + rng.integers(levels, size=n)).round(1)
    check(x, y, np.vstack([np.ones(n), rng.integers(0, 4, size=(6, n))]).astype(float))


@pytest.mark.parametrize("n", [15, 16, 17, 31, 32, 33, 100])
def test_lengths_around_powers_of_two(n):
    rng = np.random.default_rng(n)
    check(rng.normal(size=n), rng.normal(size=n), rng.poisson(1, size=(5, n)).astype(float) + np.eye(5, n) * 3)


def test_perfect_orders():
    x = np.arange(9.0)
    one = np.ones((1, 9))
    for formula in (weighted.pearson, weighted.spearman, weighted.kendall):
        assert formula(one, x, 2 * x + 1)[0] == pytest.approx(1)
        assert formula(one, x, -x)[0] == pytest.approx(-1)


def test_a_constant_has_no_correlation():
    x = np.full(6, 0.1)  # whose sum of squares is not quite zero
    for formula in ORACLES:
        assert np.isnan(formula(np.ones((1, 6)), x, np.arange(6.0))[0])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.sampled_from([2, 5, 1000]))
def test_sorting_and_comparing_all_pairs_count_alike(seed, n, levels):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(levels, size=(2, n)).astype(float)
    weights = rng.integers(0, 5, size=(4, n)).astype(float)
    np.testing.assert_array_equal(weighted._by_pairs(weights, x, y), weighted._by_sorting(weights, x, y))

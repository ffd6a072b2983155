"""Permutation tests against scikit-bio, against every permutation there is, and where no p-value may be given."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.analysis.permutation import permutation_test, ranked, relabel
from tests.analysis.conftest import grid_of, long


def symmetric(rng, n):
    values = rng.normal(size=(n, n))
    values = values + values.T
    np.fill_diagonal(values, 0)
    return values


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_mantel_as_scikit_bio(method):
    distance = pytest.importorskip("skbio.stats.distance")
    rng = np.random.default_rng(0)
    x = symmetric(rng, 12)
    y = 0.35 * x + symmetric(rng, 12)
    r, p, n = distance.mantel(x, y, method=method, permutations=4999, seed=1)
    upper = np.triu(np.ones((12, 12), dtype=bool), 1)
    if method == "spearman":
        x, y = ranked(x, upper), ranked(y, upper)
    found = permutation_test([y], [x], upper, permutations=4999)[0]
    assert n == 12
    assert found.r == pytest.approx(r)
    assert found.p == pytest.approx(p, abs=0.02)


def test_p_is_the_share_of_all_relabellings():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 5, 5))
    off = ~np.eye(5, dtype=bool)
    observed = stats.pearsonr(x[off], y[off])[0]
    every = [stats.pearsonr(x[np.ix_(order, order)][off], y[off])[0] for order in itertools.permutations(range(5))]
    share = np.mean(np.abs(every) >= abs(observed) - 1e-12)
    found = permutation_test([y], [x], off, permutations=20000)[0]
    assert found.r == pytest.approx(observed)
    assert found.p == pytest.approx(share, abs=0.015)


def test_partial_is_the_correlation_given_the_control():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(14, 14))
    x, y = z + rng.normal(size=(14, 14)), z + rng.normal(size=(14, 14))
    off = ~np.eye(14, dtype=bool)
    plain, given = (
        permutation_test([y], [x], off, permutations=499)[0],
        permutation_test([y], [x], off, controls=[z], permutations=499)[0],
    )
    xy, xz, yz = (stats.pearsonr(a[off], b[off])[0] for a, b in ((x, y), (x, z), (y, z)))
    assert given.r == pytest.approx((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
    assert plain.p < 0.01
    assert given.p > 0.05


def test_rectangles_leave_what_is_unknown_out_of_every_relabelling():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6, 9))
    y = -x + 0.5 * rng.normal(size=(6, 9))
    x[0, 0], y[2, 3] = np.nan, np.nan
    cells = np.isfinite(x) & np.isfinite(y)
    found = permutation_test([y], [x], cells, joint=False, permutations=999)[0]
    assert found.r == pytest.approx(stats.pearsonr(x[cells], y[cells])[0])
    assert found.p == 0.001


def names(n):
    return [f"l{i}" for i in range(n)]


def table_of(score, *distances):
    import pandas as pd

    codes = names(len(score))
    grid = grid_of(score, codes, codes)
    frame = pd.concat([long(values, codes, codes, f"d{i}") for i, values in enumerate(distances)])
    return relabel([grid], frame, permutations=199)


def test_no_p_below_eight_languages():
    rng = np.random.default_rng(4)
    for n, defined in ((7, False), (8, True)):
        table = table_of(rng.normal(size=(n, n)), rng.normal(size=(n, n))).tables["permutation"]
        assert np.isfinite(table["r"]).all()
        assert np.isfinite(table["p"]).all() == defined
        assert table["reason"].str.contains("below 8 there is no p-value").all() != defined


def test_languages_with_gaps_are_dropped_and_counted():
    rng = np.random.default_rng(5)
    score, away = rng.normal(size=(2, 10, 10))
    score[3, 4:8] = np.nan
    away[9, 2] = np.nan
    table = table_of(score, away).tables["permutation"].set_index(["design", "measure"])
    row = table.loc[("qap", "pearson")]
    assert (row["languages"], row["dropped"], row["pairs"]) == (8, 2, 56)


def test_a_distance_that_follows_from_the_others_has_no_partial_test():
    rng = np.random.default_rng(6)
    score, away = rng.normal(size=(2, 9, 9))
    result = table_of(score, away, 2 * away + 1)
    partial = result.tables["permutation"].query("given != ''")
    assert len(partial) == 4
    assert partial["r"].isna().all()
    assert partial["reason"].str.contains("in full").all()
    assert "exploratory" in " ".join(result.notes)


def test_constant_distances_say_so():
    rng = np.random.default_rng(7)
    table = table_of(rng.normal(size=(9, 9)), np.ones((9, 9))).tables["permutation"]
    assert table["r"].isna().all()
    assert (table["reason"] == "distance constant").all()

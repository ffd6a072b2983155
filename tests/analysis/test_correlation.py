"""Correlations and their intervals: an explicit loop as oracle, defined answers where there is nothing to correlate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.analysis.correlation import MEASURES, correlate, measures
from harness.analysis.resampling import Draws, interval, naive
from tests.analysis.conftest import grid_of, long


def example(seed=0, shape=(9, 12), missing=0.15):
    rng = np.random.default_rng(seed)
    away = rng.normal(size=shape)
    score = -0.5 * away + rng.normal(size=(shape[0], 1)) + 2 * rng.normal(size=(1, shape[1])) + rng.normal(size=shape)
    away[rng.uniform(size=shape) < missing] = np.nan
    score[rng.uniform(size=shape) < missing] = np.nan
    return score, away


def by_hand(name, score, away, sources, targets):
    """A measure of one resample, built row by row and column by column."""
    score, away = score[np.ix_(sources, targets)], away[np.ix_(sources, targets)]
    both = np.isfinite(score) & np.isfinite(away)
    x, y = away[both], score[both]
    if name in ("pearson", "spearman", "kendall"):
        return {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[name](x, y)[0]
    if name == "slope":
        return stats.linregress(x, y).slope
    if name == "double_centred":
        a, b = (np.where(both, values, np.nan) for values in (away, score))
        a, b = (v - np.nanmean(v, axis=1, keepdims=True) - np.nanmean(v, axis=0) + np.nanmean(v) for v in (a, b))
        return stats.pearsonr(a[both], b[both])[0]
    rhos = []
    for j in range(score.shape[1]):
        known = both[:, j]
        if len(set(sources[known])) > 2:
            rhos.append(stats.spearmanr(away[known, j], score[known, j])[0])
    rhos = np.array(rhos)
    rhos = rhos[np.isfinite(rhos)]
    if name == "within_target":
        return rhos.mean()
    return np.tanh(np.arctanh(np.clip(rhos, -0.999, 0.999)).mean())


@pytest.mark.filterwarnings("ignore:An input array is constant", "ignore:Mean of empty slice")
def test_two_way_bootstrap_against_a_loop():
    score, away = example()
    found = {row["measure"]: row for row in measures(score, away, 60, 3)}
    draws = Draws.of(score.shape, 60, 3)
    for name in ("pearson", "spearman", "kendall", "slope", "double_centred"):
        everything = np.arange(score.shape[0]), np.arange(score.shape[1])
        assert found[name]["value"] == pytest.approx(by_hand(name, score, away, *everything), abs=1e-9)
        values = [
            by_hand(
                name,
                score,
                away,
                np.repeat(np.arange(len(s)), s.astype(int)),
                np.repeat(np.arange(len(t)), t.astype(int)),
            )
            for s, t in zip(draws.sources, draws.targets, strict=True)
        ]
        assert (found[name]["low"], found[name]["high"]) == pytest.approx(interval(np.array(values)), abs=1e-9)


def test_within_target_is_the_mean_of_each_target():
    score, away = example(missing=0)
    found = {row["measure"]: row["value"] for row in measures(score, away, 20, 0)}
    for name in ("within_target", "within_target_fisher"):
        assert found[name] == pytest.approx(by_hand(name, score, away, np.arange(9), np.arange(12)), abs=1e-9)


def test_what_targets_and_sources_are_worth_is_no_correlation():
    """A distance that follows the targets' difficulty alone correlates with raw scores alone."""
    rng = np.random.default_rng(1)
    hard = rng.normal(size=(1, 25))
    score = -3 * hard + 0.3 * rng.normal(size=(15, 25))
    away = hard + 0.1 * rng.normal(size=(15, 25))
    found = {row["measure"]: row for row in measures(score, away, 400, 0)}
    assert found["pearson"]["value"] < -0.9
    for name in ("within_target", "double_centred"):
        assert found[name]["low"] < 0 < found[name]["high"]


def test_the_naive_interval_is_far_narrower():
    score, away = example(shape=(15, 25), missing=0)
    row = next(iter(measures(score + 5 * np.arange(25), away + np.arange(25), 500, 0)))
    assert row["high"] - row["low"] > 1.5 * (row["naive_high"] - row["naive_low"])


@pytest.mark.parametrize(
    ("score", "away", "reason"),
    [
        (np.ones((4, 5)), np.arange(20.0).reshape(4, 5), "score constant"),
        (np.arange(20.0).reshape(4, 5), np.ones((4, 5)), "distance constant"),
        (np.arange(20.0).reshape(4, 5), np.full((4, 5), np.nan), "0 pairs; 3 are needed"),
    ],
)
def test_nothing_to_correlate_says_why(score, away, reason):
    for row in measures(score, away, 20, 0):
        assert np.isnan([row["value"], row["low"], row["high"]]).all()
        assert row["reason"] == reason


def test_one_source_alone():
    score, away = example(shape=(1, 20), missing=0)
    found = {row["measure"]: row for row in measures(score, away, 200, 0)}
    assert found["pearson"]["low"] < found["pearson"]["value"] < found["pearson"]["high"]
    for name in ("within_target", "double_centred"):
        assert np.isnan(found[name]["value"])
        assert found[name]["reason"] == "one source"


def test_counts_of_what_was_dropped_and_flat_names():
    score, away = example(missing=0)
    away[0, :3] = np.nan
    grid = grid_of(score)
    result = correlate([grid], long(away, grid.sources, grid.targets, "lexical distance"), replicates=20)
    row = result.tables["correlation"].iloc[0]
    assert (row["n"], row["without_distance"], row["sources"], row["targets"]) == (105, 3, 9, 12)
    for name in MEASURES:
        for suffix in ("", ".ci_low", ".ci_high", ".n"):
            assert f"corr.task.lexical_distance.{name}{suffix}" in result.metrics
    assert any("3 pairs have a score but no distance" in note for note in result.notes)


def test_equal_seeds_give_equal_intervals():
    score, away = example()
    assert list(measures(score, away, 50, 1)) == list(measures(score, away, 50, 1))
    assert list(measures(score, away, 50, 1)) != list(measures(score, away, 50, 2))


def test_draws_are_with_replacement_and_complete():
    draws = Draws.of((7, 11), 50, 0)
    assert (draws.sources.sum(axis=1) == 7).all()
    assert (draws.targets.sum(axis=1) == 11).all()
    assert (naive(13, 20, 0).sum(axis=1) == 13).all()
    assert (draws.sources != 1).any()


def test_too_many_undefined_replicates_give_no_interval():
    values = np.arange(100.0)
    assert interval(values) == (pytest.approx(2.475), pytest.approx(96.525))
    values[:6] = np.nan
    assert np.isnan(interval(values)).all()

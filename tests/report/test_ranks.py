"""Ranks by an independent few lines: pandas as MTEB's leaderboard has it, and pairs counted one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.report import ranks

TABLE = st.integers(1, 6).flatmap(
    lambda n: arrays(float, (n, 4), elements=st.sampled_from([0.1, 0.2, 0.3, 0.5, float("nan")]))
)


@given(TABLE)
@settings(max_examples=100, deadline=None)
def test_borda_is_mteb_s(table):
    # mteb: scores.rank(average, descending), n less that, summed over tasks, missing ones skipped, then rank(min)
    frame = pd.DataFrame(table)
    counts = (len(frame) - frame.rank(method="average", ascending=False)).sum(axis=1)
    total, place = ranks.borda(list(table.T))
    assert total == pytest.approx(counts.to_numpy())
    assert place.tolist() == counts.round(9).rank(method="min", ascending=False).astype(int).tolist()


@given(TABLE)
@settings(max_examples=100, deadline=None)
def test_win_rates_are_pairs_counted_one_by_one(table):
    found = ranks.win_rates(table)
    for i, mine in enumerate(table):
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for j, other in enumerate(table) if j != i
                for a, b in zip(mine, other, strict=True) if a == a and b == b]  # fmt: skip
        assert found[i] == pytest.approx(np.mean(wins)) if wins else np.isnan(found[i])


def test_ties_share_the_lower_rank_and_nothing_has_none():
    assert ranks.ranks([0.5, None, 0.7, 0.5, 0.1]) == [2, None, 1, 2, 4]


def test_an_entry_that_is_better_everywhere_is_first_in_every_resample():
    scores = np.array([[0.9, 0.8, 0.7], [0.5, 0.4, 0.6], [0.4, 0.5, 0.5]])
    low, high = ranks.borda_intervals([(scores, ("deu", "eng", "fin"))])
    assert (low[0], high[0]) == (1, 1)
    assert (low[1], high[1]) == (2, 3)


def test_rank_intervals_are_those_of_a_plain_resampling():
    rng = np.random.default_rng(1)
    codes = [f"l{i}" for i in range(12)]
    tasks = [(rng.normal(0.5, 0.1, (5, 12)), codes), (rng.normal(0.5, 0.1, (5, 8)), codes[:8])]
    low, high = ranks.borda_intervals(tasks)
    places = []
    for _ in range(2000):
        drawn = rng.integers(12, size=12)
        means = [scores[:, [i for i in drawn if i < scores.shape[1]]].mean(axis=1) for scores, _ in tasks]
        places.append(sum(pd.Series(mean).rank() for mean in means).rank(method="min", ascending=False))
    expected = np.quantile(np.array(places), [0.025, 0.975], axis=0)
    assert np.abs(low - expected[0]).max() <= 1
    assert np.abs(high - expected[1]).max() <= 1
    assert (low == np.round(expected[0])).mean() >= 0.8


def test_equal_entries_stay_equal_in_every_resample():
    row = np.array([0.1, 0.7, 0.3, 0.2, 0.9])
    low, high = ranks.borda_intervals([(np.stack([row, row]), ("a", "b", "c", "d", "e"))])
    assert low.tolist() == high.tolist() == [1, 1]

"""The p-value of a drop is that of other people's tests, and of a plain loop over swaps."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare, permutation_test
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels

from harness.errors import HarnessError
from harness.metrics.base import metric
from harness.stats.paired import BLOCK, Cell, as_bad, enumerated, half, mcnemar

ACCURACY, F1, SPEARMAN = metric("accuracy"), metric("span_f1"), metric("spearman")


def right(outcomes):
    """Counts of accuracy, (examples, 2)."""
    return np.stack([outcomes, np.ones(len(outcomes))], axis=1).astype(float)


def cell(measure, before, after, groups=None):
    return Cell(measure, np.arange(len(before)) if groups is None else groups, (before,), (after,))


def spans(rng, n, chance):
    gold = rng.poisson(1.5, n)
    tp = rng.binomial(gold, chance)
    return np.stack([tp, tp + rng.poisson(0.4, n), gold], axis=1).astype(float)


def rank_counts(rng, n, noise):
    gold = np.arange(float(n))
    return SPEARMAN.count(gold.tolist(), (gold + rng.normal(0, noise, n)).tolist())


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_mcnemar_is_the_binomial_test_of_those_that_changed(pairs):
    before, after = np.array(pairs).T
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    one = cell(ACCURACY, right(before), right(after))
    assert one.is_right_or_wrong
    expected = binomtest(lost, lost + won, alternative="greater").pvalue if lost + won else 1.0
    assert mcnemar(one) == pytest.approx(expected)
    table = [[int((before & after).sum()), lost], [won, int((~before & ~after).sum())]]
    if lost > won:
        assert 2 * mcnemar(one) == pytest.approx(mcnemar_of_statsmodels(table, exact=True).pvalue)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 11))
def test_all_swaps_of_right_and_wrong_answers_are_mcnemar(seed, changed):
    rng = np.random.default_rng(seed)
    before = rng.random(40) < 0.5
    after = before.copy()
    after[rng.choice(40, changed, replace=False)] ^= True
    one = cell(ACCURACY, right(before), right(after))
    assert enumerated(one) == pytest.approx(mcnemar(one))


@pytest.mark.parametrize("seed", range(4))
def test_all_swaps_of_groups_are_scipys_permutations(seed):
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, 9, 40))
    before, after = spans(rng, 40, 0.7), spans(rng, 40, 0.6)
    one = cell(F1, before, after, groups)
    sums = np.stack([[side[groups == id].sum(axis=0) for id in range(9)] for side in (before, after)])

    def drop(x, y):
        # scipy swaps the numbers of rows
        scores = [F1.score(sums.reshape(-1, 3)[rows.astype(int)].sum(axis=-2)) for rows in (x, y)]
        return scores[0] - scores[1]

    found = permutation_test(
        (np.arange(9), np.arange(9, 18)),
        lambda x, y, axis: drop(np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)),
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert enumerated(one) == pytest.approx(found.pvalue)


@pytest.mark.parametrize("kind", ["spans", "ranks"])
def test_all_swaps_are_a_loop_over_them(kind):
    rng = np.random.default_rng(9)
    n = 24
    before, after = (
        (spans(rng, n, 0.8), spans(rng, n, 0.5))
        if kind == "spans"
        else (rank_counts(rng, n, 3), rank_counts(rng, n, 9))
    )
    groups = np.arange(n) // 4
    measure = F1 if kind == "spans" else SPEARMAN
    one = cell(measure, before, after, groups)
    bad = 0
    for swapped in product([False, True], repeat=6):
        chosen = np.array(swapped)[groups][:, None]
        drop = measure.total(np.where(chosen, after, before)) - measure.total(np.where(chosen, before, after))
        bad += drop >= one.drop - 1e-12
    assert enumerated(one) == bad / 2**6


@pytest.mark.parametrize("kind", ["spans", "ranks"])
def test_random_swaps_come_near_to_all_of_them(kind):
    rng = np.random.default_rng(11)
    if kind == "spans":
        one = cell(F1, spans(rng, 60, 0.8), spans(rng, 60, 0.7), np.arange(60) % 10)
    else:
        one = cell(SPEARMAN, rank_counts(rng, 60, 20), rank_counts(rng, 60, 24), np.arange(60) % 10)
    draws = 20_000 if kind == "spans" else 4_000
    exact = enumerated(one)
    assert 0.02 < exact < 0.6
    near = 4 * np.sqrt(exact * (1 - exact) / draws)
    assert as_bad(one, 0, draws, seed=1) / draws == pytest.approx(exact, abs=near)


def test_more_swaps_go_on_where_the_first_ended():
    rng = np.random.default_rng(12)
    one = cell(F1, spans(rng, 200, 0.8), spans(rng, 200, 0.77))
    parts = [as_bad(one, i * BLOCK, (i + 1) * BLOCK, seed=3) for i in range(3)]
    assert sum(parts) == as_bad(one, 0, 3 * BLOCK, seed=3)
    assert len({*parts, as_bad(one, 0, BLOCK, seed=4)}) > 1


def test_counted_bits_are_binomial():
    times = np.array([1, 5, 64, 65, 200])
    heads = half(times, 20_000, np.random.default_rng(0))
    assert heads.mean(axis=0) == pytest.approx(times / 2, rel=0.02)
    assert heads.var(axis=0) == pytest.approx(times / 4, rel=0.05)
    assert (heads <= times).all()
    assert abs(np.corrcoef(heads.T) - np.eye(5)).max() < 0.04
    fives = np.bincount(heads[:, 1].astype(int), minlength=6)
    assert chisquare(fives, 20_000 * np.array([1, 5, 10, 10, 5, 1]) / 32).pvalue > 0.001


def test_under_the_null_hypothesis_p_is_uniform_whatever_the_groups():
    rng = np.random.default_rng(13)
    p = []
    for _ in range(300):
        group = np.arange(90) // 9
        chance = rng.beta(2, 2, 10)[group]  # answers of a group hang together
        shifts = [rng.normal(0, 0.3, 10)[group] for _ in range(2)]
        sides = [right(rng.random(90) < np.clip(chance + shift, 0, 1)) for shift in shifts]
        p.append(enumerated(cell(ACCURACY, *sides, group)))
    assert np.mean(np.array(p) <= 0.05) < 0.085
    assert 0.4 < np.mean(np.array(p) <= 0.5) < 0.6


def test_right_or_wrong_is_what_has_a_closed_form():
    outcomes = np.arange(6) % 2 == 0
    assert cell(ACCURACY, right(outcomes), right(~outcomes)).is_right_or_wrong
    assert not cell(ACCURACY, right(outcomes), right(~outcomes), [0, 0, 1, 2, 3, 4]).is_right_or_wrong
    assert not cell(ACCURACY, right(outcomes) * 2, right(~outcomes) * 2).is_right_or_wrong  # two words an example
    assert not cell(metric("squad_f1"), right(outcomes * 0.5), right(~outcomes)).is_right_or_wrong
    assert cell(metric("squad_em"), right(outcomes), right(~outcomes)).is_right_or_wrong


def test_counts_of_other_examples_are_refused():
    with pytest.raises(HarnessError, match="same examples"):
        cell(ACCURACY, right(np.ones(5)), right(np.ones(4)))
    with pytest.raises(HarnessError, match="retrained"):
        Cell(ACCURACY, range(5), (right(np.ones(5)),) * 2, (right(np.ones(5)),))
    with pytest.raises(HarnessError, match="one seed"):
        Cell(ACCURACY, [], (), ())

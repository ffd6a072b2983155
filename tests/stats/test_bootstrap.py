import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.base import metric
from harness.stats import bootstrap
from harness.stats.bootstrap import interval, intervals, replicated, weights

SHARE = metric("accuracy")
F1 = metric("span_f1")


def answers(right):
    """Counts of accuracy, (examples, 2)."""
    return np.stack([right, np.ones(len(right))], axis=1).astype(float)


def test_coverage_of_simulated_accuracies_is_near_the_nominal():
    rng = np.random.default_rng(7)
    n, p, trials = 200, 0.7, 400
    groups = [str(i) for i in range(n)]
    inside = 0
    for trial in range(trials):
        low, high = interval(answers(rng.random(n) < p), groups, SHARE, replicates=400, seed=trial)
        inside += low <= p <= high
    # 400 trials at 95 %: a standard error of 1.1 points; percentile intervals are a little short
    assert 0.91 <= inside / trials <= 0.98


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_width_is_that_of_the_normal_approximation(level):
    n, p = 2000, 0.3
    right = np.arange(n) < p * n
    low, high = interval(answers(right), np.arange(n), SHARE, replicates=4000, level=level)
    z = {0.8: 1.2816, 0.95: 1.96}[level]
    assert high - low == pytest.approx(2 * z * np.sqrt(p * (1 - p) / n), rel=0.05)
    assert (high + low) / 2 == pytest.approx(p, abs=0.003)


def test_groups_are_drawn_whole():
    right = np.repeat(np.arange(20) % 2, 50)  # 20 articles, all questions of one right or wrong together
    whole = interval(answers(right), [f"a{i // 50}" for i in range(1000)], SHARE)
    alone = interval(answers(right), [f"q{i}" for i in range(1000)], SHARE)
    assert whole[1] - whole[0] > 5 * (alone[1] - alone[0])


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=30), st.integers(0, 1000))
def test_it_equals_resampling_group_by_group(groups, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 5, size=(len(groups), 3)).astype(float)
    found = interval(counts, groups, F1, replicates=50, seed=seed)
    ids = sorted(set(groups))
    if len(ids) < 2:
        assert found is None
        return
    scores = []
    for row in weights(groups, 50, seed):
        drawn = [id for id, times in zip(ids, row, strict=True) for _ in range(times)]
        resampled = [counts[i] for id in drawn for i in range(len(groups)) if groups[i] == id]
        scores.append(F1.total(np.array(resampled)))
    assert found == pytest.approx(tuple(np.quantile(scores, [0.025, 0.975])))


@given(st.sets(st.text(max_size=4), min_size=1, max_size=20), st.randoms(), st.integers(0, 1000))
def test_weights_depend_on_the_set_of_groups_alone(ids, random, seed):
    shuffled = [*ids, *list(ids)[:3]]
    random.shuffle(shuffled)
    assert (weights(sorted(ids), 20, seed) == weights(shuffled, 20, seed)).all()


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 1000))
def test_every_replicate_draws_as_many_groups_as_there_are(groups, replicates, seed):
    drawn = weights([str(i) for i in range(groups)], replicates, seed)
    assert drawn.shape == (replicates, groups)
    assert (drawn.sum(axis=1) == groups).all()


def test_draws_are_multinomial():
    drawn = weights([str(i) for i in range(30)], 20_000, 0).astype(float)
    assert drawn.mean(axis=0) == pytest.approx(np.ones(30), abs=0.04)
    assert drawn.var(axis=0) == pytest.approx(np.full(30, 1 - 1 / 30), rel=0.06)
    covariance = np.cov(drawn.T)[~np.eye(30, dtype=bool)]
    assert covariance.mean() == pytest.approx(-1 / 30, abs=0.003)


def test_parallel_targets_share_the_resample_in_any_order():
    rng = np.random.default_rng(0)
    groups = [f"xnli:{i % 50}" for i in range(150)]
    right = rng.random(150) < 0.6
    order = rng.permutation(150)
    here = interval(answers(right), groups, SHARE)
    there = interval(answers(right[order]), [groups[i] for i in order], SHARE)
    assert here == pytest.approx(there)


def test_another_seed_is_another_resample():
    assert (weights(list("abcdefgh"), 10, 0) != weights(list("abcdefgh"), 10, 1)).any()


def test_many_scores_at_once_have_the_intervals_of_each_alone():
    rng = np.random.default_rng(3)
    groups = [f"g{i % 40}" for i in range(120)]
    spans = rng.integers(1, 9, size=(120, 3)).astype(float)
    numbers = rng.normal(size=(120, 2)) + rng.normal(size=(120, 1))
    tables, measures = [answers(rng.random(120) < 0.5), numbers, spans], [SHARE, metric("spearman"), F1]
    alone = [interval(table, groups, measure) for table, measure in zip(tables, measures, strict=True)]
    assert intervals(tables, groups, measures) == alone
    assert intervals([numbers], groups, [metric("spearman")]) == alone[1:2]
    assert intervals(tables, ["g"] * 120, measures) == [None] * 3
    assert intervals([], groups, []) == []


def test_replicates_of_several_models_are_paired():
    rng = np.random.default_rng(5)
    groups = [f"g{i % 60}" for i in range(180)]
    before = rng.random(180) < 0.6
    after = before | (np.arange(180) < 9)  # better in nine examples, nowhere worse
    one, other = replicated([answers(before), answers(after)], groups, [SHARE] * 2, replicates=300, seed=2)
    assert one.shape == (300,)
    assert (other >= one).all()
    assert (other - one).std() < 0.3 * one.std()
    # and as paired in calls of their own: on a parallel target, for a model that is scored later
    assert (replicated([answers(after)], groups, [SHARE], replicates=300, seed=2) == other).all()
    assert interval(answers(after), groups, SHARE, replicates=300, seed=2) == tuple(np.quantile(other, [0.025, 0.975]))


def test_the_difference_of_a_model_to_itself_is_always_0():
    rng = np.random.default_rng(6)
    spans, numbers = rng.integers(1, 9, size=(50, 3)).astype(float), rng.normal(size=(50, 2))
    tables, measures = [spans, numbers, spans.copy(), numbers.copy()], [F1, metric("spearman")] * 2
    found = replicated(tables, np.arange(50) // 2, measures)
    assert (found[:2] == found[2:]).all()
    assert (found.std(axis=1) > 0).all()


def test_many_groups_are_multiplied_in_parts(monkeypatch):
    rng = np.random.default_rng(4)
    counts, groups = answers(rng.random(70)), np.arange(70)
    whole = interval(counts, groups, SHARE)
    for at_once in (1, 3 * 70 + 1, 64 * 70):
        monkeypatch.setattr(bootstrap, "AT_ONCE", at_once)
        assert interval(counts, groups, SHARE) == pytest.approx(whole, rel=1e-12)


def test_250_000_groups_need_little_memory():
    counts, groups = answers(np.arange(250_000) % 3 > 0), np.arange(250_000)
    tracemalloc.start()
    low, high = interval(counts, groups, SHARE, replicates=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert low < 2 / 3 < high
    assert peak < 350 * 2**20  # 300 x 250,000 weights are 600 MB as floating point


@pytest.mark.parametrize("groups", [["a"] * 5, []])
def test_fewer_than_two_groups_have_no_interval(groups):
    assert interval(answers(np.ones(len(groups))), groups, SHARE) is None


def test_a_score_without_spread_has_an_interval_of_no_width():
    assert interval(answers(np.ones(10)), [str(i) for i in range(10)], SHARE) == (1.0, 1.0)


def test_what_is_drawn_cannot_be_overwritten():
    with pytest.raises(ValueError, match="read-only"):
        weights(["a", "b"], 5, 0)[0, 0] = 9

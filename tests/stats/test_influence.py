"""Influence values say what the bootstrap over groups says, and what closed forms say where there are any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.base import metric
from harness.stats import influence as module
from harness.stats.bootstrap import weights
from harness.stats.influence import group_sums, influence, standard_error

LABELS = ("a", "b", "c")
METRICS = {
    "accuracy": "label",
    "macro_f1": "label",
    "micro_f1": "label",
    "matthews": "label",
    "pearson": "number",
    "spearman": "number",
    "squad_f1": "text",
    "span_f1": "tags",
}


def answers(kind, n, rng):
    """Gold answers, and answers of two models that err partly together."""
    if kind == "number":
        gold = rng.normal(3, 1, n)
        both = rng.normal(0, 0.7, n)
        return gold.tolist(), *((gold + both + rng.normal(0, 0.5, n)).tolist() for _ in range(2))
    if kind == "text":
        words = np.array(["north", "wind", "sun", "cloak", "warm"])
        gold = [" ".join(rng.choice(words, 3)) for _ in range(n)]
        return (
            [[one] for one in gold],
            *([one if rng.random() < 0.6 else " ".join(rng.choice(words, 3)) for one in gold] for _ in range(2)),
        )
    if kind == "tags":
        gold = [[str(tag) for tag in rng.choice(["O", "B-PER", "B-LOC"], 6)] for _ in range(n)]
        noisy = [
            [[tag if rng.random() < 0.8 else str(rng.choice(["O", "B-PER", "B-LOC"])) for tag in one] for one in gold]
            for _ in range(2)
        ]
        return gold, *noisy
    gold = rng.choice(LABELS, n, p=(0.6, 0.3, 0.1)).tolist()
    return gold, *([one if rng.random() < 0.7 else str(rng.choice(LABELS)) for one in gold] for _ in range(2))


def replicates(counts, member, measure, drawn):
    """The score of each bootstrap replicate."""
    if hasattr(measure, "columns") and measure.name != "spearman":
        return measure.score(drawn.astype(float) @ group_sums(counts, member, drawn.shape[1]))
    return np.array([measure.total(np.repeat(counts, times[member], axis=0)) for times in drawn])


@pytest.mark.parametrize(("name", "kind"), METRICS.items())
@pytest.mark.parametrize("size", [1, 4])
def test_standard_errors_are_those_of_the_bootstrap(name, kind, size):
    rng = np.random.default_rng(5)
    n = 800
    measure = metric(name, labels=LABELS)
    gold, ours, theirs = answers(kind, n, rng)
    member = rng.permutation(n) // size
    counts = [measure.count(gold, one) for one in (ours, theirs)]
    values = np.stack([influence(one, member, measure) for one in counts])
    drawn = weights(member, 400 if name == "spearman" else 2000, 0)
    scores = np.stack([replicates(one, member, measure, drawn) for one in counts])
    assert standard_error(values) == pytest.approx(scores.std(axis=1, ddof=1), rel=0.1)
    assert standard_error(values[0] - values[1]) == pytest.approx((scores[0] - scores[1]).std(ddof=1), rel=0.1)
    correlation = np.corrcoef(scores)[0, 1]
    covariance = values @ values.T
    assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) == pytest.approx(correlation, abs=0.07)


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_of_accuracy_they_are_the_closed_form(right):
    outcomes = np.array(right, dtype=float)
    counts = np.stack([outcomes, np.ones(len(right))], axis=1)
    n = len(right)
    values = influence(counts, np.arange(n), metric("accuracy"))
    assert values == pytest.approx((outcomes - outcomes.mean()) / np.sqrt(n * (n - 1)), abs=1e-8)
    assert standard_error(values) == pytest.approx(outcomes.std(ddof=1) / np.sqrt(n), abs=1e-8)


def test_of_groups_of_unequal_size_they_are_those_of_a_ratio():
    rng = np.random.default_rng(3)
    member = np.sort(rng.integers(0, 30, 400))
    right = (rng.random(400) < 0.3 + 0.02 * member).astype(float)
    values = influence(np.stack([right, np.ones(400)], axis=1), member, metric("accuracy"))
    residual = np.bincount(member, right - right.mean())
    assert standard_error(values) == pytest.approx(np.sqrt((residual**2).sum() * 30 / 29) / 400, rel=1e-6)


def test_of_f1_they_are_the_delta_method():
    rng = np.random.default_rng(4)
    gold = rng.poisson(2, 300)
    tp = rng.binomial(gold, 0.7)
    guessed = tp + rng.poisson(0.5, 300)
    values = influence(np.stack([tp, guessed, gold], axis=1).astype(float), np.arange(300), metric("span_f1"))
    f1 = 2 * tp.sum() / (guessed + gold).sum()
    exact = (2 * tp - f1 * (guessed + gold)) / (guessed + gold).sum() * np.sqrt(300 / 299)
    assert values == pytest.approx(exact, abs=1e-8)


def test_the_order_is_that_of_the_sorted_groups_and_not_of_the_examples():
    rng = np.random.default_rng(6)
    counts = np.stack([rng.random(50) < 0.5, np.ones(50)], axis=1).astype(float)
    groups = np.array([f"g{i // 2}" for i in range(50)])
    order = rng.permutation(50)
    assert influence(counts[order], groups[order], metric("accuracy")) == pytest.approx(
        influence(counts, groups, metric("accuracy"))
    )


def test_correlations_of_numbers_far_from_0_are_no_worse():
    # a step in one sum alone would change their variance beyond recognition
    rng = np.random.default_rng(7)
    gold = rng.normal(0, 1, 200)
    guess = gold + rng.normal(0, 1, 200)
    near, far = (
        influence(metric("pearson").count((gold + away).tolist(), guess.tolist()), np.arange(200), metric("pearson"))
        for away in (0, 2000)
    )
    assert far == pytest.approx(near, abs=1e-5)


def test_a_perfect_correlation_is_certain():
    numbers = np.arange(1.0, 40).tolist()
    for name in ("pearson", "spearman"):
        measure = metric(name)
        assert standard_error(influence(measure.count(numbers, numbers), np.arange(39), measure)) < 1e-9


def test_one_group_has_none():
    counts = np.ones((5, 2))
    assert influence(counts, ["a"] * 5, metric("accuracy")) is None
    assert influence(counts[:0], [], metric("accuracy")) is None


def test_many_groups_are_left_out_in_blocks_which_move_the_standard_error_little(monkeypatch):
    rng = np.random.default_rng(8)
    measure = metric("spearman")
    gold = rng.normal(0, 1, 600)
    counts = measure.count(gold.tolist(), (gold + rng.normal(0, 1, 600)).tolist())
    other = measure.count(gold.tolist(), (gold + rng.normal(0, 1, 600)).tolist())
    blocks = [influence(one, np.arange(600), measure) for one in (counts, other)]
    monkeypatch.setattr(module, "BLOCKS", 600)
    alone = [influence(one, np.arange(600), measure) for one in (counts, other)]
    assert standard_error(blocks[0]) == pytest.approx(standard_error(alone[0]), rel=0.12)
    assert standard_error(blocks[0] - blocks[1]) == pytest.approx(standard_error(alone[0] - alone[1]), rel=0.12)

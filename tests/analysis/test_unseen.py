"""Prediction and ranking: scikit-learn as oracle, folds without leaks, ties averaged."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import ndcg_score
from sklearn.preprocessing import StandardScaler

from harness.analysis.prediction import foretell, of_unseen_targets
from harness.analysis.ranking import FORETOLD, ndcg, of_target, rank, relevance
from harness.analysis.ridge import LEARNERS, Pairs, folds, predict
from tests.analysis.conftest import grid_of, long


def pairs_of(seed=0, languages=12, features=2):
    rng = np.random.default_rng(seed)
    s, t = np.nonzero(~np.eye(languages, dtype=bool))
    x = rng.normal(size=(len(s), features))
    score = x @ np.arange(1.0, features + 1) + rng.normal(size=languages)[s] + rng.normal(size=languages)[t]
    return Pairs(s, t, score, x, languages)


def test_folds_hold_out_what_they_say():
    pairs = pairs_of(languages=30)
    for unseen, side in (("target", pairs.target), ("source", pairs.source)):
        tested = np.zeros(len(pairs.score))
        for train, test in folds(pairs, unseen, 0):
            assert set(side[train]).isdisjoint(side[test])
            tested += test
        assert (tested == 1).all()
    tested = np.zeros(len(pairs.score))
    for train, test in folds(pairs, "both", 0):
        seen = {*pairs.source[train], *pairs.target[train]}
        assert seen.isdisjoint({*pairs.source[test], *pairs.target[test]})
        tested += test
    assert (tested == 1).all()


def test_ridge_as_scikit_learn():
    pairs = pairs_of()
    found, _ = predict(pairs, "both", 0)
    for train, test in folds(pairs, "both", 0):
        scaler = StandardScaler().fit(pairs.features[train])
        oracle = Ridge(alpha=1.0).fit(scaler.transform(pairs.features[train]), pairs.score[train])
        assert found[0, test] == pytest.approx(oracle.predict(scaler.transform(pairs.features[test])))


def test_means_of_the_training_pairs():
    pairs = pairs_of()
    found, _ = predict(pairs, "target", 0)
    train = pairs.target != 3
    test = (pairs.target == 3) & (pairs.source == 5)
    expected = {
        "global mean": pairs.score[train].mean(), "source mean": pairs.score[train & (pairs.source == 5)].mean(),
        "target mean": pairs.score[train].mean(), "additive": pairs.score[train & (pairs.source == 5)].mean(),
    }  # fmt: skip
    for learner, value in expected.items():
        assert found[LEARNERS.index(learner), test] == pytest.approx([value])


def test_a_targets_own_scores_do_not_leak_into_its_prediction():
    pairs = pairs_of()
    before, _ = predict(pairs, "target", 0)
    changed = pairs.score.copy()
    changed[pairs.target == 3] += 100
    after, _ = predict(Pairs(pairs.source, pairs.target, changed, pairs.features, 12), "target", 0)
    assert after[:, pairs.target == 3] == pytest.approx(before[:, pairs.target == 3])


def known_effect(seed=0, languages=14):
    rng = np.random.default_rng(seed)
    codes = [f"l{i}" for i in range(languages)]
    near, useless = rng.normal(size=(2, languages, languages))
    score = -near + 0.2 * rng.normal(size=(languages, languages)) + rng.normal(size=(languages, 1))
    import pandas as pd

    frame = pd.concat([long(near, codes, codes, "near"), long(useless, codes, codes, "useless")])
    return grid_of(score, codes, codes), frame


def test_what_explains_the_scores_foretells_them_and_matters():
    grid, frame = known_effect()
    result = foretell([grid], frame, {}, {})
    table = result.tables["prediction"].set_index(["unseen", "learner"])
    for unseen in ("target", "source", "both"):
        ridge = table.loc[(unseen, "ridge")]
        assert ridge["r2"] > 0.3
        assert ridge["mae"] < min(table.loc[(unseen, learner)]["mae"] for learner in LEARNERS[1:])
    shares = result.tables["importance"].query("unseen == 'target'").set_index("group")["mae_increase"]
    assert shares["near"] > 0.3 > 0.05 > abs(shares["useless"])
    together = foretell([grid], frame, {}, {"near": "typological", "useless": "typological"}).tables["importance"]
    assert set(together["group"]) == {"typological"}


def test_few_languages_are_not_predicted():
    rng = np.random.default_rng(0)
    grid = grid_of(rng.normal(size=(2, 9)))
    result = foretell([grid], long(rng.normal(size=(2, 9)), grid.sources, grid.targets), {}, {})
    assert set(result.tables["prediction"]["unseen"]) == {"target"} or result.tables["prediction"].empty
    assert any("not predicted" in note for note in result.notes)


def test_linear_ndcg_as_scikit_learn():
    rng = np.random.default_rng(0)
    for ties in (100, 3):
        for _ in range(20):
            scores, distance = rng.integers(100, size=15).astype(float), rng.integers(ties, size=15).astype(float)
            gains = relevance(scores)
            oracle = ndcg_score([gains], [-distance], k=3)
            assert ndcg(gains, distance, exponential=False) == pytest.approx(oracle)


def test_ties_are_averaged_over_every_order():
    scores, distance = np.array([3.0, 1, 2, 5, 4]), np.array([1.0, 1, 1, 0, 2])
    found = of_target(scores, distance)
    orders = [order for order in itertools.permutations(range(5)) if (np.diff(distance[list(order)]) >= 0).all()]
    gains = 2.0 ** relevance(scores) - 1
    discount = 1 / np.log2([2, 3, 4])
    best = np.sort(gains)[::-1][:3] @ discount
    assert found["ndcg3"] == pytest.approx(np.mean([gains[list(order)][:3] @ discount / best for order in orders]))
    far = of_target(np.array([1.0, 2, 3, 4, 9]), np.array([1.0, 1, 1, 0, 1]))
    places = [order.index(4) + 1 for order in itertools.permutations(range(5)) if order[0] == 3]
    assert far["mrr"] == pytest.approx(np.mean([1 / place for place in places]))
    assert far["top3"] == pytest.approx(np.mean([place <= 3 for place in places]))
    assert far["top1"] == 0


def test_relevance_is_ten_for_the_best():
    assert relevance(np.arange(12.0)).tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert relevance(np.array([5.0, 5, 1])).tolist() == [10, 10, 8]


def test_ridge_ranks_targets_that_it_has_not_seen():
    grid, frame = known_effect()
    table = rank([grid], frame, {}, replicates=50).tables["ranking"].set_index(["distance", "measure"])["value"]
    assert table["near", "spearman"] > 0.5
    assert table[FORETOLD, "spearman"] > table["near", "spearman"]  # it knows how good each source is, too
    assert abs(table["useless", "spearman"]) < 0.2
    assert np.isnan(of_unseen_targets(grid, frame[frame["a"] == "none"], None)).all()

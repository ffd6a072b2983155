"""Distances that belong to a task or a model: each grid is compared with its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.analysis import lambdarank
from harness.analysis.clusters import cluster
from harness.analysis.correlation import correlate
from harness.analysis.grid import of_grid, square
from harness.analysis.mixed import predictors
from harness.analysis.permutation import permutation_test, relabel
from harness.analysis.ranking import rank
from harness.analysis.regret import policies
from tests.analysis.conftest import grid_of, long

CODES = ["eng", "deu", "nld", "swe", "rus", "pol", "fra", "spa", "fin", "tur"]


def apart(rng, n=10):
    away = rng.uniform(size=(n, n))
    return (away + away.T) / 2


@pytest.fixture
def two():
    """Two tasks with the same scores; the distance of the second one is that of the first upside down."""
    rng = np.random.default_rng(3)
    away = apart(rng)
    scores = 0.8 - away + 0.02 * rng.normal(size=(10, 10))
    grids = [grid_of(scores, CODES, CODES, task=name) for name in ("one", "two")]
    table = pd.concat(
        [
            long(away, CODES, CODES, "text").assign(task="one", model=""),
            long(1 - away, CODES, CODES, "text").assign(task="two", model=""),
            long(apart(rng), CODES, CODES, "plain").assign(task="", model=""),
        ]
    )
    return grids, table


def test_a_grid_gets_its_own_distances_and_those_of_all(two):
    grids, table = two
    own = [of_grid(table, grid) for grid in grids]
    assert [list(one) for one in own] == [["text", "plain"]] * 2
    first, second = (square(one["text"], CODES, CODES) for one in own)
    np.testing.assert_allclose(first, 1 - second)
    other = of_grid(table.assign(model=table["task"].map({"one": "model", "two": "other", "": ""})), grids[1])
    assert list(other) == ["plain"]


def test_every_analysis_looks_at_the_tasks_own(two):
    grids, table = two
    rho = correlate(grids, table, replicates=20).tables["correlation"].query("measure == 'spearman'")
    values = rho.set_index(["task", "distance"])["value"]
    assert values["one", "text"] < -0.9
    assert values["two", "text"] == pytest.approx(-values["one", "text"])
    assert values["two", "plain"] == values["one", "plain"]
    tests = relabel(grids, table, permutations=99).tables["permutation"].query("design == 'qap' and given == ''")
    r = tests.set_index(["task", "distance", "measure"])["r"]
    assert r["two", "text", "pearson"] == pytest.approx(-r["one", "text", "pearson"])
    ranks = rank(grids, table, {}, replicates=20).tables["ranking"].query("measure == 'spearman'")
    mean = ranks.set_index(["task", "distance"])["value"]
    assert mean["one", "text"] == pytest.approx(-mean["two", "text"])
    nearest = [dict(policies(grid, table))["nearest by text"] for grid in grids]
    assert not (nearest[0] * nearest[1]).any()  # what is nearest for one is farthest for the other
    frames = [predictors(grid, table)[0] for grid in grids]
    np.testing.assert_allclose(frames[0]["text"], 1 - frames[1]["text"])


def test_a_control_that_says_nothing_new_changes_no_test():
    rng = np.random.default_rng(0)
    score, distance, control = apart(rng), apart(rng), apart(rng)
    cells = ~np.eye(10, dtype=bool)
    constant, twice = np.ones((10, 10)), 3 * control - 1
    plain = permutation_test([score], [distance], cells, controls=[control], permutations=199)
    more = permutation_test([score], [distance], cells, controls=[control, constant, twice], permutations=199)
    assert more[0].r == pytest.approx(plain[0].r)
    assert more[0].p == plain[0].p


def test_amounts_make_no_tree():
    rng = np.random.default_rng(1)
    grid = grid_of(rng.uniform(size=(10, 10)), CODES, CODES)
    amounts = np.repeat(-rng.uniform(1, 4, size=(10, 1)), 10, axis=1)
    table = pd.concat([long(amounts, CODES, CODES, "train_size"), long(apart(rng), CODES, CODES, "plain")])
    result = cluster([grid], table)
    assert list(result.tables["clusters"]["distance"]) == ["plain"]
    assert any("train_size: holds negative values" in note for note in result.notes)
    assert list(result.figures) == ["dendrogram_task"]  # one a grid


def test_trees_learn_to_rank_what_two_distances_tell_together():
    pytest.importorskip("lightgbm")
    rng = np.random.default_rng(2)
    one, other = rng.uniform(size=(10, 30)), rng.uniform(size=(10, 30))
    targets = [f"t{i}" for i in range(30)]
    grid = grid_of(1 - np.maximum(one, other), CODES, targets)
    table = pd.concat([long(one, CODES, targets, "one"), long(other, CODES, targets, "other")])
    found = rank([grid], table, {}, replicates=20, trees=True).tables["ranking"]
    ndcg = found[found["measure"] == "ndcg3"].set_index("distance")["value"]
    assert ndcg[lambdarank.NAME] > max(ndcg["one"], ndcg["other"]) + 0.05
    again = rank([grid], table, {}, replicates=20, trees=True).tables["ranking"]
    pd.testing.assert_frame_equal(found, again)


def test_without_lightgbm_it_is_said_and_the_rest_goes_on(monkeypatch, two):
    monkeypatch.setattr(lambdarank, "find_spec", lambda name: None)
    grids, table = two
    result = rank(grids, table, {}, replicates=20, trees=True)
    assert result.notes[0].startswith("LambdaRank: skipped, it needs lightgbm")
    assert lambdarank.NAME not in set(result.tables["ranking"]["distance"])

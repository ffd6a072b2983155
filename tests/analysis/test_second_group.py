"""Few-shot curves, utility, clusters and breakdowns, on numbers that can be worked out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist, squareform

from harness.analysis.breakdown import breakdowns
from harness.analysis.clusters import cluster, profile_distance
from harness.analysis.few_shot import curves
from harness.analysis.utility import demand, utilities, weighted_gini
from tests.analysis.conftest import grid_of, long


def few_shot_frame():
    rows = [
        ("ner", "tiny", "eng", target, k, base + (0.05 * np.log2(k) + 0.1 if k else 0))
        for target, base in (("deu", 0.4), ("fin", 0.2), ("eng", 0.9))
        for k in (0, 1, 4, 16)
    ]
    return pd.DataFrame(rows, columns=["task", "model", "source", "target", "shots", "score"])


def test_a_doubling_is_worth_the_slope():
    result = curves(few_shot_frame(), replicates=50)
    slope = result.tables["slopes"].iloc[0]
    assert slope["per_doubling"] == pytest.approx(0.05)
    assert slope["targets"] == 2  # the source itself is no target
    assert result.tables["curves"]["score"].tolist() == pytest.approx([0.3, 0.4, 0.5, 0.6])


def test_targets_that_lack_a_k_leave_the_curve():
    frame = few_shot_frame()
    result = curves(frame[~((frame["target"] == "fin") & (frame["shots"] == 4))], replicates=20)
    assert result.tables["slopes"]["targets"].tolist() == [1]
    assert "lack one of the k" in result.notes[0]


def test_utility_counts_people_or_languages():
    people = {"eng": 80.0, "deu": 15.0, "fin": 5.0, "tur": 0.0}
    grid = grid_of([[0.9, 0.6]], ["eng"], ["eng", "deu"])
    row = utilities([grid], people).tables["utility"].set_index("source").loc["eng"]
    assert row["m_1"] == pytest.approx(0.8 * 0.9 + 0.15 * 0.6)
    assert row["m_0"] == pytest.approx((0.9 + 0.6) / 3)  # three languages have speakers
    assert (row["covered"], row["languages"]) == (2, 4)
    assert demand(np.array([3.0, 1, 0]), 1).tolist() == [0.75, 0.25, 0]
    gains = utilities([grid], people).tables["gains"].query("source == 'eng'").set_index("language")["gain"]
    assert gains["eng"] == pytest.approx(0.8 * 0.1)
    assert gains.index[0] == "eng"


def test_weighted_gini_is_that_of_the_people():
    utility, people = np.array([0.9, 0.1, 0.5]), np.array([3.0, 2, 1])
    each = np.repeat(utility, people.astype(int))
    expected = np.abs(each[:, None] - each).sum() / (2 * len(each) * each.sum())
    assert weighted_gini(people, utility) == pytest.approx(expected)


def test_profile_distance_is_one_minus_the_correlation_of_columns():
    score = np.random.default_rng(0).normal(size=(9, 5))
    centred = score - score.mean(axis=1, keepdims=True)
    assert squareform(profile_distance(score), checks=False) == pytest.approx(pdist(centred.T, "correlation"))


def test_trees_of_one_structure_agree():
    rng = np.random.default_rng(0)
    kin = np.repeat(np.arange(3), 4)
    codes = [f"l{i}" for i in range(12)]
    score = 2.0 * (kin[:, None] == kin) + 0.1 * rng.normal(size=(12, 12))
    away = (kin[:, None] != kin) + 0.1 * rng.uniform(size=(12, 12))
    away[11] = np.nan
    row = cluster([grid_of(score, codes, codes)], long(away, codes, codes)).tables["clusters"].iloc[0]
    assert row["cophenetic_between"] > 0.8
    assert (row["languages"], row["dropped"]) == (11, 1)
    flat = squareform(((away + away.T) / 2)[:11, :11] * ~np.eye(11, dtype=bool), checks=False)
    assert row["cophenetic_distance"] == pytest.approx(cophenet(linkage(flat, "average"), flat)[0])


def test_breakdown_by_script_family_and_pretraining():
    grid = grid_of([[0.9, 0.8, 0.2], [0.7, 0.9, 0.4]], ["eng", "deu"], ["eng", "deu", "rus"])
    families = dict.fromkeys(["eng", "deu", "rus"], "IE")
    scripts = {"eng": "Latn", "deu": "Latn", "rus": "Cyrl"}
    seen = {"model": frozenset({"eng", "deu"})}
    table = (
        breakdowns([grid], families, scripts, seen, replicates=50).tables["breakdown"].set_index(["by", "kind"])["mean"]
    )
    assert table["script", "same script"] == pytest.approx(0.75)  # a source on itself is left out
    assert table["scripts", "Latn to Cyrl"] == pytest.approx(0.3)
    assert table["pretraining", "seen to unseen"] == pytest.approx(0.3)
    assert table["family", "same family"] == pytest.approx((0.8 + 0.2 + 0.7 + 0.4) / 4)
    assert (
        "pretraining" not in breakdowns([grid], families, scripts, {}, replicates=20).tables["breakdown"]["by"].tolist()
    )

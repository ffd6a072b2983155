"""Summaries, gaps, profiles and regret on matrices small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis import averages, guards, printed
from harness.analysis.factors import one_way
from harness.analysis.gap import gaps
from harness.analysis.profile import profiles
from harness.analysis.regret import common_targets, regrets
from harness.analysis.summary import summarise
from tests.analysis.conftest import grid_of, long

CODES = ["eng", "deu", "fin"]
GRID = grid_of([[0.9, 0.7, 0.5], [0.6, 0.8, 0.3]], CODES[:2], CODES)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=30))
def test_gini_is_the_mean_difference(values):
    x = np.array(values)
    assert averages.gini(x) == pytest.approx(np.abs(x[:, None] - x).sum() / (2 * len(x) ** 2 * x.mean()), abs=1e-9)


def test_worst_decile_and_family_mean():
    assert averages.worst_decile(np.arange(1.0, 12)) == 1.5  # of eleven, the lowest two
    assert averages.family_mean(np.array([1.0, 1, 1, 0]), ["a", "a", "a", "b"]) == 0.5


def test_summary_leaves_a_source_on_itself_out():
    table = (
        summarise([GRID], {"eng": "IE", "deu": "IE", "fin": "U"}, replicates=200).tables["summary"].set_index("source")
    )
    english = table.loc["eng"]
    assert (english["macro"], english["min"], english["worst"], english["n"], english["missing"]) == (
        0.6,
        0.5,
        "fin",
        2,
        0,
    )
    everyone = table.loc["all"]
    assert everyone["macro"] == pytest.approx((0.6 + 0.7 + 0.4) / 3)
    assert everyone["family_macro"] == pytest.approx((0.65 + 0.4) / 2)
    assert everyone["low"] <= everyone["macro"] <= everyone["high"]


def test_gap_is_own_minus_others():
    table = gaps([GRID], replicates=50).tables["gap"].set_index("source")
    assert table.loc["eng", "gap"] == pytest.approx(0.9 - 0.6)
    assert table.loc["deu", "relative"] == pytest.approx((0.8 - 0.45) / 0.8)


def test_a_missing_diagonal_has_no_gap():
    result = gaps([grid_of([[np.nan, 0.7, 0.5]], ["eng"], CODES)])
    assert result.tables["gap"].empty
    assert "no gap: eng" in result.notes[0]


def test_profiles_asymmetry_and_ties():
    tables = profiles([GRID], {"eng": "IE", "deu": "IE", "fin": "U"}).tables
    pair = tables["asymmetry"].iloc[0]
    assert (pair["a"], pair["b"], pair["there"], pair["back"]) == ("eng", "deu", 0.7, 0.6)
    assert tables["targets"].set_index("target").loc["fin", "mean"] == pytest.approx(0.4)
    kin = tables["families"].set_index("family")
    assert (kin.loc["U", "source"], kin.loc["U", "other_family"]) == ("eng", True)
    tied = profiles([grid_of([[0.5, 0.5], [0.5, 0.4]])], {}).tables
    assert tied["sources"]["best_for"].tolist() == [1.5, 0.5]


def distances():
    return long([[0, 1.0, 3.0], [1.0, 0, 2.0]], CODES[:2], CODES, "near")


def test_regret_of_every_policy():
    result = regrets([GRID], distances(), {}, replicates=50)
    table = result.tables["regret"].set_index("policy")
    # only Finnish has two sources to choose from
    assert table["n"].tolist() == [1] * len(table)
    assert table.loc["english", "regret"] == 0
    assert table.loc["nearest by near", "regret"] == pytest.approx(0.2)
    assert table.loc["random", "regret"] == pytest.approx(0.1)
    assert table.loc["oracle (hindsight)", "top1"] == 1
    assert any("bound, not a policy" in note for note in result.notes)


def test_policies_are_compared_on_the_targets_that_all_of_them_have():
    """A policy that is silent on the hard targets is no better for it."""
    codes = ["eng", "deu", "fin", "tur"]
    grid = grid_of([[0, 0.9, 0.8, 0.2], [0.7, 0, 0.6, 0.3], [0.6, 0.7, 0, 0.5]], codes[:3], codes)
    away = np.array([[0, 1, 1, np.nan], [1, 0, 2, np.nan], [2, 2, 0, np.nan]])  # of Turkish, where English loses most
    result = regrets([grid], long(away, codes[:3], codes, "near"), {}, replicates=20)
    table = result.tables["regret"].set_index("policy")
    assert (table["n"] == 2).all(), "not English, of which English is no source, and not Turkish"
    assert table["common"].all()
    assert table["without"].to_dict() == dict.fromkeys(table.index, 0) | {"english": 1, "nearest by near": 1}
    assert table.loc["english", "regret"] == table.loc["nearest by near", "regret"] == 0
    assert table.loc["random", "regret"] == pytest.approx((0.9 - 0.8 + 0.8 - 0.7) / 2)
    note = next(note for note in result.notes if "compared" in note)
    assert "on the 2 of 4 targets" in note
    assert "eng (no source by: english); tur (no source by: nearest by near)" in note
    every = result.tables["choices"].query("policy == 'english'").set_index("target")
    assert every["common"].to_dict() == {"deu": True, "fin": True, "tur": False}


def test_a_policy_with_few_targets_stands_apart():
    grid = grid_of(np.linspace(0.2, 0.9, 15).reshape(3, 5))
    away = np.full((3, 5), np.nan)
    away[:, 4] = 0, 1, 2
    result = regrets([grid], long(away, grid.sources, grid.targets, "rare"), {}, replicates=20)
    table = result.tables["regret"].set_index("policy")
    assert table["n"].to_dict() == dict.fromkeys(table.index, 5) | {"nearest by rare": 1}
    assert table.index[~table["common"]].tolist() == ["nearest by rare"]
    assert any("nearest by rare names a source for 1 of 5 targets" in note for note in result.notes)
    (drawn,) = result.figures.values()
    figure = drawn()
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert "nearest by rare  (own targets: 1)" in labels
    shown = printed._policies(result.tables["regret"])
    assert [row["targets"] for row in shown if row["source"] == "nearest by rare"] == ["1 of its own"]
    (choice,) = printed._choices({"regret": result.tables["regret"]})
    assert "best nearest" not in choice
    assert choice["targets"] == "5"


def test_common_targets_are_those_of_most_policies():
    masks = {"a": "11110", "b": "00011", "c": "11011", "d": "11111"}
    known = {name: np.array(list(text)) == "1" for name, text in masks.items()}
    common, apart = common_targets(known, np.ones(5, dtype=bool))
    assert common.tolist() == [True, True, False, True, False]
    assert apart == {"b"}


def test_tied_distances_share_the_choice():
    grid = grid_of([[0.8, 0.6], [0.4, 0.2]], ["eng", "deu"], ["fin", "tur"])
    table = regrets([grid], long(np.ones((2, 2)), grid.sources, grid.targets, "d"), {}, replicates=20).tables["regret"]
    nearest = table.set_index("policy").loc["nearest by d"]
    assert nearest["regret"] == pytest.approx(0.2)
    assert nearest["top1"] == 0.5


def test_the_best_single_source_is_chosen_on_other_targets():
    # a is best on x alone, where it is far ahead; judged on the others, b must be chosen for x
    grid = grid_of([[1.0, 0.3, 0.3], [0.2, 0.5, 0.5]], ["a", "b"], ["x", "y", "z"])
    choices = regrets([grid], pd.DataFrame(columns=["distance", "a", "b", "value"]), {}, replicates=20).tables[
        "choices"
    ]
    single = choices[choices["policy"] == "best single source"].set_index("target")["source"]
    assert single["x"] == "b"


def test_one_source_leaves_nothing_to_choose():
    result = regrets([grid_of([[0.5, 0.6]])], pd.DataFrame(columns=["distance", "a", "b", "value"]), {}, replicates=20)
    assert result.tables["regret"].empty
    assert "nothing to choose" in result.notes[0]


def test_one_way_regressions_as_statsmodels():
    api = pytest.importorskip("statsmodels.formula.api")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"level": rng.choice(list("abcd"), 80), "score": rng.normal(size=80)})
    oracle = api.ols("score ~ C(level)", frame).fit()
    found = one_way(frame["score"].to_numpy(), frame["level"].tolist())
    assert (found.levels, found.r2, found.aic) == (4, pytest.approx(oracle.rsquared), pytest.approx(oracle.aic))


def test_guard_rails():
    assert "one source only" in " ".join(guards.of_grid(grid_of([[0.4, 0.5]])))
    assert "ceiling" in " ".join(guards.of_grid(grid_of(np.full((3, 9), 0.995))))
    assert "1 of 6" in " ".join(guards.of_grid(grid_of([[0.1, np.nan, 0.3], [0.4, 0.5, 0.6]])))
    assert guards.too_few(8) == ""
    assert guards.ties(np.array([1.0, 1, 1, 2])) == 0.75

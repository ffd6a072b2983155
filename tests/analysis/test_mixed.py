"""The crossed mixed model against statsmodels, its R2, and designs that it must refuse or trim."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from harness.analysis.crossed import fit
from harness.analysis.mixed import estimate, mixed, predictors
from tests.analysis.conftest import grid_of, long


def frame_of(seed=0, sources=12, targets=15, **effects):
    """Pairs with scores from known effects of predictors drawn at random."""
    rng = np.random.default_rng(seed)
    s, t = np.divmod(np.arange(sources * targets), targets)
    kept = rng.uniform(size=len(s)) < 0.9
    s, t = s[kept], t[kept]
    columns = {name: rng.normal(size=len(s)) for name in effects}
    score = 0.8 * rng.normal(size=sources)[s] + 1.5 * rng.normal(size=targets)[t] + 0.6 * rng.normal(size=len(s))
    score = score + sum(effect * columns[name] for name, effect in effects.items())
    names = {"source": [f"s{i}" for i in s], "target": [f"t{i}" for i in t], "score": score}
    return pd.DataFrame(names | columns)


@pytest.mark.parametrize("reml", [True, False])
def test_as_statsmodels(reml):
    api = pytest.importorskip("statsmodels.formula.api")
    frame = frame_of(near=-0.7, script=0.3).assign(group=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = api.mixedlm(
            "score ~ near + script", frame, groups="group", re_formula="0",
            vc_formula={"source": "0 + C(source)", "target": "0 + C(target)"},
        ).fit(reml=reml)  # fmt: skip
    design = np.column_stack([np.ones(len(frame)), frame["near"], frame["script"]])
    factors = {name: frame[name].tolist() for name in ("source", "target")}
    found = fit(frame["score"].to_numpy(), design, factors, reml=reml)
    assert found.loglik >= oracle.llf - 1e-6  # at least as likely
    assert found.loglik == pytest.approx(oracle.llf, abs=1e-4)
    assert found.effects == pytest.approx(oracle.fe_params.to_numpy(), abs=1e-3)
    assert found.errors == pytest.approx(oracle.bse_fe.to_numpy(), rel=1e-2)
    assert list(found.variances.values()) == pytest.approx(list(oracle.vcomp), rel=2e-2)
    assert found.residual == pytest.approx(oracle.scale, rel=1e-2)
    assert found.converged


def test_shares_of_variance_add_up():
    frame = frame_of(near=1.0)
    design = np.column_stack([np.ones(len(frame)), frame["near"]])
    found = fit(frame["score"].to_numpy(), design, {side: frame[side].tolist() for side in ("source", "target")})
    explained = np.var(design @ found.effects)
    total = explained + sum(found.variances.values()) + found.residual
    assert found.marginal == pytest.approx(explained / total)
    assert found.conditional == pytest.approx((explained + sum(found.variances.values())) / total)


def test_a_factor_without_variance_is_told():
    rng = np.random.default_rng(0)
    levels = [f"l{i % 10}" for i in range(200)]
    noise = rng.normal(size=200)
    noise -= pd.Series(noise).groupby(levels).transform("mean").to_numpy()  # less between levels than chance gives
    found = fit(noise, np.ones((200, 1)), {"level": levels})
    assert found.singular == ("level",)


def test_estimates_are_per_standard_deviation_and_tested_by_likelihood_ratio():
    frame = frame_of(near=-0.7, useless=0.0)
    frame["near"] = 100 + 50 * frame["near"]
    rows, summary, notes = estimate(frame)
    near, useless = rows
    assert near["low"] < -0.7 * frame["near"].std() / 50 < near["high"]
    assert near["per_unit"] == pytest.approx(near["beta"] / frame["near"].std(ddof=0))
    assert near["p"] == pytest.approx(float(chi2.sf(near["lr"], 1)))
    assert near["p"] < 1e-6 < 0.01 < useless["p"]
    assert summary["n"] == len(frame)
    assert not notes


def test_constant_and_repeated_predictors_are_left_out_and_named():
    frame = frame_of(near=-0.7)
    rows, _, notes = estimate(frame.assign(same=1.0, again=3 - 2 * frame["near"]))
    assert [row["predictor"] for row in rows] == ["near"]
    assert any(note.startswith("same: constant") for note in notes)
    assert any(note.startswith("again: follows from near") for note in notes)


def test_few_languages_have_no_p():
    rows, _, notes = estimate(frame_of(sources=3, targets=4, near=-2.0))
    assert np.isfinite(rows[0]["beta"])
    assert np.isnan(rows[0]["p"])
    assert "below 8 there is no p-value" in rows[0]["reason"]
    assert notes


@pytest.mark.parametrize(("sources", "targets"), [(1, 15), (12, 1)])
def test_one_language_on_a_side_is_no_crossed_model(sources, targets):
    rows, summary, notes = estimate(frame_of(sources=sources, targets=targets, near=-0.7))
    assert rows == []
    assert np.isnan(summary["r2_marginal"])
    assert summary["reason"]
    assert notes


def test_pairs_without_a_distance_are_counted_and_unknown_distances_left_out():
    rng = np.random.default_rng(0)
    codes = [f"l{i}" for i in range(9)]
    score, away = rng.normal(size=(2, 9, 9))
    away[0, 1:4] = np.nan
    grid = grid_of(score, codes, codes)
    frames = pd.concat(
        [
            long(away, codes, codes, "near"),
            pd.DataFrame([("far", "x", "y", 1.0)], columns=["distance", "a", "b", "value"]),
        ]
    )
    frame, notes = predictors(grid, frames)
    assert len(frame) == 72 - 3
    assert list(frame.columns) == ["source", "target", "score", "near"]
    assert any("3 of 72 scored pairs" in note for note in notes)
    assert any(note.startswith("far: known for none") for note in notes)


def test_what_a_model_saw_gives_three_predictors():
    codes = [f"l{i}" for i in range(10)]
    rng = np.random.default_rng(0)
    score, away = rng.normal(size=(2, 10, 10))
    seen = {"model": frozenset(codes[:5])}
    table = mixed([grid_of(score, codes, codes)], long(away, codes, codes), seen).tables["mixed"]
    assert table["predictor"].tolist() == ["d", "pretrained source", "pretrained target", "both pretrained"]

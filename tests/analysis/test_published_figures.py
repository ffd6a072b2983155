"""Figures that others published, or measured from published matrices, come out of ours."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from harness.analysis import averages
from harness.analysis.correlation import measures
from harness.analysis.crossed import fit
from harness.analysis.factors import factors, nested
from harness.analysis.grid import square
from harness.analysis.mixed import estimate
from harness.analysis.permutation import relabel
from harness.analysis.profile import profiles
from harness.analysis.published import from_file
from harness.analysis.ranking import ndcg, relevance
from harness.analysis.regret import regrets
from harness.analysis.traits import read_families
from harness.languages import canonical


@pytest.fixture(scope="module")
def families(matrices, xpos):
    return read_families(matrices / "xpos" / "fams.txt", {*xpos.sources, *xpos.targets}).family


def rows_of(path, code, value):
    with path.open(encoding="utf-8") as file:
        return {canonical(row[code]): row[value] for row in csv.DictReader(file)}


def pretrained(folder):
    """Languages of XLM-R's pretraining; the authors compare names, so that Filipino does not stand for Tagalog."""
    return rows_of(folder / "wiki-langs.csv", "language", "script").keys() - {"tgl"}


# -- set A: de Vries, Wieling and Nissim (2022), their notebook


def test_mean_and_spread(xpos):
    known = 100 * xpos.transfer[np.isfinite(xpos.transfer)]
    assert len(known) == 6760
    assert known.mean() == pytest.approx(57.383750436431335, abs=1e-11)
    assert known.std() == pytest.approx(22.414443830612644, abs=1e-11)


def test_spread_of_sources_and_targets(xpos):
    spread = profiles([xpos], {}).tables["spread"].iloc[0]
    assert 100 * spread["std_of_sources"] == pytest.approx(7.870349316498049, abs=1e-11)
    assert 100 * spread["std_of_targets"] == pytest.approx(19.741218741982244, abs=1e-11)


@pytest.mark.parametrize(
    ("budget", "mean"),
    [
        ("00630", 51.881960), ("01250", 55.646304), ("02500", 57.497464), ("05000", 57.949858), ("10000", 57.733166),
        ("20000", 57.129447), ("40000", 56.442510), ("1epoch", 54.544281), ("3epoch", 55.362327),
    ],
)  # fmt: skip
def test_means_of_training_budgets_from_tables_of_pairs(matrices, budget, mean):
    scores = from_file(matrices / "xpos" / f"udpos-ft-{budget}.csv").frame["score"]
    assert len(scores) == 6825
    assert 100 * scores.mean() == pytest.approx(mean, abs=5e-7)


def test_one_factor_regressions(xpos, families, matrices):
    scripts = rows_of(matrices / "xpos" / "udpos-langs.csv", "language", "script")
    known = pretrained(matrices / "xpos")
    seen = {"published": frozenset(known)}
    table = factors([xpos], {"family": families, "script": scripts}, seen).tables["factors"].set_index("factor")
    for factor, r2, aic in (
        ("target in pretraining", 44.40, 57923.2), ("target family", 38.68, 58629.5), ("target script", 11.15, 61148.5),
    ):  # fmt: skip
        assert round(100 * table.loc[factor, "r2"], 2) == r2
        assert round(table.loc[factor, "aic"], 1) == aic


def test_nested_regressions(xpos, families):
    s, t = np.nonzero(np.isfinite(xpos.scores))
    sources, targets = np.asarray(xpos.sources)[s].tolist(), np.asarray(xpos.targets)[t].tolist()
    found = nested(100 * xpos.scores[s, t], [[families[code] for code in sources]], [sources, targets])
    assert (found.freedom, found.freedom_full) == (6812, 6656)
    assert found.residual == pytest.approx(3.341549e6, rel=5e-7)
    assert found.residual_full == pytest.approx(4.352238e5, rel=5e-7)
    assert found.f == pytest.approx(284.918235, abs=5e-7)


def test_best_and_worst_sources(xpos, families):
    tables = profiles([xpos], families).tables
    sources = tables["sources"].set_index("source")
    assert tables["spread"]["distinct_best_sources"].iloc[0] == 44
    assert (sources.loc["ron", "best_for"], sources.loc["swe", "best_for"]) == (10, 7)
    worst = sources["mean"].nsmallest(5)
    assert worst.index.tolist() == ["lzh", "san", "got", "sme", "chu"]
    assert (100 * worst).round(1).tolist() == [29.2, 30.0, 38.7, 44.6, 45.3]


def test_families_whose_best_source_is_of_another_family(xpos, families):
    table = profiles([xpos], families).tables["families"]
    assert (len(table), int(table["other_family"].sum())) == (21, 18)


# -- what was measured from the same matrix


def test_english_and_romanian_as_sources(xpos):
    for source, macro, low, p10, tenth, gini in (
        ("eng", 62.39, 5.48, 24.51, 16.75, 0.232), ("ron", 67.19, 16.78, 38.44, 30.84, 0.175),
    ):  # fmt: skip
        scores = xpos.transfer[xpos.sources.index(source)]
        scores = 100 * scores[np.isfinite(scores)]
        found = scores.mean(), scores.min(), np.percentile(scores, 10), averages.worst_decile(scores)
        assert [round(value, 2) for value in found] == [macro, low, p10, tenth]
        assert round(averages.gini(scores), 3) == gini


def test_regret_of_choosing_sources(xpos, ldnd):
    tables = regrets([xpos], ldnd, {}, replicates=10).tables
    # the authors take each rule's mean over the targets that it has
    each = tables["choices"].groupby("policy")[["score", "regret"]].agg(["mean", "size"])
    english, nearest, oracle = (each.loc[name] for name in ("english", "nearest by ldnd", "oracle (hindsight)"))
    assert (round(100 * english["score", "mean"], 2), english["score", "size"]) == (62.39, 104)
    assert round(100 * english["regret", "mean"], 2) == 10.13
    assert round(100 * oracle["score", "mean"], 2) == 72.71
    assert (round(100 * nearest["score", "mean"], 2), nearest["score", "size"]) == (67.76, 90)
    assert round(100 * (nearest["score", "mean"] + nearest["regret", "mean"]), 2) == 75.47
    best = tables["choices"].query("policy == 'nearest by ldnd'")["regret"] == 0
    assert round(100 * best.mean(), 1) == 24.4
    # and here all are compared on the same ones
    common = tables["regret"].query("common")
    assert set(common["n"]) == {89}
    assert len(set(common["oracle"])) == 1
    sources = profiles([xpos], {}).tables["sources"].set_index("source")
    assert round(100 * sources.loc["ron", "regret"], 2) == 5.38


def test_correlations_with_lexical_distance(xpos, ldnd):
    found = {row["measure"]: row for row in measures(xpos.transfer, square(ldnd, xpos.sources, xpos.targets), 1000, 0)}
    assert found["pearson"]["n"] == 5429
    assert round(found["pearson"]["value"], 5) == -0.32388
    assert round(found["spearman"]["value"], 5) == -0.41991
    assert round(found["within_target"]["value"], 3) == -0.303
    assert round(found["double_centred"]["value"], 3) == -0.289
    two_way, naive = (
        (found["spearman"][low], found["spearman"][high])
        for low, high in (("low", "high"), ("naive_low", "naive_high"))
    )
    # other draws than those of the reference, whose intervals are [-0.519, -0.306] and [-0.442, -0.397]
    assert two_way == pytest.approx((-0.519, -0.306), abs=0.02)
    assert naive == pytest.approx((-0.442, -0.397), abs=0.004)
    assert 4 < (two_way[1] - two_way[0]) / (naive[1] - naive[0]) < 6


def test_mantel(xpos, ldnd):
    table = relabel([xpos], ldnd, permutations=9999).tables["permutation"]
    mantel = table[table["design"] == "mantel"].set_index("measure")
    assert mantel["languages"].tolist() == [61, 61]
    # distances here, similarities there
    assert round(mantel.loc["pearson", "r"], 5) == -0.31418
    assert round(mantel.loc["spearman", "r"], 5) == -0.44627
    assert mantel["p"].tolist() == [0.0001, 0.0001]


def test_mixed_model(xpos, ldnd, families, matrices):
    folder = matrices / "xpos"
    script = rows_of(folder / "udpos-langs.csv", "language", "script")
    seen = pretrained(folder)
    order = rows_of(folder / "word-order.csv", "language", "SOV")
    away = square(ldnd, xpos.sources, xpos.targets)
    s, t = np.nonzero(np.isfinite(away) & np.isfinite(xpos.transfer))
    source, target = np.asarray(xpos.sources)[s].tolist(), np.asarray(xpos.targets)[t].tolist()
    pairs = list(zip(source, target, strict=True))
    x = away[s, t]
    columns = {
        "family": [families[a] == families[b] for a, b in pairs],
        "ldnd": (x - x.min()) / np.ptp(x),
        "script": [script[a] == script[b] for a, b in pairs],
        "order": [order.get(a) == order.get(b) for a, b in pairs],
        "source seen": [a in seen for a, _ in pairs],
        "target seen": [b in seen for _, b in pairs],
        "both seen": [a in seen and b in seen for a, b in pairs],
    }
    design = np.column_stack([np.ones(len(x)), *(np.asarray(column, float) for column in columns.values())])
    score = 100 * xpos.transfer[s, t]
    found = fit(score, design, {"source": source, "target": target})
    effects = dict(zip(columns, zip(found.effects[1:].round(2), found.errors[1:].round(2), strict=True), strict=True))
    assert effects["family"] == (7.35, 0.36)
    assert effects["ldnd"] == (-12.58, 0.98)
    assert effects["script"] == (2.63, 0.32)
    assert effects["order"] == (2.31, 0.24)  # 2.3147, printed as 2.32
    assert effects["target seen"] == (20.06, 2.73)  # 20.065, printed as 20.07
    assert effects["both seen"] == (9.93, 0.54)
    assert found.variances["source"] == pytest.approx(41.4, abs=0.1)
    assert found.variances["target"] == pytest.approx(147.9, abs=0.1)
    assert found.residual == pytest.approx(40.9, abs=0.05)
    assert found.loglik == pytest.approx(-18148.5, abs=0.05)

    frame = pd.DataFrame({"source": source, "target": target, "score": score} | columns)
    rows, _, _ = estimate(frame.astype(dict.fromkeys(columns, float)))
    per_unit = {row["predictor"]: row["per_unit"] for row in rows}
    assert per_unit["ldnd"] == pytest.approx(found.effects[2], abs=1e-3)  # in standard deviations or not: one model


# -- set B: LangRank (Lin et al. 2019), single features that agree with its table


@pytest.mark.parametrize(
    ("file", "languages", "score", "feature", "sign", "published"),
    [
        ("mt", ["Source lang", "Target lang"], "BLEU", "Transfer over target size ratio", -1, 3.7),
        ("mt", ["Source lang", "Target lang"], "BLEU", "Transfer target TTR distance", 1, 2.5),
        ("el", ["Target lang"], "Accuracy", "FEATURAL", 1, 47.5),
        ("el", ["Target lang"], "Accuracy", "GEOGRAPHIC", 1, 49.5),
        ("pos", ["Task lang"], "Rank", "Transfer target TTR distance", 1, 7.4),
        ("pos", ["Task lang"], "Rank", "SYNTACTIC", 1, 4.1),
        ("dep", ["Target lang"], "Accuracy", "Word overlap", -1, 52.3),
        ("dep", ["Target lang"], "Accuracy", "Transfer over target size ratio", -1, 24.8),
        ("dep", ["Target lang"], "Accuracy", "Transfer target TTR distance", 1, 6.4),
    ],
)
def test_single_feature_rankers(matrices, file, languages, score, feature, sign, published):
    table = pd.read_csv(matrices / "langrank_uriel" / f"{file}.csv")
    found = []
    for _, rows in table.groupby(languages, sort=False):
        # POS lacks some accuracies, and has the ranks of all
        scores = -rows[score].to_numpy(float) if score == "Rank" else rows[score].to_numpy(float)
        gains = relevance(scores, top=10)
        found.append(ndcg(gains, sign * rows[feature].to_numpy(float), 3, exponential=True, ties="stable"))
    assert round(100 * float(np.mean(found)), 1) == pytest.approx(published, abs=0.051)


def test_every_figure_in_one_command(matrices, harness, tmp_path):
    folder = matrices / "xpos"
    harness(
        "analyze", "--matrix", str(folder / "pos_65x105_accuracy.csv"), "--distances", str(folder / "ldnd.csv"),
        "--families", str(folder / "fams.txt"), "--out", str(tmp_path / "out"), "--resamples", "20",
        "--permutations", "99",
        code=0,
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "out" / "correlation" / "correlation.csv")
    rho = table[(table["distance"] == "ldnd") & (table["measure"] == "spearman")]["value"].item()
    assert round(rho, 5) == -0.41991
    for analysis, figure in (
        ("profile", "heatmap"),
        ("correlation", "distances"),
        ("regret", "regret"),
        ("mixed", "forest"),
    ):
        for suffix in ("svg", "png"):
            assert list((tmp_path / "out" / analysis).glob(f"{figure}*.{suffix}")), (analysis, suffix)

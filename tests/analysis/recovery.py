"""What the methods find in scores that were simulated from known effects: coverage of intervals, level of tests.

    python -m tests.analysis.recovery --draws 400 --figure recovery.svg

Languages are points in a plane; a score is what its source is worth, what its target is worth, minus ``beta`` times the
distance, and noise. Every draw has languages of its own, so intervals must cover what holds for all languages.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import pearsonr

from harness.analysis import weighted
from harness.analysis.crossed import fit
from harness.analysis.permutation import permutation_test
from harness.analysis.resampling import Draws, interval, naive

LANGUAGES, BETA, REPLICATES, PERMUTATIONS = 20, 1.0, 399, 199
SPREADS = {"source": 0.4, "target": 1.0, "noise": 0.5}


@dataclass(frozen=True)
class Shares:
    """Of the draws: intervals that cover, and true null hypotheses that are rejected."""

    two_way_covers_slope: float
    two_way_covers_r: float
    naive_covers_slope: float
    mixed_covers: float
    two_way_rejects_null: float
    naive_rejects_null: float
    qap_rejects_null: float
    pearson_rejects_null: float


def simulate(rng: np.random.Generator, languages: int, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores and distances, (languages, languages), NaN on the diagonal."""
    at = rng.uniform(size=(languages, 2))
    away = np.sqrt(((at[:, None] - at[None]) ** 2).sum(axis=-1))
    np.fill_diagonal(away, np.nan)
    source, target, noise = (
        SPREADS[name] * rng.standard_normal(shape)
        for name, shape in (("source", (languages, 1)), ("target", (1, languages)), ("noise", (languages, languages)))
    )
    return source + target - beta * away + noise, away


def true_r(seed: int = 0) -> float:
    """The correlation over all languages, from very many of them."""
    score, away = simulate(np.random.default_rng(seed), 3000, BETA)
    off = ~np.isnan(away)
    return float(np.corrcoef(score[off], away[off])[0, 1])


def intervals(score: np.ndarray, away: np.ndarray, seed: int) -> Iterator[tuple[float, float]]:
    """Two-way for slope and r, then naive for the slope."""
    off = ~np.isnan(away)
    s, t = np.nonzero(off)
    x, y = away[off], score[off]
    draws = Draws.of(away.shape, REPLICATES, seed)
    weights = draws.sources[:, s] * draws.targets[:, t]
    yield interval(weighted.slope(weights, x, y))
    yield interval(weighted.pearson(weights, x, y))
    yield interval(weighted.slope(naive(len(x), REPLICATES, seed), x, y))


def recover(draws: int, seed: int = 0) -> Shares:
    """The shares over this many draws with an effect, and as many without."""
    r = true_r()
    names = [str(i) for i in range(LANGUAGES)]
    found: dict[str, list[bool]] = {name: [] for name in Shares.__dataclass_fields__}
    for draw in range(draws):
        score, away = simulate(np.random.default_rng([seed, draw, 1]), LANGUAGES, BETA)
        off = ~np.isnan(away)
        slope, correlation, wrong = intervals(score, away, draw)
        found["two_way_covers_slope"].append(slope[0] <= -BETA <= slope[1])
        found["two_way_covers_r"].append(correlation[0] <= r <= correlation[1])
        found["naive_covers_slope"].append(wrong[0] <= -BETA <= wrong[1])
        s, t = np.nonzero(off)
        design = np.column_stack([np.ones(off.sum()), away[off]])
        model = fit(score[off], design, {"s": [names[i] for i in s], "t": [names[j] for j in t]})
        found["mixed_covers"].append(bool(abs(model.effects[1] + BETA) <= 1.96 * model.errors[1]))

        score, away = simulate(np.random.default_rng([seed, draw, 0]), LANGUAGES, 0.0)
        slope, _, wrong = intervals(score, away, draw)
        found["two_way_rejects_null"].append(not slope[0] <= 0 <= slope[1])
        found["naive_rejects_null"].append(not wrong[0] <= 0 <= wrong[1])
        p = permutation_test([score], [away], off, permutations=PERMUTATIONS, seed=draw)[0].p
        found["qap_rejects_null"].append(p <= 0.05)
        found["pearson_rejects_null"].append(bool(pearsonr(score[off], away[off]).pvalue <= 0.05))
    return Shares(**{name: float(np.mean(values)) for name, values in found.items()})


def figure(shares: Shares, draws: int, path: Path) -> None:
    """How often each test rejects a true null hypothesis, beside the 5 % that it should."""
    from harness.analysis.figures import style

    rates = {
        "Pearson's p, pairs as if independent": shares.pearson_rejects_null,
        "bootstrap of pairs": shares.naive_rejects_null,
        "two-way bootstrap of languages": shares.two_way_rejects_null,
        "QAP, languages relabelled": shares.qap_rejects_null,
    }
    with style.fonts():
        sheet = style.sheet(6, 2.4)
        axes = sheet.subplots()
        style.plain(axes)
        axes.barh(
            list(rates)[::-1],
            [100 * rate for rate in rates.values()][::-1],
            color=style.COLOURS[4],
            edgecolor=style.INK,
        )
        axes.axvline(5, color=style.INK, linewidth=1, linestyle="--")
        axes.set(xlabel="true null hypotheses rejected at 5 %, in %")
        style.caption(
            sheet,
            f"{draws} simulated matrices of {LANGUAGES} x {LANGUAGES} languages whose scores have nothing to do with "
            "distance, but with source and target. Dashed: what a valid test rejects.",
        )
        style.write(sheet, path.with_suffix(""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    result = recover(asked.draws, asked.seed)
    sys.stdout.write(json.dumps(asdict(result), indent=1) + "\n")
    if asked.figure:
        figure(result, asked.draws, asked.figure)

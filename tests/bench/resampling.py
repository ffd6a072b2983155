"""Bootstrap intervals of five models, their differences in pairs, and of Spearman's rho, from counts per example."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import AnyMetric, Counts, WholeMetric, metric
from harness.stats.bootstrap import replicated
from tests.bench.turns import in_turn

LANGUAGES, SENTENCES, MODELS, REPLICATES = 40, 10_000, 5, 1_000
PAIRS = list(combinations(range(MODELS), 2))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


def rows() -> list[tuple[str, float, str, str]]:
    """Seconds where the languages share their resamples and where none does, and how much faster rho is."""
    f1, rho = metric("span_f1|mode:strict|scheme:IOB2"), metric("spearman")
    assert isinstance(rho, WholeMetric)
    draw = np.random.default_rng(0)
    counts = [_spans(draw, SENTENCES + language) for language in range(LANGUAGES)]
    parallel = [[model[:SENTENCES] for model in models] for models in counts]
    numbers = draw.standard_normal((1000, 2)) + draw.standard_normal((1000, 1))
    copying = replace(rho, repeated=None)
    seconds, answers = in_turn(
        {
            "parallel": lambda: np.concatenate([_compared(models, f1, 0) for models in parallel]),
            # other groups, and other draws of them, in every language
            "nothing shared": lambda: np.concatenate([_compared(models, f1, i) for i, models in enumerate(counts)]),
            "rho": lambda: replicated([numbers], np.arange(1000), [rho]),
            "rho, row by row": lambda: replicated([numbers], np.arange(1000), [copying]),
        },
        ROUNDS,
    )
    what = f"{REPLICATES:,} resamples, {LANGUAGES} languages x {SENTENCES:,} sentences, {MODELS} models in pairs"
    differ = (answers["rho"] != answers["rho, row by row"]).sum()
    return [
        (f"{what}, parallel", seconds["parallel"], "s", "<= 3"),
        (f"{what}, nothing shared", seconds["nothing shared"], "s", "<= 15"),
        ("Spearman's rho of 1,000 examples, 1,000 resamples", 1e3 * seconds["rho"], "ms", "-"),
        ("the same, over copying the rows of each resample", seconds["rho, row by row"] / seconds["rho"], "x", "-"),
        ("resamples with another rho", float(differ), f"of {REPLICATES:,}", "0"),
    ]


def _compared(models: list[Counts], measure: AnyMetric, seed: int) -> NDArray[np.float64]:
    """Intervals of all models, and of all differences between two, (models + pairs, 2)."""
    groups = np.arange(len(models[0]))
    scores = replicated(models, groups, [measure] * MODELS, replicates=REPLICATES, seed=seed)
    differences = np.array([scores[one] - scores[other] for one, other in PAIRS])
    ends: NDArray[np.float64] = np.quantile(np.concatenate([scores, differences]), [0.025, 0.975], axis=1).T
    return ends


def _spans(draw: np.random.Generator, sentences: int) -> list[Counts]:
    """Of each model, true positives, predicted and gold spans of every sentence."""
    gold = draw.poisson(1.5, sentences)
    found = [draw.binomial(gold, 0.5 + 0.08 * model) for model in range(MODELS)]
    return [np.stack([tp, tp + draw.poisson(0.4, sentences), gold], axis=1).astype(np.float64) for tp in found]

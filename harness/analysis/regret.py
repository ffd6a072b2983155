"""What choosing a source by a rule costs: regret, the score of the best source minus that of the chosen one.

Policies: ``english``; ``best single source``, the one that is best on the mean of the *other* targets; ``nearest by``
each distance, ties shared; ``foretold``, the best by ridge regression on all distances that has seen no score of the
target; ``random``, the mean source; and the ``oracle``, the best source of every target in hindsight, which is picked
on test scores and no policy at all. A target's own language is never its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.prediction import of_unseen_targets
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    import pandas as pd

ORACLE = "oracle (hindsight)"


def regrets(
    grids: Sequence[Grid], distances: pd.DataFrame, pretrained: Mapping[str, frozenset[str]], *, replicates: int = 1000,
    seed: int = 0,
) -> Result:  # fmt: skip
    """A row a policy: mean score and regret with intervals over targets, and how often it is the best source."""
    import pandas as pd

    from harness.analysis.figures import bars

    rows: list[dict[str, Any]] = []
    choices: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        score = grid.transfer
        comparable = np.isfinite(score).sum(axis=0) > 1  # with one source there is nothing to choose
        if not comparable.any():
            notes.append(f"{grid.task}, {grid.model}: one source a target; there is nothing to choose")
            continue
        best = np.where(comparable, np.nanmax(np.where(np.isfinite(score), score, -np.inf), axis=0), np.nan)
        counts = Draws.of((1, len(grid.targets)), replicates, seed).targets
        for policy, weights in policies(grid, distances, pretrained.get(grid.model)):
            chosen, hits = _outcome(score, weights, best)
            known = np.isfinite(chosen) & comparable
            if not known.any():
                notes.append(f"{grid.task}, {grid.model}, {policy}: names a source for no target")
                continue
            lost = (best - chosen)[known]
            with np.errstate(invalid="ignore"):
                low, high = interval(counts[:, known] @ lost / counts[:, known].sum(axis=1))
            row: dict[str, Any] = {
                "policy": policy, "score": float(chosen[known].mean()), "oracle": float(best[known].mean()),
                "regret": float(lost.mean()), "low": low, "high": high, "worst_regret": float(lost.max()),
                "top1": float(hits[known].mean()), "n": int(known.sum()),
                "without": int(comparable.sum() - known.sum()),
            }  # fmt: skip
            rows.append(grid.key | row)
            stem = f"regret.{part}.{slug(policy)}"
            metrics |= {
                stem: row["regret"],
                f"{stem}.ci_low": low,
                f"{stem}.ci_high": high,
                f"{stem}.n": float(row["n"]),
            }
            choices += _choices(grid, policy, weights, chosen, best)
    if rows:
        notes.append("the oracle picks each target's source on its test scores: a bound, not a policy")
    table = pd.DataFrame(rows)
    return Result(
        "regret", {"regret": table, "choices": pd.DataFrame(choices)}, metrics, tuple(notes), bars.figures(table)
    )


def policies(
    grid: Grid, distances: pd.DataFrame, pretrained: frozenset[str] | None = None
) -> Iterator[tuple[str, Array]]:
    """Each policy with its weights of the sources for each target, (sources, targets); zeros where it is silent."""
    score = grid.transfer
    known = np.isfinite(score)
    filled = np.where(known, score, -np.inf)
    yield ORACLE, _shared(known & (filled == filled.max(axis=0)))
    if "eng" in grid.sources:
        english = np.zeros_like(score)
        row = grid.sources.index("eng")
        english[row] = known[row]
        yield "english", english
    yield "best single source", _best_single(score, known)
    yield "random", _shared(known)
    for name, frame in of_grid(distances, grid).items():
        away = np.where(known, square(frame, grid.sources, grid.targets), np.nan)
        away = np.where(np.isfinite(away), away, np.inf)
        nearest = np.isfinite(away) & (away <= away.min(axis=0) + 1e-12)
        yield f"nearest by {name}", _shared(nearest)
    foretold = of_unseen_targets(grid, distances, pretrained)
    if np.isfinite(foretold).any():
        foretold = np.where(np.isfinite(foretold), foretold, -np.inf)
        yield "foretold", _shared(np.isfinite(foretold) & (foretold == foretold.max(axis=0)))


def _best_single(score: Array, known: Array) -> Array:
    """The source with the best mean over all other targets."""
    centred = np.where(known, score - _column_means(score, known), 0.0)  # sources that lack hard targets gain nothing
    sums, counts = centred.sum(axis=1, keepdims=True), known.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        others = (sums - centred) / (counts - known)
    others = np.where(known & np.isfinite(others), others, -np.inf)
    return _shared(np.isfinite(others) & (others == others.max(axis=0)))


def _column_means(score: Array, known: Array) -> Array:
    return np.asarray(np.nansum(score, axis=0) / np.maximum(known.sum(axis=0), 1))


def _shared(chosen: Array) -> Array:
    return np.asarray(chosen / np.maximum(chosen.sum(axis=0), 1))


def _outcome(score: Array, weights: Array, best: Array) -> tuple[Array, Array]:
    """The score of what was chosen for each target, NaN where nothing was, and the chance that it is the best."""
    chosen = np.where(weights.sum(axis=0) > 0, (weights * np.nan_to_num(score)).sum(axis=0), np.nan)
    return chosen, (weights * (score == best)).sum(axis=0)


def _choices(grid: Grid, policy: str, weights: Array, chosen: Array, best: Array) -> Iterator[dict[str, Any]]:
    for target, column, score, top in zip(grid.targets, weights.T, chosen, best, strict=True):
        names = [source for source, weight in zip(grid.sources, column, strict=True) if weight > 0]
        if names and policy != "random" and np.isfinite(top):
            pair = {"policy": policy, "target": target, "source": " / ".join(names)}
            yield grid.key | pair | {"score": float(score), "regret": float(top - score)}

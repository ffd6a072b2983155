"""Transfer profiles: how good each language is as a source, how easy as a target, and how much direction matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.grid import Array, Grid
from harness.analysis.result import Result, named

if TYPE_CHECKING:
    pass


def profiles(grids: Sequence[Grid], families: Mapping[str, str]) -> Result:
    """Tables ``sources``, ``targets``, ``spread`` (of the means), ``families`` and ``asymmetry`` (there minus back).

    Sources that tie for a target share its ``best_for``; for ``distinct_best_sources``, the first of them counts.
    ``families`` holds the best source of each family of targets, by the mean over it, and whether that is of another.
    """
    import pandas as pd

    sources: list[dict[str, Any]] = []
    targets: list[dict[str, Any]] = []
    spread: list[dict[str, Any]] = []
    asymmetry: list[dict[str, Any]] = []
    kin: list[dict[str, Any]] = []
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        score = grid.transfer
        known = np.isfinite(score)
        best, first = _wins(score), np.where(known, score, -np.inf).argmax(axis=0)
        as_source, as_target = _means(score, known, 1), _means(score, known, 0)
        regret = _means(score.max(axis=0, where=known, initial=-np.inf) - score, known, 1)
        for code, mean, n, wins, lost in zip(grid.sources, as_source, known.sum(axis=1), best, regret, strict=True):
            row = {"source": code, "mean": mean, "n": int(n), "best_for": wins, "regret": lost}
            sources.append(grid.key | row)
        for code, mean, n in zip(grid.targets, as_target, known.sum(axis=0), strict=True):
            targets.append(grid.key | {"target": code, "mean": mean, "n": int(n)})
        stem = f"profile.{part}"
        row = {
            "std_of_sources": _spread(as_source), "std_of_targets": _spread(as_target),
            "mean": float(score[known].mean()) if known.any() else np.nan,
            "std": float(score[known].std()) if known.any() else np.nan, "pairs": int(known.sum()),
            "distinct_best_sources": len(set(first[known.any(axis=0)].tolist())),
        }  # fmt: skip
        spread.append(grid.key | row)
        metrics |= {f"{stem}.{name}": float(value) for name, value in row.items()}
        kin += [grid.key | row for row in _families(grid, families)]
        asymmetry += [grid.key | pair for pair in _asymmetry(grid)]
    tables = {
        "sources": pd.DataFrame(sources),
        "targets": pd.DataFrame(targets),
        "spread": pd.DataFrame(spread),
        "families": pd.DataFrame(kin),
        "asymmetry": pd.DataFrame(
            asymmetry, columns=["task", "model", "strategy", "a", "b", "there", "back", "difference"]
        ),
    }
    from harness.analysis.figures import heatmap

    return Result("profile", tables, metrics, (), heatmap.figures(grids, families))


def _families(grid: Grid, families: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The best source of each family of targets, by its mean over them."""
    names = [families.get(target, target) for target in grid.targets]
    for name in sorted(set(names)):
        score = grid.transfer[:, [j for j, other in enumerate(names) if other == name]]
        mean = _means(score, np.isfinite(score), 1)
        if np.isfinite(mean).any():
            best = int(np.nanargmax(mean))
            own = families.get(grid.sources[best], grid.sources[best])
            row = {"family": name, "targets": score.shape[1], "source": grid.sources[best], "score": float(mean[best])}
            yield row | {"source_family": own, "other_family": own != name}


def _means(score: Array, known: Array, axis: int) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(score, axis=axis) / known.sum(axis=axis))


def _spread(means: Array) -> float:
    known = means[np.isfinite(means)]
    return float(known.std(ddof=1)) if len(known) > 1 else np.nan


def _wins(score: Array) -> Array:
    """For how many targets each source is the best; sources that tie share."""
    top = np.nanmax(np.where(np.isfinite(score), score, -np.inf), axis=0)
    best = (score == top) & np.isfinite(score)
    shares = best / np.maximum(best.sum(axis=0), 1)
    return np.asarray(shares.sum(axis=1))


def _asymmetry(grid: Grid) -> list[dict[str, Any]]:
    """The pairs of languages that were source and target of each other."""
    common = grid.common()
    rows = [grid.sources.index(code) for code in common]
    columns = [grid.targets.index(code) for code in common]
    score = grid.transfer[np.ix_(rows, columns)]
    found = []
    for i, j in zip(*np.triu_indices(len(common), 1), strict=True):
        there, back = float(score[i, j]), float(score[j, i])
        if np.isfinite(there) and np.isfinite(back):
            pair = {"a": common[i], "b": common[j], "there": there, "back": back, "difference": there - back}
            found.append(pair)
    return found

"""How well each model does over languages: means, the worst off, inequality, and how much of it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis import averages, guards
from harness.analysis.grid import Array, Grid
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, named

if TYPE_CHECKING:
    pass


def summarise(grids: Sequence[Grid], families: Mapping[str, str], *, replicates: int = 1000, seed: int = 0) -> Result:
    """A row a source, and one for the mean over sources (``all``); of zero-shot targets, so not the source itself.

    Args:
        families: of each language.
        replicates: of the bootstrap over targets.
        seed: of the draws.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        notes += guards.of_grid(grid)
        counts = Draws.of((1, len(grid.targets)), replicates, seed).targets
        for source, scores in _profiles(grid):
            known = np.isfinite(scores)
            if not known.any():
                continue
            wanted = len(grid.targets) - (source in grid.targets)
            row = _row(
                scores[known], [target for target, yes in zip(grid.targets, known, strict=True) if yes], families
            )
            examples = grid.examples[known]
            row["micro"] = float(scores[known] @ examples / examples.sum()) if np.isfinite(examples).all() else np.nan
            with np.errstate(invalid="ignore"):
                row["low"], row["high"] = interval(counts[:, known] @ scores[known] / counts[:, known].sum(axis=1))
            rows.append(
                grid.key | {"source": source} | row | {"n": int(known.sum()), "missing": wanted - int(known.sum())}
            )
            if source == "all":
                stem = f"summary.{part}"
                shown = ("macro", "family_macro", "min", "worst_decile", "gini", "n")
                metrics |= {f"{stem}.{name}": float(rows[-1][name]) for name in shown}
    table = pd.DataFrame(rows)
    return Result("summary", {"summary": table}, metrics, tuple(notes))


def _profiles(grid: Grid) -> Iterator[tuple[str, Array]]:
    """The scores on every target, of each source and of the mean source."""
    transfer = grid.transfer
    known = np.isfinite(transfer)
    with np.errstate(invalid="ignore", divide="ignore"):
        yield "all", np.nansum(transfer, axis=0) / known.sum(axis=0)
    yield from zip(grid.sources, transfer, strict=True)


def _row(scores: Array, targets: Sequence[str], families: Mapping[str, str]) -> dict[str, Any]:
    return {
        "macro": float(scores.mean()),
        "family_macro": averages.family_mean(scores, [families.get(target, target) for target in targets]),
        "min": float(scores.min()),
        "worst": targets[int(scores.argmin())],
        "p10": float(np.percentile(scores, 10)),
        "worst_decile": averages.worst_decile(scores),
        "std": float(scores.std(ddof=1)) if len(scores) > 1 else np.nan,
        "gini": averages.gini(scores),
    }

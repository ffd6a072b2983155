"""The transfer gap: how much lower a source scores on other languages than on its own test data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.grid import Grid
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, named

if TYPE_CHECKING:
    pass


def gaps(grids: Sequence[Grid], *, replicates: int = 1000, seed: int = 0) -> Result:
    """A row a source: its own score, the mean over the other targets, the gap, and the gap in shares of its own score.

    The interval is over targets; the source's own score is held fixed.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    metrics: dict[str, float] = {}
    notes: list[str] = []
    for grid, part in named(grids):
        counts = Draws.of((1, len(grid.targets)), replicates, seed).targets
        without = [source for source in grid.sources if source not in grid.targets]
        for source, scores, own in zip(grid.sources, grid.transfer, grid.scores, strict=True):
            known = np.isfinite(scores)
            if source in without or not known.any():
                continue
            at_home = float(own[grid.targets.index(source)])
            if not np.isfinite(at_home):
                without.append(source)
                continue
            with np.errstate(invalid="ignore"):
                low, high = interval(at_home - counts[:, known] @ scores[known] / counts[:, known].sum(axis=1))
            abroad = float(scores[known].mean())
            gap = at_home - abroad
            relative = gap / at_home if at_home > 0 else np.nan
            row = {"source": source, "own": at_home, "others": abroad, "gap": gap, "low": low, "high": high}
            rows.append(grid.key | row | {"relative": relative, "n": int(known.sum())})
            stem = f"gap.{part}.{source}"
            metrics |= {stem: gap, f"{stem}.ci_low": low, f"{stem}.ci_high": high, f"{stem}.n": float(known.sum())}
        if without:
            notes.append(f"{grid.task}, {grid.model}: no score on its own test data, so no gap: {', '.join(without)}")
    return Result("gap", {"gap": pd.DataFrame(rows)}, metrics, tuple(notes))

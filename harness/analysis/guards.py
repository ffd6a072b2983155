"""The guard rails: when a number may be shown, and what must be said beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from harness.analysis.grid import Array, Grid

FEWEST = 8  # languages below which no p-value is given
TIES, CEILING, IMPUTED = 0.5, 0.9, 0.3  # shares above which a warning is due
POINT = 0.01  # of a score


def too_few(languages: int) -> str:
    """Why there is no p-value; empty where there may be one."""
    return f"{languages} languages: below {FEWEST} there is no p-value" if languages < FEWEST else ""


def constant(values: Array, what: str) -> str:
    """Why a correlation with these values is undefined; empty where it is not."""
    if len(values) < 3:
        return f"{len(values)} pairs; 3 are needed"
    return f"{what} constant" if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())) else ""


def ties(values: Array) -> float:
    """The share of the most frequent value."""
    return float(np.unique(values, return_counts=True)[1].max() / len(values)) if len(values) else float("nan")


def of_grid(grid: Grid) -> Iterator[str]:
    """What must be said of a grid's scores, whatever they are compared with."""
    name = f"{grid.task}, {grid.model}"
    scores = grid.transfer
    known = np.isfinite(scores)
    missing = int((~known & ~grid.own).sum())
    if missing:
        yield f"{name}: {missing} of {known.size - int(grid.own.sum())} source-target cells have no score; left out"
    if len(grid.sources) == 1:
        yield f"{name}: one source only ({grid.sources[0]}): all is over targets, no effect of sources can be seen"
    if not known.any():
        return
    top = float((scores[known] >= scores[known].max() - POINT).mean())
    if top > CEILING:
        yield f"{name}: ceiling, {top:.0%} of the scores lie within one point of the best"
    low = grid.at_floor & known
    if low.any():
        worst = [target for target, flags in zip(grid.targets, low.T, strict=True) if flags.any()]
        shown = ", ".join(worst[:8]) + (" ..." if len(worst) > 8 else "")
        yield (
            f"{name}: {int(low.sum())} of {int(known.sum())} cells at or below the floor of models that learn nothing "
            f"({shown}): their differences are noise"
        )
    several = grid.seeds[known] > 1
    if several.any():
        spread = grid.spread[known][several]
        yield (
            f"{name}: mean of up to {int(grid.seeds.max())} seeds; standard deviation over seeds "
            f"{spread.mean():.3f} on average, {spread.max():.3f} at most"
        )

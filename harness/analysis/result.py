"""What an analysis gives: tables, flat metrics, figures, and in words what was left out and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.analysis.grid import Grid


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one analysis.

    Attributes:
        tables: by name, in native units.
        metrics: flat names; a NaN among them is counted, not logged.
        notes: guard rails that spoke, what was dropped, what a number does not mean.
        figures: by name, drawn when they are written.
    """

    name: str
    tables: Mapping[str, pd.DataFrame]
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)

    def numbers(self) -> dict[str, float]:
        """The metrics that are numbers, and how many were not."""
        found = {name: float(value) for name, value in self.metrics.items() if math.isfinite(value)}
        return found | {"undefined": float(len(self.metrics) - len(found))}


def slug(name: str) -> str:
    """``name`` as a part of a metric's or a file's name."""
    return re.sub(r"[^\w+-]+", "_", name, flags=re.ASCII).strip("_")


def named(grids: Sequence[Grid]) -> Iterator[tuple[Grid, str]]:
    """Each grid and its part of a metric's name: the task, and what else it takes to tell the grids apart."""
    models, strategies = ({getattr(grid, name) for grid in grids} for name in ("model", "strategy"))
    for grid in grids:
        names = [
            grid.task,
            *([grid.model] if len(models) > 1 else []),
            *([grid.strategy] if len(strategies) > 1 else []),
        ]
        yield grid, ".".join(slug(name) for name in names)

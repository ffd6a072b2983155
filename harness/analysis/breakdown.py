"""Mean scores by kind of pair: seen in pretraining or not, same script or family or not, from script to script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.grid import Grid
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    pass


def breakdowns(
    grids: Sequence[Grid], families: Mapping[str, str], scripts: Mapping[str, str],
    pretrained: Mapping[str, frozenset[str]], *, replicates: int = 1000, seed: int = 0,
) -> Result:  # fmt: skip
    """A row a kind of pair, with an interval from resampling sources and targets. Descriptive: kinds go together."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        if grid.model not in pretrained:
            notes.append(f"{grid.task}, {grid.model}: which languages it saw in pretraining is not known")
        score = grid.transfer
        known = np.isfinite(score)
        draws = Draws.of(score.shape, replicates, seed)
        for name, kinds in _kinds(grid, families, scripts, pretrained.get(grid.model)):
            for kind in sorted(set(kinds[known].tolist())):
                cells = known & (kinds == kind)
                filled = np.where(cells, score, 0.0)
                with np.errstate(invalid="ignore"):
                    sums = ((draws.sources @ filled) * draws.targets).sum(axis=1)
                    low, high = interval(sums / ((draws.sources @ cells) * draws.targets).sum(axis=1))
                row = {"by": name, "kind": kind, "mean": float(score[cells].mean()), "low": low, "high": high}
                facts = {"pairs": int(cells.sum()), "targets": int(cells.any(axis=0).sum())}
                why = "" if np.isfinite(low) else "too few languages for an interval"
                rows.append(grid.key | row | facts | {"reason": why})
                metrics[f"by.{part}.{slug(name)}.{slug(kind)}"] = row["mean"]
    return Result("breakdown", {"breakdown": pd.DataFrame(rows)}, metrics, tuple(dict.fromkeys(notes)))


def _kinds(
    grid: Grid, families: Mapping[str, str], scripts: Mapping[str, str], seen: frozenset[str] | None
) -> Iterator[tuple[str, NDArray[np.str_]]]:
    """What each cell is, (sources, targets), by name of the breakdown."""

    def sides(of: Mapping[str, str]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
        s, t = (np.array([of.get(code, "unknown") for code in side]) for side in (grid.sources, grid.targets))
        return s[:, None], t[None, :]

    for name, of in (("script", scripts), ("family", families)):
        s, t = sides(of)
        yield name, np.where(s == t, f"same {name}", f"other {name}")
    s, t = sides(scripts)
    yield "scripts", np.char.add(np.char.add(np.broadcast_to(s, grid.scores.shape), " to "), t)
    if seen is not None:
        status = {code: "seen" if code in seen else "unseen" for code in (*grid.sources, *grid.targets)}
        s, t = sides(status)
        yield "pretraining", np.char.add(np.char.add(np.broadcast_to(s, grid.scores.shape), " to "), t)

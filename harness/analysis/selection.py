"""What selecting checkpoints by the target's dev set buys: the same runs, selected otherwise, compared cell by cell.

A checkpoint that is selected by target dev has seen target labels: what it gains is how much scores overestimate
zero-shot transfer where that is not said (Keung et al. 2020; Schmidt et al. 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.grid import Grid, grids
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, slug

if TYPE_CHECKING:
    import pandas as pd

COMPARED = (("target_dev", "source_dev"), ("target_dev", "last"), ("source_dev", "last"))
CELL = ["task", "model", "strategy", "source", "target", "seed"]


def audit(frame: pd.DataFrame, *, replicates: int = 1000, seed: int = 0) -> Result:
    """Tables ``selection``, a row a setting and comparison, and ``targets``, a row a target of each.

    A cell counts where both ways have it, with the same seed; a source on itself does not, as its dev set is that of
    the source. The interval of the mean is over sources and targets, that of a target over sources.

    Args:
        frame: the long table with column ``select``.
        replicates: of the bootstrap.
        seed: of the draws.
    """
    import pandas as pd

    from harness.analysis.figures import gains

    rows: list[dict[str, Any]] = []
    targets: list[dict[str, Any]] = []
    metrics: dict[str, float] = {}
    notes: list[str] = []
    for compared in COMPARED:
        paired, alone = _paired(frame, *compared)
        ways = {"selected_by": compared[0], "instead_of": compared[1]}
        if alone:
            notes.append(f"{alone} cells were selected by {' or '.join(compared)} alone; left out of that comparison")
        for grid in grids(paired):
            if not np.isfinite(grid.transfer).any():
                continue
            row = _gain(grid, replicates, seed)
            rows.append(grid.key | ways | row)
            targets += [grid.key | ways | one for one in _of_targets(grid, replicates, seed)]
            stem = f"selection.{'.'.join(slug(name) for name in grid.key.values())}.{'_over_'.join(compared)}"
            kept = {"": "gain", ".ci_low": "low", ".ci_high": "high", ".n": "pairs"}
            metrics |= {f"{stem}{suffix}": float(row[name]) for suffix, name in kept.items()}
    if any(row["selected_by"] == "target_dev" for row in rows):
        notes.append("what selection by target dev gains is no transfer: it is what such scores overestimate it by")
    tables = {"selection": pd.DataFrame(rows), "targets": pd.DataFrame(targets)}
    return Result("selection", tables, metrics, tuple(notes), gains.figures(tables["targets"], tables["selection"]))


def _paired(frame: pd.DataFrame, one: str, other: str) -> tuple[pd.DataFrame, int]:
    """The long table of differences, and how many cells of settings that have both ways lack one of them."""
    ways = [frame[frame["select"] == select].set_index(CELL) for select in (one, other)]
    both = ways[0].join(ways[1]["score"], rsuffix="_other", how="inner")
    settings = {key[:3] for key in both.index}
    alone = sum(key[:3] in settings for way in ways for key in way.index) - 2 * len(both)
    return both.assign(score=both["score"] - both["score_other"]).reset_index(), alone


def _gain(grid: Grid, replicates: int, seed: int) -> dict[str, Any]:
    """The mean difference over all pairs, with its interval over sources and targets."""
    gain = grid.transfer
    known = np.isfinite(gain)
    low, high = _interval(gain, Draws.of(gain.shape, replicates, seed))
    by_target = np.nanmean(np.where(known, gain, np.nan)[:, known.any(axis=0)], axis=0)
    most = int(np.argmax(by_target))
    return {
        "gain": float(gain[known].mean()), "low": low, "high": high,
        "better": float((gain[known] > 0).mean()), "worse": float((gain[known] < 0).mean()),
        "most": float(by_target[most]), "most_at": _named(grid.targets, known.any(axis=0))[most],
        "pairs": int(known.sum()), "sources": int(known.any(axis=1).sum()), "targets": int(known.any(axis=0).sum()),
        "seeds": int(grid.seeds.max()),
    }  # fmt: skip


def _of_targets(grid: Grid, replicates: int, seed: int) -> Iterator[dict[str, Any]]:
    for target, gain in zip(grid.targets, grid.transfer.T, strict=True):
        known = np.isfinite(gain)
        if known.any():
            low, high = np.nan, np.nan
            if known.sum() > 1:
                low, high = _interval(gain[known, None], Draws.of((int(known.sum()), 1), replicates, seed))
            row = {"target": target, "gain": float(gain[known].mean()), "low": low, "high": high}
            yield row | {"sources": int(known.sum())}


def _interval(gain: Any, draws: Draws) -> tuple[float, float]:
    known = np.isfinite(gain)
    sums = ((draws.sources @ np.where(known, gain, 0.0)) * draws.targets).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return interval(sums / ((draws.sources @ known) * draws.targets).sum(axis=1))


def _named(codes: Sequence[str], kept: Any) -> list[str]:
    return [code for code, yes in zip(codes, kept, strict=True) if yes]

"""What a model is worth to the people who speak the languages: demand-weighted utility and its inequality.

    M_tau = sum over languages of d_l u_l,   d_l = n_l^tau / sum n^tau

with u the score, 0 for languages without one. ``tau`` 1 counts people, ``tau`` near 0 languages. The languages of the
file of populations are the world: what it leaves out does not count.

Source: Blasi, Anastasopoulos and Neubig (2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.grid import Array, Grid
from harness.analysis.result import Result, named

if TYPE_CHECKING:
    pass

TAUS = (1.0, 0.5, 0.01, 0.0)


def demand(people: Array, tau: float) -> Array:
    """The share of each language; languages without speakers have none, for every tau."""
    weights = np.where(people > 0, people, 1.0) ** tau * (people > 0)
    return np.asarray(weights / weights.sum())


def weighted_gini(people: Array, utility: Array) -> float:
    """Inequality of utility between speakers; NaN where there is none to share."""
    total = float(people.sum() * (people @ utility))
    apart = float(people @ np.abs(utility[:, None] - utility[None, :]) @ people)
    return apart / (2 * total) if total > 0 else float("nan")


def utilities(grids: Sequence[Grid], populations: Mapping[str, float]) -> Result:
    """A row a source, and one for the best source of every target in hindsight; own test scores count.

    ``gains`` says for each language what M_1 would gain from a perfect score there.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    gains: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    languages = list(populations)
    people = np.array([populations[code] for code in languages])
    for grid, part in named(grids):
        outside = [target for target in grid.targets if target not in populations]
        if outside:
            notes.append(
                f"{grid.task}, {grid.model}: no population for {', '.join(outside[:8])} ({len(outside)} in all)"
            )
        for source, scores in _sources(grid):
            known = {t: s for t, s in zip(grid.targets, scores.tolist(), strict=True) if np.isfinite(s)}
            utility = np.array([max(0.0, known.get(code, 0.0)) for code in languages])
            measured = {f"m_{tau:g}": float(demand(people, tau) @ utility) for tau in TAUS}
            row = {"source": source, **measured, "gini": weighted_gini(people, utility)}
            rows.append(
                grid.key | row | {"covered": sum(code in known for code in languages), "languages": len(languages)}
            )
            if source == "eng" or source.startswith("oracle"):
                stem = f"utility.{part}.{source.split()[0]}"
                metrics |= {f"{stem}.{name}": value for name, value in measured.items()}
            share = demand(people, 1.0) * (1 - utility)
            gains += [
                grid.key | {"source": source, "language": languages[i], "gain": float(share[i])}
                for i in np.argsort(-share, kind="stable")
            ]
    return Result("utility", {"utility": pd.DataFrame(rows), "gains": pd.DataFrame(gains)}, metrics, tuple(notes))


def _sources(grid: Grid) -> Iterator[tuple[str, Array]]:
    top = np.max(np.where(np.isfinite(grid.scores), grid.scores, -np.inf), axis=0)
    yield "oracle (hindsight)", np.where(np.isfinite(top), top, np.nan)
    yield from zip(grid.sources, grid.scores, strict=True)

"""Scores against distances: a panel a distance, the least-squares line with its band over resampled languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.figures import style
from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.resampling import Draws
from harness.analysis.result import named, slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, LABELLED = 3, 4
STEPS = 10  # distinct distances up to which points are jittered
FLAGS = 4  # up to which each has a tick
APART = 0.07  # of an axis: names nearer than that would cover one another
REPLICATES = 500  # of a band that is looked at


def figures(
    table: pd.DataFrame, grids: Sequence[Grid], distances: pd.DataFrame, seed: int
) -> dict[str, Callable[[], Figure]]:
    """A figure a grid, from the table of correlations."""

    def of(grid: Grid) -> Callable[[], Figure]:
        rows = table[(table[list(grid.key)] == list(grid.key.values())).all(axis=1)]
        return lambda: panels(grid, rows, distances, seed)

    return {f"distances_{slug(part)}": of(grid) for grid, part in list(named(grids))[: style.MOST]}


def panels(grid: Grid, table: pd.DataFrame, distances: pd.DataFrame, seed: int) -> Figure:
    """Every distance of one grid."""
    names = list(dict.fromkeys(table["distance"]))
    frames = of_grid(distances, grid)
    wide = min(COLUMNS, len(names))
    high = -(-len(names) // wide)
    figure = style.sheet(max(4.6, 2.9 * wide), 2.9 * high + 0.9)
    axes = figure.subplots(high, wide, squeeze=False, sharey=True)
    for place in axes.flat[len(names) :]:
        place.set_axis_off()
    for place, name in zip(axes.flat, names, strict=False):
        rows = table[table["distance"] == name].set_index("measure")
        _panel(place, grid, square(frames[name], grid.sources, grid.targets), name, rows, seed)
    for row in axes:
        row[0].set_ylabel("score x 100")
    figure.suptitle(f"{grid.task}, {grid.model}: transfer and distance", fontsize=9)
    dropped = table.groupby("distance", sort=False)["without_distance"].first()
    lost = ", ".join(f"{n} pairs ({name})" for name, n in dropped.items() if n)
    style.caption(
        figure,
        "A point is a source-target pair; a source on itself is left out. r Pearson's, rho Spearman's correlation, in "
        "brackets 95 % intervals from resampling sources and targets; line: least squares; band: 95 % of resamples. "
        + (f"Dropped for want of a distance: {lost}. " if lost else "No pair was dropped. ")
        + "Named pairs lie farthest from the line; points of a distance with few values are spread out.",
    )
    return figure


def _panel(axes: Axes, grid: Grid, away: Array, name: str, rows: Any, seed: int) -> None:
    score = 100 * grid.transfer
    both = np.isfinite(away) & np.isfinite(score)
    style.plain(axes)
    axes.set_xlabel(name)
    first = rows.iloc[0]
    if not np.isfinite(first["value"]):
        axes.text(0.5, 0.5, f"undefined:\n{first['reason']}", transform=axes.transAxes, ha="center", va="center")
        return
    x, y = away[both], score[both]
    steps = np.unique(x)
    shown = x
    if few := len(steps) <= STEPS:  # points of one distance are spread out, so that they can be seen
        shown = x + np.random.default_rng(0).uniform(-0.2, 0.2, len(x)) * float(np.diff(steps).min())
    many = len(x) > 500
    axes.scatter(
        shown, y, s=5 if many else 12, color=style.INK, alpha=0.18 if many else 0.5, linewidths=0, rasterized=True
    )
    s, t = np.nonzero(both)
    at = np.linspace(x.min(), x.max(), 40)
    draws = Draws.of(away.shape, REPLICATES, seed)
    lines = np.concatenate([_lines(some.sources[:, s] * some.targets[:, t], x, y, at) for some in draws.chunks(len(x))])
    low, high = np.nanquantile(lines, [0.025, 0.975], axis=0)
    axes.fill_between(at, low, high, color=style.BAND, alpha=0.5, linewidth=0)
    line = _lines(np.ones((1, len(x))), x, y, at)[0]
    axes.plot(at, line, color=style.COLOURS[0], linewidth=1.6)
    if len(steps) <= FLAGS:
        axes.set_xticks(steps, [f"{step:.2g}" for step in steps])
    if not few:
        _label(axes, grid, np.argwhere(both).tolist(), x, y, at, line)
    room = 0.06 * float(np.ptp(y))
    axes.set_ylim(y.min() - room, y.max() + room)  # the line and its band may leave the range that scores can have
    r, rho = rows.loc["pearson"], rows.loc["spearman"]
    axes.set_title(f"r {_interval(r)}\nrho {_interval(rho)}, n {r['n']}", fontsize=7.5)


def _interval(row: Any) -> str:
    ends = f"[{row['low']:.2f}, {row['high']:.2f}]" if np.isfinite(row["low"]) else "(no interval)"
    return f"{row['value']:.2f} {ends}"


def _lines(weights: Array, x: Array, y: Array, at: Array) -> Array:
    """The least-squares line of every replicate at these points."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weights.sum(axis=1)
        mx, my = weights @ x / total, weights @ y / total
        spread = weights @ (x * x) / total - mx**2
        slope = np.where(spread > 1e-9 * float(np.var(x)), (weights @ (x * y) / total - mx * my) / spread, np.nan)
    return np.asarray(my[:, None] + slope[:, None] * (at - mx[:, None]))


def _label(axes: Axes, grid: Grid, cells: list[list[int]], x: Array, y: Array, at: Array, line: Array) -> None:
    """Names the pairs that lie farthest from the line; of two that would cover one another, the farther one."""
    places = np.stack([(x - x.min()) / np.ptp(x), (y - y.min()) / max(float(np.ptp(y)), 1e-9)], axis=1)
    named: list[int] = []
    for i in np.argsort(-np.abs(y - np.interp(x, at, line))).tolist():
        along, up = np.abs(places[named] - places[i]).T
        if ((up < APART) & (along < 5 * APART)).any():
            continue
        named.append(i)
        source, target = cells[i]
        left = places[i, 0] > 0.5  # so that no name leaves the panel
        axes.annotate(
            f"{grid.sources[source]} > {grid.targets[target]}", (x[i], y[i]), xytext=(-3 if left else 3, 2),
            textcoords="offset points", ha="right" if left else "left", fontsize=5.5, color=style.INK,
        )  # fmt: skip
        if len(named) == LABELLED:
            return

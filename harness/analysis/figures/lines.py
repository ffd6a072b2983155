"""Few-shot curves: scores against the number of target examples, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.figures import style
from harness.analysis.result import slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

STYLES = ("-", "--", ":", "-.")
MARKS = "osD^vPX*"


def figures(table: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """A figure a task."""
    return {
        f"few_shot_{slug(str(task))}": lambda rows=rows: curves(rows)  # type: ignore[misc]
        for task, rows in table.groupby("task", sort=True)
    }


def curves(table: pd.DataFrame) -> Figure:
    """Every model and source of one task; zero shots stand at the left end."""
    figure = style.sheet(5.4, 3.6)
    axes = figure.subplots()
    style.plain(axes)
    ks = sorted({int(k) for k in table["shots"] if k > 0})
    left = ks[0] / 2
    for i, (key, rows) in enumerate(table.groupby(["model", "source"], sort=True)):
        rows = rows.sort_values("shots")
        x = np.where(rows["shots"] > 0, rows["shots"], left)
        colour = style.COLOURS[i % len(style.COLOURS)]
        axes.fill_between(x, 100 * rows["low"], 100 * rows["high"], color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            x, 100 * rows["score"], STYLES[i % len(STYLES)], marker=MARKS[i % len(MARKS)], markersize=4, color=colour,
            label=f"{key[0]} from {key[1]} ({rows['targets'].iloc[0]} targets)",
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks([left, *ks], ["0", *map(str, ks)])
    axes.minorticks_off()
    axes.set(xlabel="examples of the target", ylabel="score x 100", title=str(table["task"].iloc[0]))
    axes.legend(frameon=False, fontsize=6.5)
    style.caption(
        figure,
        "Mean over the targets that have every k, without the source itself; bands: 95 % intervals from "
        "resampling targets. 0: zero-shot.",
    )
    return figure

"""Coefficients of the mixed model with their intervals, as a forest plot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.figures import style
from harness.analysis.result import slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARKS = "osD^vPX*"


def figures(table: pd.DataFrame, fits: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """A figure a task, its models side by side."""
    if table.empty:
        return {}
    return {
        f"forest_{slug(str(task))}": lambda rows=rows, task=task: forest(rows, fits[fits["task"] == task])  # type: ignore[misc]
        for task, rows in table.groupby("task", sort=True)
    }


def forest(table: pd.DataFrame, fits: pd.DataFrame) -> Figure:
    """The coefficients of one task, in points per standard deviation of the predictor."""
    names = list(dict.fromkeys(table["predictor"]))[::-1]
    groups = list(table.groupby(["model", "strategy"], sort=True))
    figure = style.sheet(6.2, (0.2 * len(groups) + 0.16) * len(names) + 1.7)
    axes = figure.subplots()
    style.plain(axes)
    axes.axvline(0, color=style.PALE, linewidth=1)
    for k, (key, rows) in enumerate(groups):
        place = np.array([names.index(name) for name in rows["predictor"]]) + (k - (len(groups) - 1) / 2) * -0.7 / len(
            groups
        )
        beta, low, high = (100 * rows[name].to_numpy(dtype=float) for name in ("beta", "low", "high"))
        axes.errorbar(
            beta, place, xerr=np.stack([beta - low, high - beta]), fmt=MARKS[k % len(MARKS)], markersize=4.5,
            color=style.COLOURS[k % len(style.COLOURS)], markeredgecolor=style.INK, markeredgewidth=0.5, elinewidth=1.2,
            capsize=2, label=" ".join(str(part) for part in key if part != "zero_shot"),
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="points per standard deviation", title=str(table["task"].iloc[0]), ylim=(-0.7, len(names) - 0.3))
    if len(groups) > 1:
        axes.legend(frameon=False, fontsize=6.5)
    said = "; ".join(
        f"{row.model}: n {row.n} ({row.sources} sources, {row.targets} targets), R2 {row.r2_marginal:.2f} marginal, "
        f"{row.r2_conditional:.2f} conditional"
        for row in fits.dropna(subset="r2_marginal").head(4).itertuples()
    )
    style.caption(
        figure,
        f"Mixed model with crossed intercepts of source and target; bars: 95 % Wald intervals. {said}. Pairs "
        "without a score or without any one of the distances are left out, and a source on itself.",
    )
    return figure

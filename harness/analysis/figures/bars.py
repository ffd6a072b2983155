"""What each way to choose a source costs: regret bars with intervals over targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.figures import style
from harness.analysis.result import slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def figures(table: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """A figure a task, model and strategy."""
    if table.empty:
        return {}
    groups = list(table.groupby(["task", "model", "strategy"], sort=True))[: style.MOST]
    return {
        f"regret_{slug('_'.join(str(name) for name in key))}": lambda rows=rows: regret_bars(rows)  # type: ignore[misc]
        for key, rows in groups
    }


def regret_bars(table: pd.DataFrame) -> Figure:
    """The policies of one grid, the cheapest first; the oracle, which is none, is the zero line."""
    rows = table[~table["policy"].str.startswith("oracle")].sort_values("regret", ascending=False)
    figure = style.sheet(6.2, 0.32 * len(rows) + 1.6)
    axes = figure.subplots()
    style.plain(axes)
    place = np.arange(len(rows))
    regret, low, high = (100 * rows[name].to_numpy(dtype=float) for name in ("regret", "low", "high"))
    axes.barh(place, regret, color=style.COLOURS[4], edgecolor=style.INK, linewidth=0.6, height=0.66)
    known = np.isfinite(low)
    axes.errorbar(
        regret[known], place[known], xerr=np.maximum(0, np.stack([regret - low, high - regret]))[:, known], fmt="none",
        ecolor=style.INK, elinewidth=1, capsize=2,
    )  # fmt: skip
    labels = [
        policy if common else f"{policy}  (own targets: {n})"
        for policy, n, common in zip(rows["policy"], rows["n"], rows["common"], strict=True)
    ]
    axes.set_yticks(place, labels)
    ends = np.where(known, high, regret)
    for y, end, top in zip(place.tolist(), ends, rows["top1"], strict=True):
        axes.text(end + 0.01 * ends.max(), y, f" best source {top:.0%}", va="center", fontsize=6.5)
    axes.set_xlim(0, 1.22 * max(float(ends.max()), 1e-9))
    axes.axvline(0, color=style.INK, linewidth=1)
    first = table.iloc[0]
    axes.set(xlabel="regret: points below the best source of each target", title=f"{first['task']}, {first['model']}")
    rest = rows[rows["common"]]
    silent = ", ".join(f"{n} by {policy}" for policy, n in zip(rest["policy"], rest["without"], strict=True) if n)
    apart = "" if rows["common"].all() else " Targets of its own: too few to compare all policies on."
    style.caption(
        figure,
        f"Mean over the {first['n']} targets that all policies have a source for, with 95 % intervals from resampling "
        "them. "
        "The zero line is the oracle, which picks each source on test scores. Percentages: how often the choice is the "
        f"best source, ties shared.{f' Left out, as they have none: {silent}.' if silent else ''}{apart}",
    )
    return figure

"""What another way to select checkpoints gains on every target, as points with their intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.figures import style
from harness.analysis.result import slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARKS = "os^"
KEY = ["task", "model", "strategy"]


def figures(targets: pd.DataFrame, means: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """A figure a task, model and strategy."""
    if targets.empty:
        return {}
    of = dict(iter(means.groupby(KEY, sort=True)))
    return {
        f"selection_{slug('_'.join(str(name) for name in key))}": lambda rows=rows, key=key: points(rows, of[key])  # type: ignore[misc]
        for key, rows in list(targets.groupby(KEY, sort=True))[: style.MOST]
    }


def points(targets: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """The gains of one setting, targets sorted by the first comparison's."""
    groups = list(targets.groupby(["selected_by", "instead_of"], sort=False))
    languages = groups[0][1].sort_values("gain")["target"].tolist()
    languages += sorted(set(targets["target"]) - set(languages))
    figure = style.sheet(5.8, 0.17 * len(languages) + 1.6)
    axes = figure.subplots()
    style.plain(axes)
    axes.axvline(0, color=style.INK, linewidth=1)
    for k, ((by, other), rows) in enumerate(groups):
        place = np.array([languages.index(code) for code in rows["target"]]) + 0.2 * (k - (len(groups) - 1) / 2)
        gain, low, high = (100 * rows[name].to_numpy(dtype=float) for name in ("gain", "low", "high"))
        bars = np.nan_to_num(np.maximum(0, np.stack([gain - low, high - gain])))
        axes.errorbar(
            gain, place, xerr=bars, fmt=MARKS[k % len(MARKS)], markersize=3.5, elinewidth=0.8, capsize=0,
            color=style.COLOURS[k], markeredgecolor=style.INK, markeredgewidth=0.4, label=f"{by} over {other}",
        )  # fmt: skip
    axes.set_yticks(range(len(languages)), languages, fontsize=6.5)
    first = targets.iloc[0]
    axes.set(
        xlabel="points gained", title=f"{first['task']}, {first['model']}: selecting the checkpoint",
        ylim=(-0.7, len(languages) - 0.3),
    )  # fmt: skip
    axes.legend(frameon=False, fontsize=6.5, loc="best")
    said = "; ".join(
        f"{row['selected_by']} over {row['instead_of']} {100 * row['gain']:.2f} "
        f"[{100 * row['low']:.2f}, {100 * row['high']:.2f}]"
        for row in means.to_dict("records")
    )
    row = means.iloc[0]
    style.caption(
        figure,
        f"Means over sources, bars: 95 % intervals from resampling them. Over {row['sources']} sources and "
        f"{row['targets']} targets ({row['pairs']} pairs, a source on itself left out), with 95 % intervals from "
        f"resampling both: {said}.",
    )
    return figure

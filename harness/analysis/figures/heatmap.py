"""Sources by targets as a heat map: languages by family, what is missing hatched, a source on itself outlined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle
from scipy.cluster.hierarchy import leaves_list, linkage

from harness.analysis.figures import style
from harness.analysis.grid import Array, Grid
from harness.analysis.result import named, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = 0.125  # inches
SMALLEST = 0.25


def figures(grids: Sequence[Grid], families: Mapping[str, str]) -> dict[str, Callable[[], Figure]]:
    """A heat map of every grid."""
    return {
        f"heatmap_{slug(part)}": lambda grid=grid: heatmap(grid, families)  # type: ignore[misc]
        for grid, part in list(named(grids))[: style.MOST]
    }


def heatmap(grid: Grid, families: Mapping[str, str]) -> Figure:
    """The grid's scores x 100, languages by family (the largest first), in a family by the likeness of their scores."""
    score = 100 * grid.scores
    rows, columns = order(grid.sources, score, families), order(grid.targets, score.T, families)
    sources, targets = [grid.sources[i] for i in rows], [grid.targets[j] for j in columns]
    score = score[np.ix_(rows, columns)]
    size = CELL if max(score.shape) > 30 else SMALLEST
    figure = style.sheet(max(5.5, size * len(targets) + 2.6), max(3.4, size * len(sources) + 2.2))
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(score), cmap=style.SCALE, aspect="auto", interpolation="nearest")
    axes.set_facecolor("white")
    missing = np.argwhere(~np.isfinite(score))
    for i, j in missing:
        axes.add_patch(
            Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="//////", edgecolor="#888888", linewidth=0)
        )
    for i, source in enumerate(sources):
        if source in targets:
            j = targets.index(source)
            axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="white", linewidth=1.6, zorder=3))
            axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=0.8, zorder=3))
    font = 5 if size == CELL else 7
    axes.set_xticks(range(len(targets)), targets, rotation=90, fontsize=font)
    axes.set_yticks(range(len(sources)), sources, fontsize=font)
    axes.tick_params(length=0, pad=2)
    axes.set(xlabel="target", ylabel="source")
    figure.suptitle(f"{grid.task}, {grid.model}: score x 100", fontsize=9)
    colours = _colours([*targets, *sources], families)
    _strip(axes, [families.get(code, code) for code in targets], colours, horizontal=True)
    _strip(axes, [families.get(code, code) for code in sources], colours, horizontal=False)
    figure.colorbar(image, ax=axes, shrink=0.5, pad=0.02)
    own = int((grid.own & np.isfinite(grid.scores)).sum())
    style.caption(
        figure,
        f"{len(sources)} sources, {len(targets)} targets, {int(np.isfinite(score).sum())} scores, {own} of them of a "
        f"source on itself (outlined); {len(missing)} cells have no score (hatched). Strips: families, the largest "
        f"first; in a family, languages with like scores stand together (average linkage).",
    )
    return figure


def order(codes: Sequence[str], profiles: Array, families: Mapping[str, str]) -> list[int]:
    """Indices by family, the largest first, and in a family by average linkage of the profiles."""
    members: dict[str, list[int]] = {}
    for i, code in enumerate(codes):
        members.setdefault(families.get(code, code), []).append(i)
    known = np.where(np.isfinite(profiles), profiles, np.nan)
    with np.errstate(invalid="ignore"):
        filled = np.where(np.isfinite(known), known, np.nan_to_num(np.nanmean(known)))
    found: list[int] = []
    for _, group in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(group) > 2:
            group = [group[i] for i in leaves_list(linkage(filled[group], "average", optimal_ordering=True))]
        found += group
    return found


def _colours(codes: Sequence[str], families: Mapping[str, str]) -> dict[str, str]:
    names = [families.get(code, code) for code in codes]
    ranked = sorted(set(names), key=lambda name: (-names.count(name), name))
    return {name: style.COLOURS[i % len(style.COLOURS)] for i, name in enumerate(ranked)}


def _strip(axes: Axes, names: Sequence[str], colours: Mapping[str, str], *, horizontal: bool) -> None:
    """Families along the upper or the right side, named where there is room; a line ends each."""
    strip = axes.inset_axes((0, 1.004, 1, 0.012) if horizontal else (1.004, 0, 0.012, 1))
    shades = np.arange(len(names))[None, :] if horizontal else np.arange(len(names))[:, None]
    strip.imshow(shades, cmap=ListedColormap([colours[name] for name in names]), aspect="auto", interpolation="nearest")
    strip.set_axis_off()
    start = 0
    for i in range(1, len(names) + 1):
        if i < len(names) and names[i] == names[start]:
            continue
        if i < len(names):
            (axes.axvline if horizontal else axes.axhline)(i - 0.5, color="white", linewidth=0.8)
        middle = (start + i - 1) / 2
        if horizontal:
            strip.text(middle, -0.8, names[start], rotation=90, ha="center", va="bottom", fontsize=5.5)
        else:
            strip.text(0.8, middle, names[start], ha="left", va="center", fontsize=5.5)
        start = i

"""Languages clustered by how transfer treats them, beside their clusters by a distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scipy.cluster.hierarchy import dendrogram

from harness.analysis.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness.analysis.grid import Array


def side_by_side(
    title: str, languages: Sequence[str], trees: Sequence[tuple[str, Array]], agreement: float, dropped: int
) -> Figure:
    """Two dendrograms (average linkage) of the same languages, with the correlation of their cophenetic distances."""
    figure = style.sheet(7.2, max(3.0, 0.125 * len(languages) + 1.4))
    both = figure.subplots(1, 2)
    for axes, (name, tree), side in zip(both, trees, ("left", "right"), strict=True):
        dendrogram(
            tree, labels=list(languages), orientation=side, ax=axes, color_threshold=0,
            above_threshold_color=style.INK, leaf_font_size=6,
        )  # fmt: skip
        axes.set_title(name)
        axes.spines[:].set_visible(False)
        axes.tick_params(axis="x", labelsize=6)
    figure.suptitle(title, fontsize=9)
    style.caption(
        figure,
        f"{len(languages)} languages, {dropped} dropped for want of scores or distances. Average linkage; correlation "
        f"of the two cophenetic distances {agreement:.2f}, the largest of all distances that were looked at.",
    )
    return figure

"""What all figures share: paper, colours, captions."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from matplotlib.axes import Axes

# Okabe and Ito (2008), ordered so that neighbours differ in lightness too
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
INK, PALE, BAND = "#222222", "#bbbbbb", "#56B4E9"
SCALE = "cividis"
MOST = 12  # figures of one kind
FONT: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "harness",
}


def sheet(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def plain(axes: Axes) -> None:
    """Takes the frame's upper and right line away."""
    axes.spines[["top", "right"]].set_visible(False)


def caption(figure: Figure, text: str) -> None:
    """The caption below a figure."""
    width = int(figure.get_figwidth() * 17.5)
    # the layout makes room for this label and for nothing else below the axes
    figure.supxlabel("\n".join(textwrap.wrap(text, width)), x=0.01, ha="left", fontsize=7, color=INK)


def write(figure: Figure, stem: Path) -> list[Path]:
    """Writes SVG and PNG; equal figures give equal files."""
    paths = [stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")]
    with matplotlib.rc_context(FONT):
        figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=150)
    return paths


def fonts() -> AbstractContextManager[None]:
    """The context in which figures are built."""
    return matplotlib.rc_context(FONT)

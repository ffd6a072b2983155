"""What all figures share: paper, colours, captions."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
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
DPI = 150
FONT: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "lines.linewidth": 1.2,
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


def stamp(figure: Figure, text: str) -> None:
    """Says in the upper right corner what a figure must not be taken for."""
    figure.text(0.995, 0.995, text, ha="right", va="top", fontsize=6.5, color=INK, style="italic")


def write(figure: Figure, stem: Path) -> list[Path]:
    """Writes SVG and PNG; equal figures give equal files."""
    paths = [stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")]
    # the layout is found once, and the canvases are asked directly: savefig would draw each figure four times
    with matplotlib.rc_context(FONT):
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")
        FigureCanvasSVG(figure).print_svg(paths[0], metadata={"Date": None})  # type: ignore[no-untyped-call]
        figure.set_dpi(DPI)  # a canvas has its own
        FigureCanvasAgg(figure).print_png(paths[1])  # type: ignore[no-untyped-call]
    return paths


def fonts() -> AbstractContextManager[None]:
    """The context in which figures are built."""
    return matplotlib.rc_context(FONT)

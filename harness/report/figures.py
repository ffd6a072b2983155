"""Figures of the report: languages of the best run as bars with intervals, sources by targets as heat maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.figures import style
from harness.analysis.figures.heatmap import heatmap
from harness.analysis.grid import Grid
from harness.report.transfer import by_source
from harness.report.values import Board, Kind, Report, TaskBoard
from harness.seen import NO, UNKNOWN, YES, status
from harness.spec import Provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 6  # of a kind; the site shows all that there are


def figures(report: Report) -> dict[str, Callable[[], Figure]]:
    """Some of each kind, by name, drawn when they are called: bars of each task's best run, heat maps of each model."""
    bars: dict[str, Callable[[], Figure]] = {}
    maps: dict[str, Callable[[], Figure]] = {}
    for board in report.boards:
        for name, task in board.tasks.items():
            entry = _best(report, board, task)
            if entry:
                bars[f"languages-{board.id}-{name}"] = lambda task=task, entry=entry: language_bars(  # type: ignore[misc]
                    report, task, entry
                )
            for grid, model in grids(report, board, task):
                maps[f"sources-{board.id}-{name}-{model}"] = lambda grid=grid, task=task: source_map(  # type: ignore[misc]
                    report, task, grid
                )
    return dict([*list(bars.items())[:MOST], *list(maps.items())[:MOST]])


def language_bars(report: Report, task: TaskBoard, entry: str) -> Figure:
    """An entry's languages, the best first, with intervals, the floor, and whether the model's pretraining had them."""
    scores = {code: score for code, score in task.scores[entry].items() if not score.flag}
    codes = sorted(scores, key=lambda code: -scores[code].value)
    about = report.entries[entry]
    figure = style.sheet(max(4.2, 0.17 * len(codes) + 1.6), 3.4)
    axes = figure.subplots()
    style.plain(axes)
    place = np.arange(len(codes))
    value = 100 * np.array([scores[code].value for code in codes])
    seen = [status(code, about.seen) for code in codes]
    colours = [style.COLOURS[0] if one == YES else style.COLOURS[1] if one == NO else style.COLOURS[7] for one in seen]
    axes.bar(place, value, color=colours, edgecolor=style.INK, linewidth=0.4, width=0.72)
    bounded = [i for i, code in enumerate(codes) if scores[code].low is not None]
    if bounded:
        low, high = (100 * np.array([getattr(scores[codes[i]], end) for i in bounded]) for end in ("low", "high"))
        axes.errorbar(
            place[bounded], value[bounded], yerr=np.maximum(0, [value[bounded] - low, high - value[bounded]]),
            fmt="none", ecolor=style.INK, elinewidth=0.9, capsize=1.5,
        )  # fmt: skip
    floors = [i for i, code in enumerate(codes) if code in task.floor]
    axes.hlines(
        [100 * task.floor[codes[i]] for i in floors], place[floors] - 0.45, place[floors] + 0.45, color=style.COLOURS[5]
    )
    axes.set_xticks(place, codes, rotation=90, fontsize=6 if len(codes) > 30 else 7)
    axes.set(
        ylabel="score x 100",
        title=f"{task.task}, {about.model} from {'+'.join(about.sources)}",
        xlim=(-0.7, len(codes) - 0.3),
    )
    if task.provenance is Provenance.SYNTHETIC:
        style.stamp(figure, "synthetic data")
    missing = [code for code in task.languages if code not in scores]
    style.caption(
        figure,
        f"{task.metric}; {len(codes)} languages, {len(missing)} without a score. Whiskers: 95 % intervals over groups "
        f"of examples, of one seed; lines: the floor. Blue: the model's pretraining had the language "
        f"({seen.count(YES)}); orange: it had not ({seen.count(NO)}); grey: nobody says ({seen.count(UNKNOWN)}).",
    )
    return figure


def source_map(report: Report, task: TaskBoard, grid: Grid) -> Figure:
    """Sources by targets as a heat map, languages by family."""
    figure = heatmap(grid, {code: about["family"] for code, about in report.languages.items()})
    if task.provenance is Provenance.SYNTHETIC:
        style.stamp(figure, "synthetic data")
    return figure


def grids(report: Report, board: Board, task: TaskBoard) -> Iterator[tuple[Grid, str]]:
    """Sources by targets of every model with two sources or more, of single sources; and a name of it for files."""
    models = by_source(board, task.task, report.entries)
    for runs in sorted(models, key=lambda mine: (mine[0].model, mine[0].options)):
        entries = sorted(runs, key=lambda one: one.sources)
        values = [
            [score.value if (score := task.scores[one.id].get(code)) else np.nan for code in task.languages]
            for one in entries
        ]
        shape = np.array(values)
        yield (
            Grid(
                task=task.task,
                model=f"{entries[0].model} {entries[0].options}".strip(),
                strategy=board.title,
                metric=task.metric,
                sources=tuple(one.sources[0] for one in entries),
                targets=task.languages,
                scores=shape,
                spread=np.full_like(shape, np.nan),
                seeds=np.ones_like(shape),
                floor=np.array([task.floor.get(code, np.nan) for code in task.languages]),
                examples=np.full(len(task.languages), np.nan),
            ),
            entries[0].id.rsplit(".", 1)[0],
        )


def _best(report: Report, board: Board, task: TaskBoard) -> str:
    """The run that stands highest and has the task."""
    runs = (one.entry for one in board.standings if report.entries[one.entry].kind is Kind.RUN)
    return next((entry for entry in runs if task.scores[entry]), "")

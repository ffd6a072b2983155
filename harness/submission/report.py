"""What `harness score` and `harness export` print: a submission's tasks, its averages, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from harness.languages import languages
from harness.metrics.base import parse_signature
from harness.stats.averages import by_language, mean, summarise
from harness.submission.export import Exported
from harness.submission.official import key
from harness.submission.score import Scored, taken
from harness.tables import console

ENGLISH = "eng"  # what all the suites that take submissions train on
SHOWN = 20  # notes


def show(scored: Scored) -> None:
    """Prints tables to stdout; errors and notes, one a line, to stderr."""
    screen = console()
    screen.print(tasks(scored))
    screen.print(averages(scored))
    counted = taken(scored.suite)
    if without := [name for name in scored.suite.tasks if name not in counted]:
        verb = "takes" if len(without) == 1 else "take"
        text = f"overall: the mean of {len(counted)} tasks; {', '.join(without)} {verb} no submission"
        screen.print(text)
    _say("not scored", scored.errors)
    _say("note", scored.notes[:SHOWN])
    if len(scored.notes) > SHOWN:
        _say("note", [f"and {len(scored.notes) - SHOWN} more of this kind"])


def _say(what: str, lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(f"{what}: {line}", err=True)


def show_export(done: Exported, out: Path) -> None:
    """Prints what a submission was made of to stdout, and what it lacks, one line each, to stderr."""
    table = Table(box=None, pad_edge=False)
    for column in ("task", "languages", "model", "strategy", "sources", "seed"):
        table.add_column(column, justify="right" if column in ("languages", "seed") else "left")
    for name, cells in done.selection.cells.items():
        cell = next(iter(cells.values()), None)
        run = (cell.model, cell.strategy, "+".join(cell.sources), str(cell.seed)) if cell else ()
        table.add_row(name, f"{done.files[name]}/{len(cells) + len(done.selection.missing[name])}", *run)
    console().print(table)
    console().print(f"{sum(done.files.values())} files written to {out}")
    _say("missing", done.problems)


def tasks(scored: Scored) -> Table:
    """A row a task: its score, each metric, how many languages were scored, and other averages of the same scores.

    A metric in brackets is the mean over some of the languages, and stands in no average.
    """
    found = scored.averages
    table = Table(title=_title(scored), title_justify="left", box=None, pad_edge=False)
    for column in ("task", "score", "metrics", "languages", "without English", "family macro", "worst", "language"):
        table.add_column(column, justify="left" if column in ("task", "metrics", "language") else "right")
    families = {code: language.family for code, language in languages().items()}
    for name, task in scored.suite.tasks.items():
        if name not in found.tasks:
            table.add_row(name, "-", "", "takes no submission")
            continue
        one, have = found.tasks[name], by_language(task, scored.scores.get(name, {}))
        other = summarise(have, {ENGLISH}, families, {})
        metrics = ", ".join(f"{key(signature)} {_mean(scored, name, signature)}" for signature in task.metrics)
        more = [percent(value) for value in (other.without_sources, other.family_macro, other.worst)]
        coverage = f"{one.have}/{one.want}"
        table.add_row(name, percent(one.score), metrics, coverage, *more, other.worst_language or "")
    return table


def _title(scored: Scored) -> str:
    """The suite, and whose reading of malformed tags was taken, where that matters."""
    settings = [parse_signature(one)[1] for task in taken(scored.suite).values() for one in task.metrics]
    modes = dict.fromkeys(one["mode"] for one in settings if "mode" in one)
    return ", ".join([f"suite {scored.suite.name}", *(f"spans in mode {mode}" for mode in modes), "scores x 100"])


def _mean(scored: Scored, task: str, signature: str) -> str:
    found = [of[signature].score for of in scored.tallies.get(task, {}).values()]
    shown = percent(mean(found))
    return f"({shown})" if 0 < len(found) < len(scored.suite.tasks[task].languages) else shown


def averages(scored: Scored) -> Table:
    """The suite's groups, and its overall score."""
    found = scored.averages
    table = Table(box=None, pad_edge=False)
    for column in (*found.groups, "overall"):
        table.add_column(column, justify="right")
    table.add_row(*(percent(value) for value in (*found.groups.values(), found.overall)))
    return table


def percent(value: float | None) -> str:
    """A score times 100, as tables print it."""
    return "-" if value is None else f"{100 * value:.2f}"

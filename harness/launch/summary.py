"""What a sweep says before and after: what there is to do, and what the store holds of it at the end."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from harness.spec import Job
from harness.sweep.plan import Plan, failures
from harness.tables import console

# stderr: what is asked for goes to stdout, how it goes goes here
say = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def show(planned: Plan) -> None:
    """One line that says what there is to do, and what does not apply."""
    for reason, what in planned.skipped.items():
        say.print(f"does not apply ({reason}): {', '.join(what)}")
    say.print(
        f"{len(planned.jobs)} jobs, {planned.cells} cells: {planned.cells - planned.to_do} done, {planned.to_do} to do"
    )


def summarise(planned: Plan, as_json: bool = False) -> None:
    """Prints what the store now holds for this sweep, and every failure with its reason."""
    rows = summary(planned)
    failed = failures(planned)
    if as_json:
        content = {
            "rows": rows,
            "failed": {job: f"{error.exception}: {error.message}" for job, error in failed.items()},
        }
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("task", "model", "strategy", "cells", "mean x 100", "min", "max", "provenance"):
        table.add_column(column, justify="right" if column in ("cells", "mean x 100", "min", "max") else "left")
    for row in rows:
        numbers = ["-" if row[name] is None else f"{100 * row[name]:.1f}" for name in ("mean", "min", "max")]
        cells = f"{row['done']}/{row['cells']}"
        table.add_row(row["task"], row["model"], row["strategy"], cells, *numbers, row["provenance"])
    console().print(table)
    for job, error in failed.items():
        say.print(f"failed: {job}\n        {error.exception}: {error.message}", style="red")


def summary(planned: Plan) -> list[dict[str, Any]]:
    """By task, model and strategy: cells asked for and done, and mean, minimum and maximum of the main metric.

    The mean is null while a cell is missing: it would be the mean of another set.
    """
    scores: dict[tuple[str, str, str, str], list[float]] = {}
    asked: dict[tuple[str, str, str, str], int] = {}
    places = [(one.job.task.name, one.predict_key) for one in planned.jobs]
    for one, folder in zip(planned.jobs, planned.setting.store.folders(places), strict=True):
        job, cells = one.job, folder.cells()
        row = (job.task.name, job.model.name, _labelled(job), job.task.provenance.value)
        asked[row] = asked.get(row, 0) + len(one.cells)
        for target, (_, key) in one.cells.items():
            cell = cells.get(target)
            if cell is not None and cell.cell_key == key:
                scores.setdefault(row, []).append(cell.scores[cell.main_metric]["score"])
    return [
        {
            "task": row[0],
            "model": row[1],
            "strategy": row[2],
            "provenance": row[3],
            "cells": asked[row],
            "done": len(found := scores.get(row, [])),
            "mean": sum(found) / len(found) if len(found) == asked[row] else None,
            "min": min(found, default=None),
            "max": max(found, default=None),
        }
        for row in sorted(asked)
    ]


def _labelled(job: Job) -> str:
    """The strategy, with what else must not be mixed in one row."""
    select = job.training.select if job.trained and job.training.select != "last" else None
    numbers = {"k": job.shots or None, "size": job.size, "limit": job.limit, "select": select}
    return " ".join([job.strategy, *(f"{name}={value}" for name, value in numbers.items() if value is not None)])

"""What `harness plan` prints: the jobs of a command line, what of them is done, and what the rest may cost."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from harness.errors import HarnessError
from harness.launch import summary
from harness.launch.command import read
from harness.storage.store import Store
from harness.sweep import disk
from harness.sweep.plan import Plan, plan, refuse_nothing
from harness.tables import console

MEBI = 2**20
MOST = 1000  # jobs in the table


def show(overrides: Sequence[str], as_json: bool) -> None:
    """Prints the plan of a command line.

    Raises:
        HarnessError: the command line asks for something that does not exist or, if it does not sweep, not apply.
    """
    command = read(overrides)
    if command is None:
        raise HarnessError("plan takes overrides only; give Hydra's own flags to `harness run`")
    asked = command.asked
    planned = plan(asked, strict=not asked.multirun)
    if not asked.multirun:
        refuse_nothing(planned)
    content = describe(planned)
    if as_json:
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return
    if planned.jobs:
        console().print(_table(content["jobs"][:MOST]))
        if len(planned.jobs) > MOST:
            console().print(f"... and {len(planned.jobs) - MOST:,} more jobs; --json has all")
    summary.show(planned)
    if planned.jobs:
        click.echo(f"cost: {content['seconds']}; disk: {content['disk']}")


def _table(jobs: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("job", "train", "predict", "cells", "to do"):
        table.add_column(column, justify="right" if column in ("cells", "to do") else "left", no_wrap=True)
    for job in jobs:
        table.add_row(job["job"], job["train_key"], job["predict_key"], str(job["cells"]), str(len(job["to_do"])))
    return table


def describe(planned: Plan) -> dict[str, Any]:
    """The plan as plain values."""
    jobs = [
        {
            "job": str(one.job),
            "train_key": one.train_key,
            "predict_key": one.predict_key,
            "training": asdict(one.job.training) if one.job.trained else None,
            "max_length": one.job.model.max_length,
            "cells": len(one.cells),
            "to_do": list(planned.open.get(one.predict_key, ())),
        }
        for one in planned.jobs
    ]
    return {
        "jobs": jobs,
        "skipped": planned.skipped,
        "cells": planned.cells,
        "to_do": planned.to_do,
        "seconds": _cost(planned),
        "disk": f"about {disk.needed(planned) / MEBI:.0f} MiB",
    }


def _cost(planned: Plan) -> str:
    """Seconds of computing that remain, by stored jobs of the same task and model, and how many have none."""
    known = _timings(planned.setting.store)
    left = [one.job for one in planned.jobs if one.predict_key in planned.open]
    times = [known.get((job.task.name, job.model.name)) for job in left]
    total = sum(statistics.median(taken) for taken in times if taken)
    unknown = times.count(None)
    if not unknown:
        return f"about {total:.0f} s of computing"
    what = f"no stored timings of task and model for {unknown} of {len(left)} jobs"
    return f"unknown ({what})" if unknown == len(left) else f"more than {total:.0f} s of computing ({what})"


def _timings(store: Store) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for task, predict_key in store.jobs():
        record = store.read_job(task, predict_key)
        if record is not None:
            found.setdefault((task, str(record.model["name"])), []).append(sum(record.timings.values()))
    return found

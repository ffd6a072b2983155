"""What `harness list` prints: everything that can be named on the command line."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from harness.languages import languages
from harness.sweep import build
from harness.sweep.options import Options
from harness.tables import console

ONLY_JSON = {"reports", "citation", "reader", "hub", "revision", "local", "of_rows"}  # what would make a row too long
LONGEST = {"licence": 28}  # some are sentences
GROUPS = {"tasks": "task", "models": "model", "strategies": "strategy", "suites": "suite", "experiments": "experiment"}


def show(kind: str, config_dir: Path | None, as_json: bool) -> None:
    """Prints all of a kind, one a row."""
    rows = entries(kind, Options.beside(config_dir))
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    name, *others = rows[0] if rows else ("",)
    columns = [name, *(column for column in others if column not in ONLY_JSON)]
    for column in columns:
        table.add_column(column, no_wrap=True, max_width=LONGEST.get(column))
    for row in rows:
        table.add_row(*(_words(column, row[column]) for column in columns))
    console().print(table)


def entries(kind: str, options: Options) -> list[dict[str, Any]]:
    """Every thing of a kind, described by what its own declaration says."""
    if kind == "languages":
        return [
            {
                "code": one.code,
                "name": one.name,
                "script": one.script,
                "family": one.family,
                "branch": one.branch,
                "iso639_1": one.iso639_1,
            }
            for one in languages().values()
        ]
    if kind == "distances":
        from harness.distances.base import DISTANCES, Need

        return [
            {
                "distance": name,
                "kind": str(DISTANCES[name].kind),
                "symmetric": DISTANCES[name].symmetric,
                "needs": ", ".join(sorted(DISTANCES[name].needs)) or "-",
                "layers": "@6, @-1, @all" if Need.EMBEDDINGS in DISTANCES[name].needs else "-",
                "version": DISTANCES[name].version,
            }
            for name in DISTANCES
        ]
    if kind == "readers":
        from harness.data.declared import OF_ROWS
        from harness.data.readers import READERS

        return [
            {
                "reader": name,
                "options": ", ".join(sorted(READERS[name].options or ())),
                "of_rows": ", ".join(sorted(OF_ROWS)),
            }
            for name in READERS
        ]
    if kind == "metrics":
        return _metrics()
    if kind == "types":
        from harness.tasktype import TASK_TYPES

        return [
            {"type": name, "shape": TASK_TYPES[name].shape.value, "metrics": list(TASK_TYPES[name].metrics)}
            for name in TASK_TYPES
        ]
    group = GROUPS[kind]
    describe = {"task": _task, "model": _model, "suite": _suite}.get(group, _plain)
    return [describe(name, options) for name in options.names(group)]


def _metrics() -> list[dict[str, Any]]:
    """Names, and settings as a signature writes them, with their defaults; what a task tells a metric is no setting."""
    from harness.metrics.base import FACTS, METRICS

    return [
        {
            "metric": name,
            "settings": ", ".join(
                f"{setting.name}:{setting.default}" if setting.default else setting.name
                for setting in inspect.signature(METRICS[name]).parameters.values()
                if setting.name not in FACTS
            )
            or "-",
        }
        for name in METRICS
    ]


def _task(name: str, options: Options) -> dict[str, Any]:
    spec = build.task(name, options.read("task", name), options)
    return {
        "task": name,
        "type": spec.type,
        "languages": list(spec.languages),
        "train": spec.train or ("itself" if "train" in spec.splits or spec.parts or spec.parallel else "-"),
        "metric": spec.main_metric if spec.metrics else "",
        "provenance": spec.provenance.value,
        "checked": spec.checked.value,
        "licence": spec.licence,
        "reports": list(spec.metrics),
        "citation": spec.citation,
        "reader": spec.files.reader if spec.files else "",
        "hub": spec.hub.path if spec.hub else "",
        "revision": spec.hub.revision if spec.hub else None,
        "local": spec.local,
    }


def _model(name: str, options: Options) -> dict[str, Any]:
    node = options.read("model", name)
    checkpoint = str(node.get("checkpoint") or "").replace("???", "model.checkpoint=FOLDER or hub name")
    seen = list(build.seen(map(str, node.get("seen") or ()), options))
    return {"model": name, "family": node.get("family", ""), "checkpoint": checkpoint, "seen": seen}


def _suite(name: str, options: Options) -> dict[str, Any]:
    return {"suite": name, "tasks": list(options.read("suite", name).get("tasks") or ())}


def _plain(name: str, options: Options) -> dict[str, Any]:  # noqa: ARG001
    return {"name": name}


def _words(column: str, value: Any) -> str:
    if column == "metric":
        return str(value).partition("|")[0]
    if isinstance(value, list):
        return f"{len(value)}: {' '.join(map(str, value[:5]))}{' ...' if len(value) > 5 else ''}" if value else "-"
    return str(value)

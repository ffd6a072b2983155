"""``make bench``: what the harness costs beside computing, each figure with its goal, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import (
    evaluation,
    growth,
    overhead,
    padding,
    qa_spans,
    report,
    resampling,
    resume,
    retrieval,
    scorer,
    span_f1,
    training,
)

Row = tuple[str, float, str, str]  # what, figure, unit, goal


def command(*arguments: str, runs: int = 5) -> float:
    """Median seconds of a whole command."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "harness", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def rows() -> list[Row]:
    """Every figure, measured now."""
    measures: list[Callable[[], list[Row]]] = [
        lambda: [
            ("harness --help", command("--help"), "s", "< 0.5"),
            ("harness list tasks", command("list", "tasks"), "s", "< 1"),
        ],
        padding.rows,
        overhead.rows,
        span_f1.rows,
        scorer.rows,
        resume.rows,
        resampling.rows,
        qa_spans.rows,
        retrieval.rows,
        evaluation.rows,
        growth.rows,
        training.rows,
        report.rows,
    ]
    return [row for measure in measures for row in measure()]


def main() -> None:
    """Measures, prints, and writes ``results/bench/bench.json``."""
    found = rows()
    machine = (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    table = Table(title=machine)
    for column in ("what", "figure", "unit", "goal"):
        table.add_column(column)
    for what, figure, unit, goal in found:
        table.add_row(what, f"{figure:.3f}", unit, goal)
    Console().print(table)
    path = Path("results/bench/bench.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("what", "figure", "unit", "goal")
    path.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in found], indent=1))


main()

"""``make bench``: figures with their goals, as they come, and all as JSON; ``python -m tests.bench NAME`` for some."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import (
    evaluation,
    growth,
    million,
    overhead,
    padding,
    qa_spans,
    report,
    resampling,
    resume,
    retrieval,
    rounding,
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


def commands() -> list[Row]:
    """How long the shortest commands take."""
    return [
        ("harness --help", command("--help"), "s", "< 0.5"),
        ("harness list tasks", command("list", "tasks"), "s", "< 1"),
    ]


MEASURES: dict[str, Callable[[], list[Row]]] = {
    "commands": commands,
    "padding": padding.rows,
    "overhead": overhead.rows,
    "span_f1": span_f1.rows,
    "scorer": scorer.rows,
    "resume": resume.rows,
    "resampling": resampling.rows,
    "qa_spans": qa_spans.rows,
    "retrieval": retrieval.rows,
    "evaluation": evaluation.rows,
    "rounding": rounding.rows,
    "growth": growth.rows,
    "training": training.rows,
    "report": report.rows,
    "million": million.rows,
}


def main(names: Sequence[str]) -> None:
    """Measures what is named, or everything; prints it as it comes, and writes ``results/bench/bench.json``."""
    found: list[Row] = []
    for name in names or MEASURES:
        for row in MEASURES[name]():
            what, figure, unit, goal = row
            print(f"{what:<84} {figure:>10.3f} {unit:<12} {goal}", flush=True)
            found.append(row)
    processor = platform.processor() or platform.machine()
    content = {
        "machine": f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rows": [dict(zip(("what", "figure", "unit", "goal"), row, strict=True)) for row in found],
    }
    path = Path("results/bench/bench.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


main(sys.argv[1:])

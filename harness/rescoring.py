"""Stored predictions scored again with the metrics and task versions of today; nothing is trained or predicted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from harness import build, keys, scoring
from harness.errors import HarnessError
from harness.options import Options
from harness.spec import TaskSpec
from harness.store import CellRecord, Store


def rescore(results: Path) -> dict[str, int]:
    """Recomputes every cell whose task still exists.

    Returns:
        How many cells were ``changed``, ``unchanged``, and ``left`` alone (their task is unknown here, or their
        stored predictions cannot be read).

    Raises:
        HarnessError: there is no store.
    """
    if not (results / "runs").is_dir():
        raise HarnessError(f"{results}: no store there yet; --results points to another")
    store, options = Store(results), Options()
    counts = {"changed": 0, "unchanged": 0, "left": 0}
    for cell in store.cells():
        if cell.task not in options.names("task"):
            counts["left"] += 1
            continue
        task = build.task(cell.task, options.read("task", cell.task), options)
        counts[_again(cell, task, store)] += 1
    return counts


def _again(cell: CellRecord, task: TaskSpec, store: Store) -> str:
    try:
        table = store.examples(cell.task, cell.predict_key, cell.target)
    except HarnessError:
        return "left"
    scores, counted = scoring.recount(task, *scoring.stored(table))
    key = keys.cell_key(cell.predict_key, cell.data, task, scoring.signatures(task))
    fresh = dataclasses.replace(
        cell, scores=scores, main_metric=next(iter(scores)), cell_key=key, task_version=task.version
    )
    if fresh == cell:
        return "unchanged"
    store.write_cell(fresh, counted)
    return "changed"

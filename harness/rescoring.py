"""Stored predictions scored again with the metrics and task versions of today; nothing is trained or predicted."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from harness import scoring
from harness.errors import HarnessError
from harness.storage.store import CellRecord, Store
from harness.sweep import build, keys
from harness.sweep.options import Options

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


def rescore(results: Path) -> dict[str, int]:
    """Recomputes every cell whose task still exists.

    Returns:
        How many cells were ``changed``, ``unchanged``, and ``left`` alone: their task is unknown here, their stored
        predictions cannot be read or do not fit its metrics, or another process is running their job.

    Raises:
        HarnessError: there is no store, or it cannot be written.
    """
    store, options = Store.existing(results), Options()
    counts = {"changed": 0, "unchanged": 0, "left": 0}
    for cell in store.cells():
        # the runner holds the one for a job that trains, the other for one that does not
        with (
            store.lock(cell.train_key, wait=False) as weights,
            store.lock(cell.predict_key, wait=False) as job,
        ):
            counts[_again(cell, store, options) if weights and job else _left(cell, "its job is running")] += 1
    return counts


def _again(cell: CellRecord, store: Store, options: Options) -> str:
    """What became of a cell whose job is locked: ``changed``, ``unchanged`` or ``left``."""
    now = store.read_cell(cell.task, cell.predict_key, cell.target)  # it may have been rewritten before the lock
    if now is None:
        return _left(cell, "it is gone")
    if now.task not in options.names("task"):
        return _left(now, "its task is unknown here")
    try:
        fresh, table = _scored(now, store, options)
    except HarnessError as error:
        return _left(now, str(error))
    if fresh == now:
        return "unchanged"
    store.write_cell(fresh, table)  # a disk that refuses one refuses all: its error ends the verb
    return "changed"


def _scored(cell: CellRecord, store: Store, options: Options) -> tuple[CellRecord, pd.DataFrame]:
    """The cell as the metrics of today make it, and its table."""
    task = build.task(cell.task, options.read("task", cell.task), options)
    table = store.examples(cell.task, cell.predict_key, cell.target)
    scores, counted = scoring.recount(task, cell.target, *scoring.stored(table))
    key = keys.cell_key(cell.predict_key, cell.data, task, scoring.signatures(task))
    fresh = dataclasses.replace(
        cell, scores=scores, main_metric=next(iter(scores)), cell_key=key, task_version=task.version
    )
    return fresh, counted


def _left(cell: CellRecord, why: str) -> str:
    log.warning("%s/%s/%s is not scored again: %s", cell.task, cell.predict_key, cell.target, why)
    return "left"

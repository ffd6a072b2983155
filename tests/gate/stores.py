"""Stores and baselines for the tests of the gate: cells of 0/1 answers, written as the harness writes them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from harness.gate.policy_file import policy
from harness.gate.sides import Locked, Stored, opened
from harness.gate.update import update
from harness.gate.verdict import check
from harness.storage.store import JobRecord, Store
from harness.sweep.options import Options
from tests.conftest import cell_record

ACCURACY = "accuracy"
TODAY = date(2026, 6, 1)
N = 400


def answers(right, n=N):
    """0/1 outcomes of which so many are right: the first ones."""
    return np.arange(n) < right


def put(store, right, target="deu", *, groups=None, ids=None, **changes):
    """Writes a cell whose examples are right or wrong; its record."""
    right = np.asarray(right, dtype=float)
    n = len(right)
    ids = [f"x{i}" for i in range(n)] if ids is None else ids
    groups = ids if groups is None else groups
    changes = {"task": "mini_nli", "train_key": "t0", "data": "ab" * 32} | changes
    score = float(right.mean()) if n else 0.0
    record = cell_record(
        target=target,
        scores={ACCURACY: {"score": score, "low": None, "high": None}} | changes.pop("more", {}),
        main_metric=ACCURACY,
        n=n,
        groups=len(set(groups)),
        provenance="synthetic",
        **changes,
    )
    table = pd.DataFrame({"example_id": ids, "group_id": groups, "gold": ['"a"'] * n, "prediction": ['"a"'] * n})
    # predictions tell the tables apart, as they do in the wild
    table["prediction"] = [f'"{int(value)}"' for value in right]
    table[f"{ACCURACY}::correct"], table[f"{ACCURACY}::total"] = right, 1.0
    store.write_cell(record, table)
    return record


def job(store, record, trained=True, family="tiny", spec=None):
    """Writes the job of a cell, with what says whether it was trained, or what it was made of."""
    plain = {"train_key": record.train_key, "predict_key": record.predict_key, "task": record.task}
    store.write_job(
        JobRecord(
            **plain, model={"name": record.model, "family": family}, strategy=record.strategy, sources=record.sources,
            targets=(record.target,), seed=record.seed, training={}, versions={}, timings={}, tokens={}, backend="",
            checkpoint=None, status="done", host="", curves=[], spec=spec or {"train": {"seed": 1} if trained else {}},
        )
    )  # fmt: skip


def rules(**given):
    """The default policy with other values; models count as not retrained unless told."""
    return policy("test", {"tolerance": 0.02, "margin": 0.02, "retrained": "no"} | given, Options())


def locked(store, path: Path, suite="mini", **given):
    """A lock of the store, read back."""
    update(path, store, suite, rules(**given), Options())
    return lock_at(path)


def lock_at(path: Path) -> Locked:
    with opened(str(path), path.parent / "nowhere", None) as side:
        return side


def against(baseline, store: Store, today=TODAY, **given):
    """The verdict on a store."""
    return check(baseline, Stored.of(store, "results"), rules(**given), today)

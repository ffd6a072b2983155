"""Jobs in a store, made up, for tests of what MLflow is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from harness.storage.store import CellRecord, JobRecord, Store
from tests.conftest import F1 as STRICT
from tests.conftest import cell_record

LEGACY = "span_f1|mode:legacy|scheme:IOB2"


def cell(score: float = 0.5, target: str = "deu", **changes: Any) -> CellRecord:
    """A cell of two metrics."""
    plain = {
        "sources": ("eng", "swh"),
        "target": target,
        "scores": {
            STRICT: {"score": score, "low": None, "high": None},
            LEGACY: {"score": 0.625, "low": None, "high": None},
        },
        "n": 1,
        "groups": 1,
    }
    return cell_record(**plain | changes)


def job(**changes: Any) -> JobRecord:
    """The record of a job with a training curve of 1,500 points."""
    plain = JobRecord(
        train_key="t0",
        predict_key="p0",
        task="panx",
        model={"name": "tiny", "family": "tiny"},
        strategy="zero_shot",
        sources=("eng", "swh"),
        targets=("deu", "zho-Hans"),
        seed=1,
        training={"learning_rate": 2e-5, "steps": 10},
        versions={},
        timings={"train": 90.0, "predict": 30.0},
        tokens={"real": 10},
        backend="eager",
        checkpoint=None,
        status="done",
        host="here",
        curves=[{"name": "loss", "step": step, "value": 1 / (step + 1)} for step in range(1500)],
        spec={"size": None},
        created="2026-01-02T03:04:05+00:00",
    )
    return replace(plain, **changes)


def fill(store: Store, *keys: str, targets: Sequence[str] = ("deu", "zho-Hans"), **changes: Any) -> None:
    """Writes a job of these targets under each key, all alike but for what ``changes`` says of their records."""
    row = {"example_id": ["1"], "group_id": ["1"], "gold": ['"O"'], "prediction": ['"O"'], f"{STRICT}::tp": [1.0]}
    for key in keys:
        for target in targets:
            store.write_cell(cell(target=target, predict_key=key), pd.DataFrame(row))
        store.write_job(job(predict_key=key, targets=tuple(targets), **changes))

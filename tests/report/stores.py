"""Small stores, written as the harness writes them: outcomes per example in, records and tables out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from unittest.mock import patch

import pandas as pd

from harness.metrics.base import metric
from harness.storage.records import JobRecord
from harness.storage.store import Store
from tests.conftest import cell_record

ACCURACY = "accuracy"
ENCODER = {"family": "encoder", "pooling": "mean", "layer": 8, "max_length": 128, "options": {}}


def outcomes(right: int, of: int = 10) -> list[int]:
    """So many examples, the first of them right."""
    return [1] * right + [0] * (of - right)


def put(
    store: Store,
    cells: Mapping[str, Sequence[int] | int],
    task: str = "mini_nli",
    *,
    model: str = "mine",
    family: str = "encoder",
    trained: bool = True,
    learning_rate: float = 2e-5,
    created: str = "2026-01-01T00:00:00+00:00",
    data: str = "d",
    metrics: Sequence[str] = (ACCURACY,),
    every: int = 1,
    seen: Sequence[str] = ("eng", "deu"),
    **changes: object,
) -> str:
    """A job's cells and its record; the predict key.

    Args:
        cells: by target, for each example whether it is right, or how many of ten are.
        metrics: signatures that all get the same counts: what is right first, then one for each example.
        every: examples a group.
    """
    sources, seed = changes.get("sources", ("eng",)), changes.get("seed", 1)
    named = [
        model,
        task,
        *sources,
        seed,
        learning_rate,
        *(changes.get(name, "") for name in ("strategy", "shots", "size")),
    ]
    key = str(changes.setdefault("predict_key", "-".join(map(str, named)).strip("-")))
    for target, given in cells.items():
        right = outcomes(given) if isinstance(given, int) else list(given)
        score = sum(right) / len(right)
        record = cell_record(
            **{
                "task": task, "target": target, "model": model, "main_metric": metrics[0],
                "cell_key": f"{key}-{target}",
                "scores": {name: {"score": score, "low": score - 0.1, "high": score + 0.1} for name in metrics},
                "n": len(right), "groups": -(-len(right) // every), "data": f"{data}-{target}", **changes,
            }
        )  # fmt: skip
        columns = {
            f"{name}::{count}": [1.0] * len(right) if i else list(map(float, right))
            for name in metrics
            for i, count in enumerate(metric(name).columns)
        }
        table = {
            "example_id": [str(i) for i in range(len(right))],
            "group_id": [f"{task}:{i // every}" for i in range(len(right))],
            "gold": ['"a"'] * len(right),
            "prediction": ['"a"' if one else '"b"' for one in right],
        }
        with patch("os.fsync"):  # nothing here has to outlive a power cut
            store.write_cell(record, pd.DataFrame(table | columns))
    train = {"model": {**ENCODER, "family": family}, "version": 1, "identity": {}, "pretraining": {}}
    if trained:
        train |= {"seed": seed, "size": changes.get("size"), "balance": None,
                  "training": {"learning_rate": learning_rate}, "data": {f"{sources[0]}/train": "t"}}  # fmt: skip
    store.write_job(
        JobRecord(
            train_key="t", predict_key=key, task=task, model={"name": model, "seen": list(seen)},
            strategy=record.strategy, sources=record.sources, targets=tuple(cells), seed=record.seed, training={},
            versions={"python": "3.11"}, timings={"train": 2.0, "score": 1.0}, tokens={"real": 10}, backend="torch",
            checkpoint=None, status="done", host="", curves=[], created=created,
            spec={"train": train, "predict": {"labels": ["a", "b"]}},
        )
    )  # fmt: skip
    return key

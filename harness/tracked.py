"""What MLflow is told of a job: parameters, metrics, tags and data sets, made from its records (and the suites)."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.sweep.options import Options, suites_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mlflow.entities import DatasetInput

    from harness.storage.store import CellRecord, ErrorRecord, JobRecord

PARAMETERS, LONGEST = 100, 6000  # that MLflow takes in one request; characters of a value
DIGEST = 36  # characters of a data set's digest


def parameters(job: JobRecord | None) -> dict[str, str]:
    """What decides the weights: model, strategy, sources, seed, and every number of the training."""
    if job is None:
        return {}
    plain: dict[str, Any] = {
        "task": job.task,
        "model": job.model.get("name", ""),
        "family": job.model.get("family", ""),
        "checkpoint": job.model.get("checkpoint", ""),
        "strategy": job.strategy,
        "sources": "+".join(job.sources),
        "seed": job.seed,
    }
    plain |= {f"training.{name}": value for name, value in sorted(job.training.items())}
    return {legal(name): str(value)[:LONGEST] for name, value in list(plain.items())[:PARAMETERS]}


def measurements(job: JobRecord | None, cells: Sequence[CellRecord]) -> dict[str, float]:
    """Scores as ``task/metric/target``, by short name for the main metric and by signature for others; job costs."""
    found: dict[str, float] = {}
    for cell in cells:
        for signature, score in cell.scores.items():
            name = signature.split("|", 1)[0] if signature == cell.main_metric else signature
            found[legal(f"{cell.task}/{name}/{cell.target}")] = score["score"]
    if job is not None:
        found |= {legal(f"seconds/{stage}"): value for stage, value in job.timings.items()}
        found |= {legal(f"tokens/{kind}"): float(value) for kind, value in job.tokens.items()}
    return found


def curves(job: JobRecord) -> Iterator[tuple[str, float, int]]:
    """Every point of the training curves: name, value, step."""
    for point in job.curves:
        yield legal(f"train/{point['name']}"), point["value"], point["step"]


def period(job: JobRecord | None, error: ErrorRecord | None) -> tuple[int | None, int | None]:
    """When the job began and ended, in ms since 1970; None where its records do not say."""
    last = error or job
    if last is None:
        return None, None
    end = datetime.fromisoformat(last.created)
    start = end - timedelta(seconds=sum(job.timings.values()) if job else 0)
    return _milliseconds(start), _milliseconds(end)


def tags(task: str, predict_key: str, job: JobRecord | None, cells: Sequence[CellRecord]) -> dict[str, str]:
    """What runs are filtered by: task, suite, strategy, sources, provenance, keys."""
    found = {
        "harness.kind": "job",
        "harness.task": task,
        "harness.predict_key": predict_key,
        "harness.suite": "+".join(suites_of(Options()).get(task, ())),  # also where empty: it replaces an older one
    }
    if job is not None:
        found |= {
            "harness.train_key": job.train_key,
            "harness.model": str(job.model.get("name", "")),
            "harness.strategy": job.strategy,
            "harness.sources": "+".join(job.sources),
            "harness.status": job.status,
            "harness.host": job.host,
        }
    for name in ("provenance", "touches", "limit"):
        values = sorted({str(value) for cell in cells if (value := getattr(cell, name)) is not None})
        if values:
            found[f"harness.{name}"] = ", ".join(values)
    return found


def inputs(cells: Sequence[CellRecord]) -> list[DatasetInput]:
    """The evaluation data of every target, named ``task/target``, with its fingerprint as digest."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=f"{cell.task}/{cell.target}",
                digest=cell.data[:DIGEST],
                source_type="local",
                source=json.dumps({"files": cell.files, "sha256": cell.data}),
            ),
            [InputTag("mlflow.data.context", "evaluation")],
        )
        for cell in cells
    ]


def legal(name: str) -> str:
    """``name`` with what MLflow does not take in a name replaced by ``_``."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)[:250]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

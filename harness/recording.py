"""The records of a job: a cell for each target, and what was run."""

from __future__ import annotations

import dataclasses
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from harness import scoring
from harness.machine import place
from harness.models.base import Curve
from harness.spec import Job
from harness.storage.store import CellRecord, JobRecord, Store
from harness.strategies.base import STRATEGIES, touches
from harness.sweep import keys
from harness.sweep.keyed import Keyed, model_of
from harness.tasktype import TASK_TYPES

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("torch", "transformers", "datasets", "scikit-learn", "numpy")


@dataclass(slots=True)
class Progress:
    """What a running job has found out so far, for its record."""

    timings: dict[str, float] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def clock(self, phase: str) -> Iterator[None]:
        """Adds the time of the block to a phase."""
        start = time.perf_counter()
        yield
        self.timings[phase] = self.timings.get(phase, 0.0) + time.perf_counter() - start


def cell_record(
    one: Keyed, target: str, scores: scoring.Scores, table: pd.DataFrame, files: tuple[str, ...]
) -> CellRecord:
    """The record of a target's scores: the same for two runs that agree."""
    job = one.job
    data, key = one.cells[target]
    return CellRecord(
        cell_key=key,
        predict_key=one.predict_key,
        train_key=one.train_key,
        task=job.task.name,
        task_version=job.task.version,
        model=job.model.name,
        strategy=job.strategy,
        sources=job.sources,
        target=target,
        seed=job.seed,
        shots=job.shots,
        size=job.size,
        limit=job.limit,
        scores=scores,
        main_metric=next(iter(scores)),
        n=len(table),
        groups=table["group_id"].nunique(),
        data=data,
        files=files,
        provenance=job.task.provenance.value,
        touches=touches(job),
    )


def write_job(one: Keyed, store: Store, root: Path | None, progress: Progress) -> None:
    """Writes what was run, with the times of earlier parts of the same job added."""
    job = one.job
    before = store.read_job(job.task.name, one.predict_key)
    done = {target for target in job.targets if store.read_cell(job.task.name, one.predict_key, target)}
    if before:
        done |= set(before.targets)
        # a resumed job took the time of both runs
        progress.timings = {
            phase: progress.timings.get(phase, 0.0) + before.timings.get(phase, 0.0)
            for phase in before.timings.keys() | progress.timings.keys()
        }
    content = keys.train_content(job, root, one.identity)
    model = model_of(job, root, store.cache)
    parameters = model.parameters or (before.model.get("parameters") if before else None)
    store.write_job(
        JobRecord(
            train_key=one.train_key,
            predict_key=one.predict_key,
            task=job.task.name,
            model=dataclasses.asdict(job.model) | {"parameters": parameters},
            strategy=job.strategy,
            sources=job.sources,
            targets=tuple(sorted(done)),
            seed=job.seed,
            training=dataclasses.asdict(STRATEGIES[job.strategy].training(job)),
            versions=_versions(),
            timings=progress.timings,
            tokens=progress.tokens or (before.tokens if before else {}),
            backend=model.backend + _searched(job),
            checkpoint=job.model.checkpoint or None,
            status="done" if done >= set(job.targets) else "partial",
            host=place(),
            curves=[{"name": point.name, "step": point.step, "value": point.value} for point in progress.curves]
            or (before.curves if before else []),
            spec={"train": content, "predict": keys.predict_content(job, one.train_key)},
        )
    )


def _searched(job: Job) -> str:
    """What computed the cosines of a task that looks for neighbours, where it was not torch's own product."""
    if TASK_TYPES[job.task.type].match is None:
        return ""
    from harness.engine.cosines import usable
    from harness.engine.products import ONEDNN

    return f", searched by {ONEDNN}" if usable() else ""


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "harness": version("multilingual-harness")} | {
        package: version(package) for package in PACKAGES
    }

"""What analysed scores were made with: the task and the model of each, as specifications."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.spec import Job, ModelSpec, TaskSpec
from harness.sweep import build
from harness.sweep.options import Options

if TYPE_CHECKING:
    import pandas as pd

    from harness.storage.store import Store


@dataclasses.dataclass(frozen=True, slots=True)
class Studied:
    """One task and one model.

    Attributes:
        train_task: whose training data was used.
        pretraining: the task that the model's vectors were aligned on, where it has one.
    """

    task: TaskSpec
    train_task: TaskSpec
    model: ModelSpec
    pretraining: TaskSpec | None = None


def of_jobs(jobs: Iterable[Job]) -> dict[tuple[str, str], Studied]:
    """By task and model, of jobs that are at hand."""
    return {
        (job.task.name, job.model.name): Studied(job.task, job.train_task, job.model, job.pretraining) for job in jobs
    }


def of_store(store: Store, frame: pd.DataFrame, options: Options) -> tuple[dict[tuple[str, str], Studied], list[str]]:
    """By task and model, of stored cells (columns task, model, predict_key), from the records of their jobs.

    Returns:
        What could be found out; and a sentence for each task or model of which nothing can.
    """
    found: dict[tuple[str, str], Studied] = {}
    notes: list[str] = []
    each = frame[["task", "model", "predict_key"]].drop_duplicates(["task", "model"])
    for task_name, model_name, key in each.itertuples(index=False):
        record = store.read_job(task_name, key)
        try:
            task = build.task(task_name, options.read("task", task_name), options)
            fields = {name: value for name, value in (record.model if record else {}).items() if name != "parameters"}
            model = build.construct(ModelSpec, fields, f"model {model_name}")
            found[task_name, model_name] = Studied(
                task, build.trained_on(task, options), model, _pretraining(model.options, options)
            )
        except HarnessError as error:
            notes.append(f"{task_name}, {model_name}: nothing is known but the scores ({error})")
    return found, notes


def _pretraining(of_model: Mapping[str, object], options: Options) -> TaskSpec | None:
    name = of_model.get("pretraining")
    return build.task(str(name), options.read("task", str(name)), options) if name else None

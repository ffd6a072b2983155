"""What a job costs beside computing: planning, the store, tracking; and what a job costs that is done already."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from harness import tracking
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.keyed import missing
from harness.sweep.plan import plan

OVERRIDES = (
    "task=mini_ner,mini_pos", "model=majority", "source=eng,deu,spa,rus", "target=all", "tracking=none",
)  # fmt: skip


def rows() -> list[tuple[str, float, str, str]]:
    """Seconds a job of the runner itself, of tracking, and of skipping; Hydra's composition beside them."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        asked = sweep([*OVERRIDES, f"results={folder}/results"], multirun=True)
        composing = time.perf_counter() - start
        planned = plan(asked)
        store = planned.setting.store
        start = time.perf_counter()
        for one in planned.jobs:
            run(one.job, planned.setting)
        wall = time.perf_counter() - start
        records = [store.read_job(one.job.task.name, one.predict_key) for one in planned.jobs]
        computing = sum(sum(record.timings.values()) for record in records if record)
        uri = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        tracking.prepare(store, uri, "bench")
        start = time.perf_counter()
        for one in planned.jobs:
            tracking.log_job(store, uri, "bench", one.job.task.name, one.predict_key, None)
        tracked = time.perf_counter() - start
        start = time.perf_counter()
        for one in planned.jobs:
            missing(one, store)
        skipping = time.perf_counter() - start
    jobs = len(planned.jobs)
    return [
        ("runner and store a job of 16 targets, beside computing", (wall - computing) / jobs, "s", "< 0.3 together"),
        ("tracking a job of 16 targets (sqlite)", tracked / jobs, "s", "< 0.3 together"),
        ("skipping a job that is done", skipping / jobs, "s", "< 0.010"),
        ("composing and planning a job (Hydra)", composing / jobs, "s", "-"),
    ]

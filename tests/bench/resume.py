"""A sweep whose 10,000 cells are all done: what it costs to find that out, and Hydra's composition beside it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

from harness.runner import run
from harness.storage.atomic import write_whole
from harness.storage.records import to_json
from harness.sweep.compose import sweep
from harness.sweep.keyed import Keyed, keyed, missing
from harness.sweep.plan import Plan, plan
from tests.bench.turns import in_turn

CELLS = int(os.environ.get("BENCH_CELLS", "10000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
OVERRIDES = ("task=mini_ner,mini_pos", "model=lexical", "source=eng,deu,spa,rus", "target=all", "tracking=none")


def rows() -> list[tuple[str, float, str, str]]:
    """Seconds of the comparison with the store, of the keys that it compares, and of composing a job."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        planned = plan(sweep([*OVERRIDES, f"results={folder}/results"], multirun=True))
        composing = (time.perf_counter() - start) / len(planned.jobs)
        jobs = _done(planned)
        cells = sum(len(one.cells) for one in jobs)
        ways: dict[str, Callable[[], object]] = {
            "compared": lambda: _open(jobs, planned),
            "keyed": lambda: [keyed(one.job, planned.setting.root, planned.setting.cache) for one in jobs],
        }
        seconds, answers = in_turn(ways, ROUNDS)
        assert answers["compared"] == [], answers["compared"]
    return [
        (
            f"full resume: {cells:,} done cells compared with the store, given their jobs",
            seconds["compared"],
            "s",
            "<= 3",
        ),
        (f"the keys of these {len(jobs):,} jobs", seconds["keyed"], "s", "-"),
        ("composing and planning a job (Hydra)", composing, "s", "-"),
    ]


def _open(jobs: list[Keyed], planned: Plan) -> list[str]:
    """The jobs of which anything is missing, as ``plan`` finds them."""
    store = planned.setting.store
    return [
        one.predict_key
        for one in jobs
        if missing(one, store) or store.read_job(one.job.task.name, one.predict_key) is None
    ]


def _done(planned: Plan) -> list[Keyed]:
    """As many jobs as make up the cells, all of them in the store: copies of one that was really run."""
    store, first = planned.setting.store, planned.jobs[0]
    run(first.job, planned.setting)
    task = first.job.task.name
    job = store.read_job(task, first.predict_key)
    records = {target: store.read_cell(task, first.predict_key, target) for target in first.cells}
    assert job is not None
    jobs = []
    with patch("os.fsync"):  # writing is measured elsewhere
        for number in range(-(-CELLS // len(first.cells))):
            key = f"copy-{number:05}"
            jobs.append(replace(first, predict_key=key))
            store.write_job(replace(job, predict_key=key))
            for target, record in records.items():
                assert record is not None
                write_whole(store.folder(task, key) / f"{target}.json", to_json(replace(record, predict_key=key)))
    return jobs

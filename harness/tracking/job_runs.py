"""The run of one job: found by its key, written from its records, current where its digest is theirs."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import tracked
from harness.tracking.client import BATCH, mend, opened, place_of, turn
from harness.tracking.missed import JobNote, leave, take_away
from harness.tracking.patience import TURN, attempt
from harness.tracking.sweep_runs import PARENT, run_of_sweep

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from harness.storage.store import CellRecord, JobRecord, Store

log = logging.getLogger(__name__)

KEY, SUITE, DIGEST, MOMENT = "harness.predict_key", "harness.suite", "harness.digest", "harness.moment"
CONFIG = "config.json"  # the artifact beside the records that is none


def prepare(store: Store, uri: str, experiment: str) -> None:
    """Creates the database and the experiment, once, before any worker: MLflow's own migration cannot be raced."""

    def work() -> None:
        with turn(uri):
            opened(uri, experiment)

    wait = None if uri.startswith("http") else TURN
    attempt(uri, work, wait, mend=mend(store.root, uri, experiment))


def log_job(store: Store, uri: str, experiment: str, task: str, predict_key: str, parent: str | None) -> None:
    """Brings the run of one job up to date with its records; what fails is a warning and a note in the store.

    Args:
        parent: what ``sweep`` gave.
    """
    note = JobNote(uri=place_of(uri), experiment=experiment, task=task, predict_key=predict_key, parent=parent)
    leave(store, note)

    def work() -> None:
        with turn(uri):
            write(*opened(uri, experiment), store, note)

    attempt(uri, work, mend=mend(store.root, uri, experiment))


def write(client: MlflowClient, experiment: str, store: Store, note: JobNote) -> bool:
    """Whether anything had to be written for a job; its note is then taken away.

    Its run is found by its key, which it has from its first moment. A request that timed out may have been carried out:
    what is repeated changes nothing, and of two runs of one key the oldest is kept.
    """
    task, key, parent = note.task, note.predict_key, note.parent
    with store.lock(f"track-{key}"):  # two writers would both find no run, and create two
        job, error = store.read_job(task, key), store.read_error(task, key)
        cells = [cell for target in store.targets(task, key) if (cell := store.read_cell(task, key, target))]
        names = ["job.json"] * (job is not None) + ["error.json"] * (error is not None)
        names += [f"{cell.target}{ending}" for cell in cells for ending in (".json", ".examples.parquet")]
        files = [path for name in names if (path := store.folder(task, key) / name).exists()]
        above = run_of_sweep(client, experiment, store, parent) if parent else None
        tags = tracked.tags(task, key, job, cells) | ({PARENT: above} if above else {})
        digest = _digest(files, tags[SUITE])
        found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'")
        runs = sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
        removed = sum(_removed(client, double) for double in runs[1:])
        run = runs[0] if runs else None
        changed = bool(files) and (run is None or run.data.tags.get(DIGEST) != digest)
        if changed:
            start, end = tracked.period(job, error)
            if run is None:
                run = client.create_run(experiment, start, tags={KEY: key}, run_name=_name(task, key, job))
            _log(client, run, job, cells, tags, _moment(run, digest, end))
            _copy(client, run.info.run_id, files, job)
            client.set_terminated(run.info.run_id, "FAILED" if error is not None else "FINISHED", end)
            client.set_tag(run.info.run_id, DIGEST, digest)  # last: a run that was cut short is written again
        take_away(store, note.name)
    return changed or removed > 0


def _removed(client: MlflowClient, run: Run) -> bool:
    """Whether a run could be removed; MLflow's users need a permission of its own for that."""
    try:
        client.delete_run(run.info.run_id)
    except Exception as error:  # noqa: BLE001
        log.debug("%s stays: %s", run.info.run_id, error)
        return False
    return True


def _moment(run: Run, digest: str, end: int | None) -> str:
    """The time of the scores, in ms, and the records that they are of.

    Of two values of one metric MLflow shows the later, so changed records come later than what they replace, whatever
    the clock says. The same records have the same time: a value that is logged twice is one value.
    """
    moment, _, of = run.data.tags.get(MOMENT, "").partition(" ")
    if of == digest:
        return f"{moment} {digest}"
    own = end or time.time_ns() // 1_000_000
    return f"{max(own, int(moment) + 1) if moment else own} {digest}"


def _log(
    client: MlflowClient,
    run: Run,
    job: JobRecord | None,
    cells: list[CellRecord],
    tags: dict[str, str],
    moment: str,
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    number, known = run.info.run_id, run.data
    # parameters cannot be changed once they are logged, and do not change: they are in the key
    params = [Param(name, value) for name, value in tracked.parameters(job).items() if name not in known.params]
    told = [RunTag(name, value) for name, value in (tags | {MOMENT: moment}).items()]
    client.log_batch(number, params=params, tags=told)
    at = int(moment.split()[0])
    metrics = [
        Metric(name, value, at, 0)
        for name, value in tracked.measurements(job, cells).items()
        if known.metrics.get(name) != value
    ]
    # the time of a point is the run's: a point that is logged again is the same point
    born = run.info.start_time
    metrics += [Metric(name, value, born, step) for name, value, step in (tracked.curves(job) if job else ())]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(number, metrics[start : start + BATCH])
    client.log_inputs(number, tracked.inputs(cells))


def _copy(client: MlflowClient, run_id: str, files: list[Path], job: JobRecord | None) -> None:
    """Uploads the records, and what the keys were made of as ``config.json``, in one go."""
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            (Path(folder) / path.name).symlink_to(path.absolute())
        if job is not None:
            text = json.dumps(job.spec, indent=2, sort_keys=True, ensure_ascii=False)
            (Path(folder) / CONFIG).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)


def _digest(files: list[Path], suite: str) -> str:
    """One of all that a run is made of: its records, and the suites, which no record knows."""
    content = hashlib.sha256(suite.encode())
    for path in files:
        if path.suffix == ".json":  # the records name all that the tables hold
            content.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
    return content.hexdigest()


def _name(task: str, key: str, job: JobRecord | None) -> str:
    if job is None:
        return f"{task} {key}"
    return f"{task} {job.model.get('name', '')} {job.strategy} {'+'.join(job.sources)} seed {job.seed}"[:250]

"""MLflow runs written from stored records: one child run a job below one parent run a sweep, never twice the same.

The store is the truth and MLflow a copy of it. A server that is down or slow costs a warning; ``sync`` adds what it
missed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import tracked
from harness.errors import HarnessError
from harness.locks import held

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from contextlib import AbstractContextManager

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from harness.store import CellRecord, JobRecord, Store

log = logging.getLogger(__name__)

KEY, SUITE, DIGEST, PARENT = "harness.predict_key", "harness.suite", "harness.digest", "mlflow.parentRunId"
CONFIG = "config.json"  # the artifact beside the records that is none
BATCH = 1000  # metrics that MLflow takes in one request

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
_silent: set[str] = set()  # URIs that failed: every further job of this process would wait for them again
_sweeps: dict[str, str] = {}  # parent run -> URI, for the end of the sweep


@dataclass(frozen=True, slots=True)
class Synced:
    """What a replay of the store did: runs written or brought up to date, and runs that were so already."""

    written: int
    unchanged: int


def prepare(uri: str, experiment: str) -> None:
    """Creates the database and the experiment, once, before any worker: MLflow's own migration cannot be raced."""
    with _forgiving(uri), _turn(uri):
        _open(uri, experiment)


def start_sweep(uri: str, experiment: str, name: str, tags: Mapping[str, str], config_text: str) -> str | None:
    """The id of a new parent run that holds the resolved configuration; None where the server cannot be reached.

    Workers find the id in the environment variable HARNESS_PARENT_RUN.
    """
    if uri in _silent:
        return None
    with _forgiving(uri), _turn(uri):
        client, number = _open(uri, experiment)
        run = client.create_run(number, tags={"harness.kind": "sweep", **tags}, run_name=name)
        run_id = str(run.info.run_id)
        _sweeps[run_id] = uri
        client.log_text(run_id, config_text, "config.yaml")
        return run_id
    return None


def finish_sweep(run_id: str, status: str) -> None:
    """Ends a parent run that this process started, as ``FINISHED``, ``FAILED`` or ``KILLED``."""
    uri = _sweeps.pop(run_id)
    with _forgiving(uri), _turn(uri):
        connected(uri).set_terminated(run_id, status)


def log_job(store: Store, uri: str, experiment: str, task: str, predict_key: str, parent: str | None) -> None:
    """Brings the run of one job up to date with its records; a failure is a warning, and the last attempt here."""
    if uri in _silent:
        return
    with _forgiving(uri), _turn(uri):
        _write(*_open(uri, experiment), store, task, predict_key, parent)


def log_analysis(
    uri: str,
    experiment: str,
    name: str,
    parameters: Mapping[str, str],
    metrics: Mapping[str, float],
    folder: Path,
    parent: str | None = None,
) -> None:
    """Writes one run for an analysis: parameters, flat metrics, and the files of a folder; a failure is a warning.

    Args:
        parent: the run of the sweep that is analysed.
    """
    from mlflow.entities import Metric, Param

    if uri in _silent:
        return
    with _forgiving(uri), _turn(uri):
        client, number = _open(uri, experiment)
        tags = {"harness.kind": "analysis", "harness.analysis": name, "analysis.schema": "1"}
        tags |= {"harness.provenance": parameters["provenance"]} if parameters.get("provenance") else {}
        tags |= {PARENT: parent} if parent else {}
        run_id = str(client.create_run(number, tags=tags, run_name=f"analysis {name}").info.run_id)
        moment = time.time_ns() // 1_000_000
        values = [Metric(tracked.legal(key), value, moment, 0) for key, value in metrics.items()]
        given = [Param(tracked.legal(key), value[: tracked.LONGEST]) for key, value in parameters.items()]
        client.log_batch(run_id, values[:BATCH], given)
        for start in range(BATCH, len(values), BATCH):
            client.log_batch(run_id, values[start : start + BATCH])
        client.log_artifacts(run_id, str(folder))
        client.set_terminated(run_id)


def log_report(uri: str, experiment: str, predict_keys: Collection[str], folder: Path) -> bool:
    """Copies a report to the run of the latest sweep that ran any of these jobs; whether there was one.

    A failure is a warning.
    """
    with _forgiving(uri), _turn(uri):
        client, number = _open(uri, experiment)
        for sweep in _pages(client, number, "tags.`harness.kind` = 'sweep'"):  # the latest first
            children = _pages(client, number, f"tags.`{PARENT}` = '{sweep.info.run_id}'")
            if any(child.data.tags.get(KEY) in predict_keys for child in children):
                client.log_artifacts(sweep.info.run_id, str(folder), "report")
                return True
    return False


def _pages(client: MlflowClient, experiment: str, query: str) -> Iterator[Run]:
    """The runs that fit, the latest first, asked for as they are needed."""
    token = None
    while token is None or token:
        page = client.search_runs([experiment], query, order_by=["attributes.start_time DESC"], page_token=token)
        yield from page
        token = page.token or ""


def sync(store: Store, uri: str, experiment: str) -> Synced:
    """Brings the runs of all jobs in the store up to date; a second call changes nothing.

    Raises:
        HarnessError: the server or the database does not answer.
    """
    try:
        with _turn(uri):
            client, number = _open(uri, experiment)
        changed = []
        for task, key in store.jobs():
            with _turn(uri):  # one job at a time, so that a running sweep does not wait for all of them
                changed.append(_write(client, number, store, task, key, None))
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(
            f"tracking at {uri} failed: {_first_line(error)}. Is the server up, and tracking.uri what you mean?"
        ) from error
    return Synced(written=sum(changed), unchanged=len(changed) - sum(changed))


def _write(client: MlflowClient, experiment: str, store: Store, task: str, key: str, parent: str | None) -> bool:
    """Whether the run of a job had to be written: it is found by its key, and current where the digest is the same."""
    with store.lock(f"track-{key}"):  # two writers would both find no run, and create two
        job, error = store.read_job(task, key), store.read_error(task, key)
        cells = [cell for target in store.targets(task, key) if (cell := store.read_cell(task, key, target))]
        names = ["job.json"] * (job is not None) + ["error.json"] * (error is not None)
        names += [f"{cell.target}{ending}" for cell in cells for ending in (".json", ".examples.parquet")]
        files = [path for name in names if (path := store.folder(task, key) / name).exists()]
        tags = tracked.tags(task, key, job, cells) | ({PARENT: parent} if parent else {})
        digest = _digest(files, tags[SUITE])
        found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
        run = found[0] if found else None
        if not files or (run is not None and run.data.tags.get(DIGEST) == digest):
            return False
        start, end = tracked.period(job, error)
        if run is None:
            run = client.create_run(experiment, start, tags={KEY: key}, run_name=_name(task, key, job))
        _log(client, run, job, cells, tags)
        _copy(client, run.info.run_id, files, job)
        client.set_tag(run.info.run_id, DIGEST, digest)  # last: a run that was cut short is written again
        client.set_terminated(run.info.run_id, "FAILED" if error is not None else "FINISHED", end)
    return True


def _log(client: MlflowClient, run: Run, job: JobRecord | None, cells: list[CellRecord], tags: dict[str, str]) -> None:
    from mlflow.entities import Metric, Param, RunTag

    moment = time.time_ns() // 1_000_000  # of two values of one metric, MLflow shows the later
    metrics = [Metric(name, value, moment, 0) for name, value in tracked.measurements(job, cells).items()]
    if job is not None:
        metrics += [Metric(name, value, born, step) for name, value, born, step in tracked.curves(job)]
    # parameters cannot be changed once they are logged, and do not change: they are in the key
    known = run.data.params
    params = [Param(name, value) for name, value in tracked.parameters(job).items() if name not in known]
    number = run.info.run_id
    client.log_batch(number, metrics[:BATCH], params, [RunTag(name, value) for name, value in tags.items()])
    for start in range(BATCH, len(metrics), BATCH):
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


def connected(uri: str) -> MlflowClient:
    """A client that neither asks home nor prints."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow

    for name in ("alembic", "mlflow.store.db.utils", "mlflow.store.db_migrations"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow.MlflowClient(tracking_uri=uri)


def _open(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client and the experiment's id; the first call creates tables and experiment."""
    client = connected(uri)  # makes the tables
    found = client.get_experiment_by_name(experiment)
    if found is not None:
        return client, str(found.experiment_id)
    database = _database(uri)
    artifacts = database.with_name(f"{database.stem}-artifacts").absolute().as_uri() if database else None
    return client, str(client.create_experiment(experiment, artifacts))


def _turn(uri: str) -> AbstractContextManager[object]:
    """Held by the one process that uses a database file: SQLite lets a second writer fail rather than wait for long."""
    database = _database(uri)
    return held(database.with_name(f"{database.name}.lock")) if database else nullcontext()


def _database(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


@contextmanager
def _forgiving(uri: str) -> Iterator[None]:
    """Turns any failure into one warning; nothing is lost, the records are on disk."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever a server, a driver or a disk may raise, the job is done
        _silent.add(uri)
        why = _first_line(error)
        log.warning("tracking at %s failed (%s): results are safe, `harness sync` fills the gap", uri, why)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


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

"""A baseline from MLflow: the records and tables that ``harness run`` logged as artifacts, laid out as a store.

A run is named by its id, its name, or the predict key of its job; a sweep's parent run stands for all of its jobs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import tracking
from harness.errors import HarnessError
from harness.storage.store import Store
from harness.sweep.options import Options

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_ID = re.compile(r"[0-9a-f]{32}")


@contextmanager
def fetched(name: str, results: Path, config_dir: Path | None) -> Iterator[Store]:
    """A store of what a run and its children logged, for as long as the block lasts.

    Args:
        results: whose tracking database is meant, where conf/tracking/mlflow.yaml names no server.

    Raises:
        HarnessError: there is no such run, several bear the name, or none of its artifacts is a record.
    """
    config = Options.beside(config_dir).read("tracking", "mlflow")
    uri = str(config["uri"]).replace("${results}", str(results))
    database = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not database.exists():  # to open it would make it
        raise HarnessError(f"mlflow:{name}: {database} does not exist; --results names the folder with the database")
    try:
        client = tracking.connected(uri)
        runs = list(_jobs(client, _run(client, name, str(config["experiment"]), uri)))
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            for run in runs:
                _fetch(client, run, store)
            if not any(store.jobs()):
                raise HarnessError(f"mlflow:{name}: no job of this run has records among its artifacts ({uri})")
            yield store
    except HarnessError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise HarnessError(f"mlflow:{name}: {uri} gave no baseline: {first}") from error


def _run(client: MlflowClient, name: str, experiment: str, uri: str) -> Run:
    if RUN_ID.fullmatch(name):
        return client.get_run(name)
    found = client.get_experiment_by_name(experiment)
    quoted = name.replace("'", "\\'")
    runs: list[Any] = []
    for condition in (f"attributes.run_name = '{quoted}'", f"tags.`{tracking.KEY}` = '{quoted}'"):
        runs = runs or (list(client.search_runs([found.experiment_id], condition)) if found else [])
    if not runs:
        raise HarnessError(f"mlflow:{name}: no run of that id, name or key in the experiment {experiment!r} of {uri}")
    if len(runs) > 1:
        ids = ", ".join(run.info.run_id for run in runs[:5])
        raise HarnessError(f"mlflow:{name}: {len(runs)} runs bear that name; say which by its id: {ids}")
    found_run: Run = runs[0]
    return found_run


def _jobs(client: MlflowClient, run: Run) -> Iterator[Run]:
    """The run itself where it is a job's, or all jobs below it."""
    if tracking.KEY in run.data.tags:
        yield run
        return
    token = None
    while True:
        query = f"tags.`{tracking.PARENT}` = '{run.info.run_id}'"
        page = client.search_runs([run.info.experiment_id], query, max_results=1000, page_token=token)
        yield from (child for child in page if tracking.KEY in child.data.tags)
        token = page.token
        if not token:
            return


def _fetch(client: MlflowClient, run: Run, store: Store) -> None:
    folder = store.folder(run.data.tags["harness.task"], run.data.tags[tracking.KEY])
    folder.mkdir(parents=True)
    client.download_artifacts(run.info.run_id, "", str(folder))
    (folder / tracking.CONFIG).unlink(missing_ok=True)

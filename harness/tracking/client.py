"""A client of MLflow that asks nothing home, prints nothing and keeps no password in its URI."""

from __future__ import annotations

import logging
import os
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from harness.secrets import redacted, without_password, without_user
from harness.storage.bucket import origin
from harness.storage.locks import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from mlflow import MlflowClient
    from mlflow.entities import Run

DEFAULT = Path("results")  # what `harness sync` takes without --results
KIND = "harness.kind"  # the tag that tells runs of jobs, sweeps and analyses apart
EXPERIMENT = "harness"  # where nothing else is said
BATCH = 1000  # metrics that MLflow takes in one request, with nothing else

REQUEST = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    REQUEST: "30",  # seconds; who waits has a bound of his own
    # MLflow would send a request again that the server has carried out but not answered, and create a run twice
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "PGCONNECT_TIMEOUT": "10",
}


def ready() -> None:
    """MLflow imported, which takes seconds, and told to be quiet."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401

    for name in ("alembic", "mlflow.store.db_migrations"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # it counts its attempts at a database that is down; one warning of ours says so
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)


def connected(uri: str) -> MlflowClient:
    """A client of the server or the database at ``uri``."""
    ready()
    import mlflow

    return mlflow.MlflowClient(tracking_uri=without_password(uri))


def opened(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client and the experiment's id; the first call creates tables and experiment."""
    client = connected(uri)  # makes the tables
    found = client.get_experiment_by_name(experiment)
    if found is not None:
        return client, str(found.experiment_id)
    database = database_of(uri)
    artifacts = database.with_name(f"{database.stem}-artifacts").absolute().as_uri() if database else None
    try:
        return client, str(client.create_experiment(experiment, artifacts))
    except Exception:
        found = client.get_experiment_by_name(experiment)
        if found is None:
            raise
        return client, str(found.experiment_id)  # another process has created it meanwhile


def turn(uri: str) -> AbstractContextManager[object]:
    """Held by the one process that uses a database file: SQLite lets a second writer fail rather than wait for long."""
    database = database_of(uri)
    return held(database.with_name(f"{database.name}.lock")) if database else nullcontext()


def database_of(uri: str) -> Path | None:
    """The file of an SQLite database; None for anything else."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def place_of(uri: str) -> str:
    """What a URI leads to, in one spelling and without a user: notes of what was missed are told apart by it."""
    database = database_of(uri)
    return f"sqlite:///{database.resolve()}" if database else without_user(uri).rstrip("/")


def mend(results: Path, uri: str, experiment: str = EXPERIMENT) -> str:
    """The command that writes what a server or database has missed of a results folder."""
    store = "" if results.resolve() == DEFAULT.resolve() else f" --results {shlex.quote(origin(results))}"
    where = store if database_of(uri) else f"{store} --uri {redacted(uri)}"
    return f"`harness sync{where}{'' if experiment == EXPERIMENT else f' --experiment {shlex.quote(experiment)}'}`"


def pages(client: MlflowClient, experiment: str, query: str) -> Iterator[Run]:
    """The runs that fit, the latest first, asked for as they are needed."""
    token = None
    while token is None or token:
        page = client.search_runs([experiment], query, order_by=["attributes.start_time DESC"], page_token=token)
        yield from page
        token = page.token or ""

"""Runs of analyses, and the report as an artifact of the sweep that it is of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness import tracked
from harness.tracking.client import BATCH, KIND, opened, pages, turn
from harness.tracking.job_runs import KEY
from harness.tracking.patience import attempt
from harness.tracking.sweep_runs import PARENT, SWEEP

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from mlflow import MlflowClient

FILES = 60.0  # seconds for an analysis or a site, which nobody computes after: more files than a job has


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
        parent: the sweep that is analysed.
    """
    from mlflow.entities import Metric, Param

    moment = time.time_ns() // 1_000_000
    tags = {KIND: "analysis", "harness.analysis": name, "analysis.schema": "1"}
    tags |= {"harness.provenance": parameters["provenance"]} if parameters.get("provenance") else {}
    values = [Metric(tracked.legal(key), value, moment, 0) for key, value in metrics.items()]
    given = [Param(tracked.legal(key), value[: tracked.LONGEST]) for key, value in parameters.items()]
    started: list[str] = []  # a second attempt goes on with the run of the first

    def work() -> None:
        with turn(uri):
            client, number = opened(uri, experiment)
            above = _sweep_run(client, number, parent) if parent else None
            if not started:
                told = tags | ({PARENT: above} if above else {})
                started.append(client.create_run(number, tags=told, run_name=f"analysis {name}").info.run_id)
            run_id = started[0]
            client.log_batch(run_id, params=given)
            for start in range(0, len(values), BATCH):
                client.log_batch(run_id, values[start : start + BATCH])
            client.log_artifacts(run_id, str(folder))
            client.set_terminated(run_id)

    attempt(uri, work, wait=FILES)


def _sweep_run(client: MlflowClient, experiment: str, sweep: str) -> str | None:
    found = client.search_runs([experiment], f"tags.`{SWEEP}` = '{sweep}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def log_report(uri: str, experiment: str, predict_keys: Collection[str], folder: Path) -> bool:
    """Copies a report to the run of the latest sweep that ran any of these jobs; whether there was one.

    A failure is a warning.
    """

    def work() -> bool:
        with turn(uri):
            client, number = opened(uri, experiment)
            for sweep in pages(client, number, f"tags.`{KIND}` = 'sweep'"):  # the latest first
                children = pages(client, number, f"tags.`{PARENT}` = '{sweep.info.run_id}'")
                if any(child.data.tags.get(KEY) in predict_keys for child in children):
                    client.log_artifacts(sweep.info.run_id, str(folder), "report")
                    return True
        return False

    return bool(attempt(uri, work, wait=FILES))

"""The function that Hydra calls for every job of a sweep."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from harness.launch.manifest import release
from harness.retrieval.views import Views, siblings, views_of
from harness.runner import Outcome, Setting, run
from harness.spec import Job
from harness.storage import exchange
from harness.sweep.expand import expand
from harness.sweep.options import Options
from harness.sweep.plan import setting

log = logging.getLogger("harness")

MANIFEST = "HARNESS_SWEEP"  # the manifest of the sweep that a worker belongs to
TOTAL = "HARNESS_JOBS"  # how many Hydra jobs the sweep has
WAIT = "HARNESS_WAIT"  # set where a job that another process is at is waited for
PARENT = "HARNESS_PARENT_RUN"  # the tracking run that its runs are children of


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="config")
def main(config: DictConfig) -> list[dict[str, Any]]:
    """Runs one composed configuration; what became of each of its jobs, as plain dictionaries.

    Failures are outcomes, not exceptions, unless ``on_error=raise``: one of them must not end the sweep.
    """
    own = OmegaConf.to_container(config, resolve=True)
    assert isinstance(own, dict)
    runtime = HydraConfig.get().runtime
    options = Options.of_search_path(f"{source.schema}://{source.path}" for source in runtime.config_sources)
    job = HydraConfig.get().job
    number = f"{1 if OmegaConf.is_missing(job, 'num') else job.num + 1}/{os.environ.get(TOTAL, 1)}"
    plain = {str(key): value for key, value in own.items()}
    outcomes = run_configuration(plain, dict(runtime.choices), options, number, WAIT in os.environ)
    return [dataclasses.asdict(outcome) for outcome in outcomes]


def run_configuration(
    config: dict[str, Any], choices: dict[str, str], options: Options, number: str, wait: bool = False
) -> list[Outcome]:
    """What became of the jobs of one configuration.

    Args:
        number: which Hydra job of how many this is, for the reader of the log.
        wait: wait for a job that another process is running; otherwise it is left to it.
    """
    here = dataclasses.replace(setting(config, wait), again=MANIFEST not in os.environ)
    outcomes = []
    for together in siblings(expand(config, choices, options).jobs):
        with views_of(together) as views:
            for job in together:
                outcomes.append(run_job(job, here, config["tracking"], views))
                log.info("%s %s", number, outcomes[-1])
    return outcomes


def run_job(job: Job, here: Setting, where: Mapping[str, Any], views: Views | None = None) -> Outcome:
    """Runs a job, writes its records to the tracking server, frees the weights that no other job waits for."""
    from harness import tracking

    outcome = run(job, here, views)
    if outcome.status in ("done", "failed"):
        exchange.send(here.store.root, outcome.task, outcome.predict_key)
        if where.get("uri"):
            parent = os.environ.get(PARENT)
            tracking.log_job(here.store, where["uri"], where["experiment"], outcome.task, outcome.predict_key, parent)
        if MANIFEST in os.environ:
            release(Path(os.environ[MANIFEST]), here, outcome.predict_key)
    return outcome

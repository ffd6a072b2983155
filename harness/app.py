"""The function that Hydra calls for every job of a sweep."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from harness.expand import expand
from harness.options import Options
from harness.plan import release, setting
from harness.runner import Outcome, run

log = logging.getLogger("harness")

MANIFEST = "HARNESS_SWEEP"  # the manifest of the sweep that a worker belongs to
TOTAL = "HARNESS_JOBS"  # how many Hydra jobs the sweep has
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
    outcomes = run_configuration(plain, dict(runtime.choices), options, number)
    return [dataclasses.asdict(outcome) for outcome in outcomes]


def run_configuration(config: dict[str, Any], choices: dict[str, str], options: Options, number: str) -> list[Outcome]:
    """Runs the jobs of one configuration, writes their records to the tracking server, frees weights not needed.

    Args:
        number: which Hydra job of how many this is, for the reader of the log.
    """
    from harness import tracking

    here = setting(config)
    manifest = Path(os.environ[MANIFEST]) if MANIFEST in os.environ else None
    outcomes = []
    expansion = expand(config, choices, options)
    for job in expansion.jobs:
        outcome = run(job, here)
        outcomes.append(outcome)
        mark = {"done": "+", "skipped": "=", "elsewhere": "~", "failed": "!"}[outcome.status]
        log.info("%s %s %s  %.1f s  %s", number, mark, outcome.job, outcome.seconds, outcome.message)
        if outcome.status == "done":
            if config["tracking"].get("uri"):
                where = config["tracking"]
                tracking.log_job(
                    here.store,
                    where["uri"],
                    where["experiment"],
                    outcome.task,
                    outcome.predict_key,
                    os.environ.get(PARENT),
                )
            if manifest is not None:
                release(manifest, here, outcome.predict_key)
    return outcomes

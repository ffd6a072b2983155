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

from harness.options import Options
from harness.plan import release, setting

log = logging.getLogger("harness")

MANIFEST = "HARNESS_SWEEP"  # the manifest of the sweep that a worker belongs to
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
    outcomes = run_configuration({str(key): value for key, value in own.items()}, dict(runtime.choices), options)
    return [dataclasses.asdict(outcome) for outcome in outcomes]


def run_configuration(config: dict[str, Any], choices: dict[str, str], options: Options) -> list[Any]:
    """Runs the jobs of one configuration, writes their records to the tracking server, frees weights not needed."""
    from harness import tracking
    from harness.expand import expand
    from harness.runner import run

    here = setting(config)
    manifest = Path(os.environ[MANIFEST]) if MANIFEST in os.environ else None
    outcomes = []
    expansion = expand(config, choices, options)
    for reason in expansion.skipped:
        log.info("does not apply: %s", reason)
    for job in expansion.jobs:
        outcome = run(job, here)
        outcomes.append(outcome)
        mark = {"done": "+", "skipped": "=", "elsewhere": "~", "failed": "!"}[outcome.status]
        log.info("%s %s  %.1f s  %s", mark, outcome.job, outcome.seconds, outcome.message)
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
            release(manifest, here)
    return outcomes

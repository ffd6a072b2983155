"""Hydra's launcher on Ray's core; ``conf/hydra/launcher/ray.yaml`` says what it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from harness.app import MANIFEST
from harness.cluster import ray
from harness.hydra_compose import own, resolved
from harness.options import Options


class RayLauncher(Launcher):
    """Composes what a sweep asks for here, and has it run there: nodes need no Hydra."""

    def __init__(self, address: str | None, cpus: int, gpus: int, memory_gb: int, retries: int) -> None:
        self.address = address
        self.demands = {"num_cpus": cpus, "num_gpus": gpus, "memory": memory_gb * 2**30, "max_retries": retries}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        """Takes what Hydra gives every launcher."""
        self.context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """The outcomes of every configuration; none of one that was lost."""
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        found = ray.launch(list(self._tasks(job_overrides)), self.address, self.demands)
        return [JobReturn(status=JobStatus.COMPLETED, _return_value=outcomes) for outcomes in found]

    def _tasks(self, job_overrides: Sequence[Sequence[str]]) -> Iterator[ray.Task]:
        for i, overrides in enumerate(job_overrides, start=1):
            whole = self.context.config_loader.load_sweep_config(self.config, list(overrides))
            config = resolved(own(whole))
            config["results"] = str(Path(config["results"]).resolve())
            choices = {str(group): str(choice) for group, choice in whole.hydra.runtime.choices.items()}
            options = Options.of_search_path(f"{one.schema}://{one.path}" for one in whole.hydra.runtime.config_sources)
            number = f"{i}/{len(job_overrides)}"
            yield ray.Task(config, choices, options, number, os.environ[MANIFEST])

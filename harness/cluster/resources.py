"""What the jobs of a sweep ask of a cluster: the resources of its models, in the words of each launcher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.spec import ModelSpec, Resources

SLURM, RAY = "submitit_slurm", "ray"
REMOTE = (SLURM, RAY)  # launchers whose jobs run elsewhere; what they lose is not run here


def largest(models: Iterable[ModelSpec]) -> Resources:
    """What the hungriest of the models needs, by resource; a model's threads are processors that it needs."""
    found = list(models)
    every = [one.resources for one in found]
    return Resources(
        gpus=max(one.gpus for one in every),
        cpus=max(max(one.resources.cpus, one.threads) for one in found),
        memory_gb=max(one.memory_gb for one in every),
        minutes=max(one.minutes for one in every),
    )


def overrides(launcher: str, models: Iterable[ModelSpec], given: Sequence[str]) -> list[str]:
    """Hydra's overrides that ask a launcher for what the models need; what the user gave stands.

    Args:
        given: the overrides of the command line.
    """
    if launcher not in REMOTE:
        return []
    needs = largest(models)
    wanted: dict[str, object] = {"cpus": needs.cpus, "gpus": needs.gpus, "memory_gb": needs.memory_gb}
    if launcher == SLURM:
        wanted = _of_slurm(needs)
    keys = {word.split("=", 1)[0].lstrip("+") for word in given}
    return [f"hydra.launcher.{name}={value}" for name, value in wanted.items() if f"hydra.launcher.{name}" not in keys]


def _of_slurm(needs: Resources) -> dict[str, object]:
    wanted: dict[str, object] = {
        "timeout_min": needs.minutes,
        "cpus_per_task": needs.cpus,
        "mem_gb": needs.memory_gb,
        "stderr_to_stdout": "true",
    }
    return wanted | ({"gpus_per_node": needs.gpus} if needs.gpus else {})

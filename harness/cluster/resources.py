"""What the jobs of a sweep ask of a cluster: the resources of its models, in the words of each launcher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.spec import ModelSpec, Resources

SLURM, RAY = "submitit_slurm", "ray"
REMOTE = (SLURM, RAY)  # launchers whose jobs run elsewhere; what they lose is not run here

WARNING = 120  # seconds before its time limit that a task is told
ENDLESS = 1000  # times that a task may reach it: one that comes no further ends at the second
TASK = 60  # minutes of a task that serves several jobs: Python, imports and a queue for each would be most of them


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


def overrides(given: Sequence[str]) -> list[str]:
    """Hydra's overrides that any sweep on Slurm needs; what the user gave stands.

    Args:
        given: the overrides of the command line.
    """
    wanted = {
        "hydra.launcher.stderr_to_stdout": "true",
        "hydra.launcher.max_num_timeout": ENDLESS,
        "+hydra.launcher.additional_parameters.requeue": "true",  # whatever the cluster's default is
    }
    keys = [word.split("=", 1)[0].lstrip("+~") for word in given]
    return [f"{name}={value}" for name, value in wanted.items() if name.lstrip("+") not in keys]


def minutes(needs: Resources, given: Sequence[str]) -> int:
    """A task's time limit on Slurm; it serves as many jobs as are sure to fit."""
    said = [word.split("=", 1)[1] for word in given if word.lstrip("+").startswith("hydra.launcher.timeout_min=")]
    return int(said[-1]) if said and said[-1].isdigit() else max(TASK, needs.minutes)


def of_slurm(needs: Resources, given: Sequence[str]) -> dict[str, object]:
    """What a task is asked for, in submitit's words; nothing of what the user gave, in whichever of Slurm's words."""
    keys = {word.split("=", 1)[0].rsplit(".", 1)[1] for word in given if word.lstrip("+").startswith("hydra.launcher.")}
    limit = minutes(needs, given)
    wanted: dict[str, tuple[object, tuple[str, ...]]] = {
        "timeout_min": (limit, ()),
        "signal_delay_s": (min(WARNING, 15 * limit), ()),
        "cpus_per_task": (needs.cpus, ("cpus_per_gpu",)),
        "mem_gb": (needs.memory_gb, ("mem_per_cpu", "mem_per_gpu")),
        "gpus_per_node": (needs.gpus, ("gpus_per_task", "gres")),
    }
    return {name: value for name, (value, instead) in wanted.items() if value and not keys & {name, *instead}}

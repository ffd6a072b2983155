"""A sweep on Slurm: which jobs share a task, what the manifest knows of them, and which of them are to blame.

How a task goes on that was cut short stands in ``work``, what is submitted and waited for in ``submitit``.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import numpy as np

from harness.cluster.resources import largest, minutes, of_slurm
from harness.cluster.submitit import Lost, patience
from harness.cluster.work import Work
from harness.errors import HarnessError
from harness.launch.manifest import running, submitted, weights_of
from harness.launch.status import progress
from harness.launch.summary import say
from harness.spec import Resources
from harness.sweep.keyed import Keyed
from harness.sweep.plan import Plan


@contextmanager
def engaged(
    planned: Plan, given: Sequence[str], path: Path, jobs: Collection[str], environment: Mapping[str, str], alone: bool
) -> Iterator[Sequence[Lost]]:
    """For the time of the block, Hydra's launcher knows what to submit, and the manifest what is submitted.

    Args:
        given: the overrides of the command line.
        path: the manifest.
        jobs: the predict keys of those that are to be run.
        environment: variables that tasks set.
        alone: a task for each Hydra job.

    Yields:
        What has no result; it fills while the block runs.

    Raises:
        HarnessError: there is no Slurm here, or it takes no such array.
    """
    if shutil.which("sbatch") is None:
        raise HarnessError("there is no sbatch here: start the sweep where you log in to the cluster")
    arrays: list[str] = []
    asking: dict[int, list[str]] = {}
    for key in jobs:
        for number in planned.numbers[key]:
            asking.setdefault(number, []).append(key)

    def took(ids: Mapping[int, str]) -> None:
        submitted(path, {key: task for n, task in ids.items() for key in asking.get(n, ())})
        tasks = sorted({*ids.values()})
        arrays.append(tasks[0].split("_")[0])
        shared = f" for {len(ids)} jobs" if len(ids) > len(tasks) else ""
        say.print(
            f"array {arrays[-1]} in Slurm, tasks: {len(tasks)}{shared}; `scancel {arrays[-1]}` ends it, Ctrl-C does not"
        )

    def far() -> str:
        sweep = next((one for one in running(planned.setting.store) if one.id == path.stem), None)
        return progress(planned.setting.store, [sweep] if sweep else [])

    with patience(works(planned, jobs, environment, given, alone), took, far, planned.setting.raise_errors) as lost:
        try:
            yield lost
        except KeyboardInterrupt:
            for array in arrays:
                say.print(f"array {array} goes on in Slurm: the same command joins it, `scancel {array}` ends it")
            raise


def blamed(planned: Plan, unfinished: Sequence[Keyed], lost: Sequence[Lost]) -> dict[str, str]:
    """Why jobs have no result, by predict key; empty where nothing is known.

    A task that died was at the first of its jobs that is unfinished. Those behind it never began, and are not among
    these.
    """
    left: dict[int, list[str]] = {}
    for one in unfinished:
        for number in planned.numbers[one.predict_key]:
            left.setdefault(number, []).append(one.predict_key)
    why: dict[str, str] = {}
    behind: set[str] = set()
    for task in lost:
        keys = [key for number in task.numbers for key in left.get(number, ())]
        ended = keys[: task.ended]
        why |= dict.fromkeys(ended, task.why)
        behind |= {*keys[len(ended) :]}
    keys = [one.predict_key for one in unfinished]
    return {key: why.get(key, "") for key in keys if key in why or key not in behind}


def works(
    planned: Plan, jobs: Collection[str], environment: Mapping[str, str], given: Sequence[str], alone: bool = False
) -> list[Work]:
    """What the tasks run: the Hydra jobs that any of these jobs (predict keys) stand in.

    A task serves jobs of one model and one benchmark task as far as possible, which share weights and tokens, and as
    many as are sure to end within its limit.

    Args:
        given: the overrides of the command line; what they ask of Slurm stands.
        alone: a task for each Hydra job.
    """
    found: dict[int, list[Keyed]] = {}
    for one in planned.jobs:
        if one.predict_key in jobs:
            for number in planned.numbers[one.predict_key]:
                found.setdefault(number, []).append(one)
    alike: dict[Resources, list[int]] = {}
    for number in sorted(found, key=lambda number: (found[number][0].job.model.name, found[number][0].job.task.name)):
        alike.setdefault(largest(one.job.model for one in found[number]), []).append(number)
    return [
        Work(
            environment,
            planned.setting.store.root,
            tuple(
                (one.job.task.name, one.predict_key, tuple(weights_of(one, planned.setting)))
                for number in numbers
                for one in found[number]
            ),
            minutes(needs, given),
            numbers,
            of_slurm(needs, given),
        )
        for needs, several in alike.items()
        for numbers in _evenly(several, 1 if alone else max(1, minutes(needs, given) // needs.minutes))
    ]


def _evenly(numbers: Sequence[int], most: int) -> Iterator[tuple[int, ...]]:
    """Parts of at most so many, none longer than another by more than one."""
    for part in np.array_split(numbers, ceil(len(numbers) / most)):
        yield tuple(int(number) for number in part)

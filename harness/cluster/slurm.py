"""A sweep on Slurm: what is missing goes into arrays, each task is waited for, and a task cut short goes on.

Hydra's launcher and submitit submit, requeue and collect. Here stands what they leave open: they submit what is done
already, give each job a task however short it is, take no more tasks than one array may have, ask an accounting
database that many clusters have not got, begin a task over its time limit again however little it did before, and stop
at the first result that never came.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from harness.cluster.queue import CANCELLED, largest_array, queue
from harness.cluster.resources import largest, minutes, of_slurm
from harness.cluster.work import Work
from harness.errors import HarnessError
from harness.launch.manifest import submitted, weights_of
from harness.launch.summary import say
from harness.runner import Outcome
from harness.spec import Resources
from harness.sweep.keyed import Keyed
from harness.sweep.plan import Plan

if TYPE_CHECKING:
    from submitit.core.core import Job as Task
    from submitit.core.utils import DelayedSubmission

log = logging.getLogger("harness")

SELDOM = 60.0  # seconds between two questions to Slurm, of a sweep that takes long
FORGOTTEN = "no longer known to Slurm"  # what it was, a cancelled one perhaps, nobody can say
SAFE = "export PYTHONSAFEPATH=1"  # a folder `conf` where the sweep was started is not the harness's
LATE = 5.0  # seconds that a file system may take to show what a task wrote at its end


@dataclass(frozen=True, slots=True)
class Lost:
    """What has no result: Hydra jobs of a task that died or stopped, or one whose launcher failed.

    Attributes:
        numbers: of the Hydra jobs, in the order in which they ran.
        ended: how many of their unfinished jobs are not begun again: the one that the task was at; none where it
            stopped before the first; None: all, as somebody cancelled it.
    """

    numbers: tuple[int, ...]
    why: str
    ended: int | None = 1


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
        tasks = set(ids.values())
        arrays.append(tasks.pop().split("_")[0])
        shared = f" for {len(ids)} jobs" if len(ids) > len(tasks) + 1 else ""
        say.print(
            f"array {arrays[-1]} in Slurm, tasks: {len(tasks) + 1}{shared}; "
            f"`scancel {arrays[-1]}` ends it, Ctrl-C does not"
        )

    with patience(works(planned, jobs, environment, given, alone), took, planned.setting.raise_errors) as lost:
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


@contextmanager
def patience(
    works: Sequence[Work], submitted: Callable[[Mapping[int, str]], None], raising: bool
) -> Iterator[Sequence[Lost]]:
    """For the time of the block, Hydra's launcher submits these works alone, and waits for each of them.

    Args:
        submitted: called with the ids of tasks by the number of the Hydra job, once Slurm has them.
        raising: a job that raises ends the sweep.

    Yields:
        What has no result; it fills while the block runs.

    Raises:
        HarnessError: Slurm takes no such array.
    """
    from hydra.core.singleton import Singleton
    from submitit.core.utils import DelayedSubmission, FailedJobError
    from submitit.slurm.slurm import SlurmExecutor, SlurmJob

    whole = SlurmExecutor._internal_process_submissions
    numbers = [number for one in works for number in one.numbers]
    places = {number: f"{place}/{len(numbers)}" for place, number in enumerate(numbers, start=1)}
    of_task: dict[str, Work] = {}
    lost: list[Lost] = []

    def submit(executor: SlurmExecutor, submissions: Sequence[DelayedSubmission]) -> list[Task[Any]]:
        calls = {_number(one): (one.function, one.args) for one in submissions}
        tasks: list[Task[Any]] = []
        common = {**executor.parameters, "setup": [*(executor.parameters.get("setup") or []), SAFE]}
        for part in _arrays(works, largest_array()):
            executor.parameters = dict(common)
            executor.update_parameters(**executor._convert_parameters(dict(part[0].asks)))
            functions = [replace(one, calls=tuple(calls[number] for number in one.numbers)) for one in part]
            try:
                found = whole(executor, [DelayedSubmission(function) for function in functions])
            except FailedJobError as error:
                raise _Refused from error
            ids = {task.job_id: one for one, task in zip(part, found, strict=True)}
            of_task.update(ids)
            submitted({number: task for task, one in ids.items() for number in one.numbers})
            tasks += found
        return tasks

    def results(task: Task[Any]) -> list[Any]:
        task.wait()
        found, why = _result(task)
        numbers = of_task[task.job_id].numbers
        if found is None:
            _lose(task, Lost(numbers, f"task {task.job_id}: {why}", None if why in (CANCELLED, FORGOTTEN) else 1))
            return [_nothing()]
        if behind := numbers[len(found) :]:
            _lose(task, Lost(behind, f"task {task.job_id}: over its time limit", 0))
        for number, one in zip(numbers, found, strict=False):
            if why := _failure(one):
                if raising:
                    return [one]
                _lose(task, Lost((number,), f"task {task.job_id}: {why}", None))
            else:
                for outcome in one.return_value:
                    say.print(f"{places[number]} {Outcome(**outcome)}", markup=False)
        return [_nothing()]

    def _lose(task: Task[Any], one: Lost) -> None:
        log.warning("Slurm's %s: no result; see %s", one.why, task.paths.folder)
        lost.append(one)

    with (
        patch.object(SlurmExecutor, "_internal_process_submissions", submit),
        patch.object(SlurmJob, "results", results),
        patch.object(SlurmJob, "watcher", _Watch()),
        patch.object(SlurmJob, "_results_timeout_s", 0),
        patch.object(Singleton, "get_state", cache(Singleton.get_state)),  # the launcher copies it for each job
    ):
        try:
            yield lost
        except _Refused as error:
            words = str(error.__cause__).strip().splitlines()
            raise HarnessError(f"Slurm refuses the sweep: {words[-1] if words else 'no reason given'}") from error


class _Refused(SystemExit):
    """Goes through Hydra, which would print any other error with a traceback and keep it."""


def _arrays(works: Sequence[Work], most: int) -> Iterator[Sequence[Work]]:
    """What is submitted at a time: an array asks the same for all of its tasks, and has no more than it may."""
    alike: dict[str, list[Work]] = {}
    for one in works:
        alike.setdefault(repr(one.asks), []).append(one)
    for group in alike.values():
        for start in range(0, len(group), most):
            yield group[start : start + most]


def _number(one: DelayedSubmission) -> int:
    """The number of the Hydra job; its arguments are overrides, a key, the number, an id and the singletons."""
    return int(one.args[2])


def _nothing() -> Any:
    from hydra.core.utils import JobReturn, JobStatus

    return JobReturn(status=JobStatus.COMPLETED, _return_value=[])


def _result(task: Task[Any]) -> tuple[Any, str]:
    """What the jobs of a task returned, or why there is nothing."""
    from submitit.core.utils import UncompletedJobError

    try:
        outcome, found = task._get_outcome_and_result()
    except UncompletedJobError:
        return None, task.state
    except Exception as error:  # noqa: BLE001  # what cannot be read is lost, and hides no other
        return None, f"its result cannot be read: {error}"
    if outcome == "error":  # the traceback
        return None, str(found).strip().splitlines()[-1]
    return found, ""


def _failure(found: Any) -> str:
    """What was raised where Hydra runs a job; empty where nothing was."""
    from hydra.core.utils import JobStatus

    if found.status is not JobStatus.FAILED:
        return ""
    return f"{type(found._return_value).__name__}: {found._return_value}"


class _Watch:
    """Which tasks are gone, by Slurm's queue; in the place of submitit's watcher, which asks ``sacct``."""

    def __init__(self) -> None:
        self._begun = self._asked = time.monotonic()
        self._tasks: set[str] = set()
        self._gone: dict[str, tuple[float, str]] = {}

    def register_job(self, task: str) -> None:
        """Watches one more task."""
        self._tasks.add(task)

    def is_done(self, task: str, mode: str = "") -> bool:  # noqa: ARG002
        """Whether a task ended long enough ago for all that it wrote to be seen."""
        now = time.monotonic()
        if now - self._asked > min(SELDOM, max(2.0, (now - self._begun) / 10)):
            self._asked = now
            self._ask(now)
        return task in self._gone and now - self._gone[task][0] > LATE

    def get_state(self, task: str, mode: str = "") -> str:  # noqa: ARG002
        """Slurm's last word on a task."""
        return self._gone[task][1] if task in self._gone else "UNKNOWN"

    def _ask(self, now: float) -> None:
        watched = self._tasks - self._gone.keys()
        found = queue({task.split("_")[0] for task in watched})
        if found is None:
            return
        for task in watched:
            if task not in found or found[task].ended:
                self._gone[task] = now, found[task].state if task in found else FORGOTTEN

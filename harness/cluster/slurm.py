"""A sweep on Slurm: what is missing goes into arrays, each task is waited for, and a task cut short goes on.

Hydra's launcher and submitit submit, requeue and collect. Here stands what they leave open: they submit what is done
already, take no more tasks than one array may have, ask an accounting database that many clusters have not got, begin
a task over its time limit again however little it did before, and stop at the first result that never came.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from harness.cluster.queue import largest_array, queue
from harness.cluster.resources import largest, minutes, of_slurm
from harness.cluster.work import Work
from harness.errors import HarnessError
from harness.keyed import Keyed
from harness.manifest import submitted, weights_of
from harness.plan import Plan
from harness.runner import Outcome
from harness.summary import say

if TYPE_CHECKING:
    from submitit.core.core import Job as Task
    from submitit.core.utils import DelayedSubmission

log = logging.getLogger("harness")

SELDOM = 60.0  # seconds between two questions to Slurm, of a sweep that takes long
LATE = 5.0  # seconds that a file system may take to show what a task wrote at its end


@contextmanager
def engaged(
    planned: Plan, given: Sequence[str], path: Path, jobs: Collection[str], environment: Mapping[str, str]
) -> Iterator[Mapping[int, str]]:
    """For the time of the block, Hydra's launcher knows what to submit, and the manifest what is submitted.

    Args:
        given: the overrides of the command line.
        path: the manifest.
        jobs: the predict keys of those that are to be run.
        environment: variables that tasks set.

    Yields:
        Why tasks have no result, by the number of the Hydra job.

    Raises:
        HarnessError: there is no Slurm here, or it takes no such array.
    """
    if shutil.which("sbatch") is None:
        raise HarnessError("there is no sbatch here: start the sweep where you log in to the cluster")
    arrays: list[str] = []

    def took(ids: Mapping[int, str]) -> None:
        submitted(path, {key: ids[n] for key in jobs for n in planned.numbers[key] if n in ids})
        arrays.append(next(iter(ids.values())).split("_")[0])
        say.print(f"array {arrays[-1]} in Slurm, tasks: {len(ids)}; `scancel {arrays[-1]}` ends it, Ctrl-C does not")

    with patience(works(planned, jobs, environment, given), took, planned.setting.raise_errors) as lost:
        try:
            yield lost
        except KeyboardInterrupt:
            for array in arrays:
                say.print(f"array {array} goes on in Slurm: the same command joins it, `scancel {array}` ends it")
            raise


def works(
    planned: Plan, jobs: Collection[str], environment: Mapping[str, str], given: Sequence[str]
) -> dict[int, Work]:
    """The work of each Hydra job, by its number, that any of these jobs (predict keys) stand in.

    Args:
        given: the overrides of the command line; what they ask of Slurm stands.
    """
    found: dict[int, list[Keyed]] = {}
    for one in planned.jobs:
        if one.predict_key in jobs:
            for number in planned.numbers[one.predict_key]:
                found.setdefault(number, []).append(one)
    return {
        number: Work(
            environment,
            planned.setting.store.root,
            tuple((one.job.task.name, one.predict_key, tuple(weights_of(one, planned.setting))) for one in keyed),
            minutes(largest(one.job.model for one in keyed), given),
            of_slurm(largest(one.job.model for one in keyed), given),
        )
        for number, keyed in found.items()
    }


@contextmanager
def patience(
    works: Mapping[int, Work], submitted: Callable[[Mapping[int, str]], None], raising: bool
) -> Iterator[dict[int, str]]:
    """For the time of the block, Hydra's launcher submits these works alone, and waits for each of them.

    Args:
        works: by the number of the Hydra job.
        submitted: called with the ids of tasks by number, once Slurm has them.
        raising: a task that raises ends the sweep.

    Yields:
        Why tasks have no result, by number; it fills while the block runs.

    Raises:
        HarnessError: Slurm takes no such array.
    """
    from submitit.core.utils import FailedJobError
    from submitit.slurm.slurm import SlurmExecutor, SlurmJob

    whole = SlurmExecutor._internal_process_submissions
    numbers: dict[str, int] = {}
    places = {number: place for place, number in enumerate(works, start=1)}
    lost: dict[int, str] = {}

    def submit(executor: SlurmExecutor, submissions: Sequence[DelayedSubmission]) -> list[Task[Any]]:
        wanted = [one for one in submissions if _number(one) in works]
        tasks: list[Task[Any]] = []
        common = dict(executor.parameters)
        for part in _arrays(wanted, works, largest_array()):
            asks = works[_number(part[0])].asks
            executor.parameters = dict(common)
            executor.update_parameters(**executor._convert_parameters(dict(asks)))
            for one in part:
                one.function = replace(works[_number(one)], launcher=one.function)
            try:
                found = whole(executor, part)
            except FailedJobError as error:
                raise _Refused from error
            ids = {_number(one): task.job_id for one, task in zip(part, found, strict=True)}
            numbers.update({task: number for number, task in ids.items()})
            submitted(ids)
            tasks += found
        return tasks

    def results(task: Task[Any]) -> list[Any]:
        task.wait()
        found, why = _result(task)
        if why and raising and found is not None:
            return [found]
        if not why:
            for outcome in found.return_value:
                say.print(f"{places[numbers[task.job_id]]}/{len(works)} {Outcome(**outcome)}", markup=False)
        else:
            log.warning("Slurm's task %s ended without a result (%s); see %s", task.job_id, why, task.paths.folder)
            lost[numbers[task.job_id]] = f"task {task.job_id}: {why}"
        return [_nothing() if why else found]

    with (
        patch.object(SlurmExecutor, "_internal_process_submissions", submit),
        patch.object(SlurmJob, "results", results),
        patch.object(SlurmJob, "watcher", _Watch()),
        patch.object(SlurmJob, "_results_timeout_s", 0),
    ):
        try:
            yield lost
        except _Refused as error:
            words = str(error.__cause__).strip().splitlines()
            raise HarnessError(f"Slurm refuses the sweep: {words[-1] if words else 'no reason given'}") from error


class _Refused(SystemExit):
    """Goes through Hydra, which would print any other error with a traceback and keep it."""


def _arrays(
    wanted: Sequence[DelayedSubmission], works: Mapping[int, Work], most: int
) -> Iterator[Sequence[DelayedSubmission]]:
    """What is submitted at a time: an array asks the same for all of its tasks, and has no more than it may."""
    alike: dict[str, list[DelayedSubmission]] = {}
    for one in wanted:
        alike.setdefault(repr(works[_number(one)].asks), []).append(one)
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
    """What a task returned, if it did, and what went wrong, if anything."""
    from hydra.core.utils import JobStatus
    from submitit.core.utils import UncompletedJobError

    try:
        outcome, found = task._get_outcome_and_result()
    except UncompletedJobError:
        return None, task.state
    except Exception as error:  # noqa: BLE001  # what cannot be read is lost, and hides no other
        return None, f"its result cannot be read: {error}"
    if outcome == "error":  # the traceback
        return None, str(found).strip().splitlines()[-1]
    if found.status is JobStatus.FAILED:
        return found, f"{type(found._return_value).__name__}: {found._return_value}"
    return found, ""


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
                self._gone[task] = now, found[task].state if task in found else "no longer known to Slurm"

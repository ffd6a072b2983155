"""What is put around submitit: which tasks it submits, how it waits for them, and what of theirs is lost.

Hydra's launcher and submitit submit, requeue and collect. Here stands what they leave open: they submit what is done
already, give each job a task however short it is, take no more tasks than one array may have, ask an accounting
database that many clusters have not got, and stop at the first result that never came.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from harness.cluster.queue import CANCELLED, largest_array, queue
from harness.cluster.work import Work
from harness.errors import HarnessError
from harness.launch.summary import say
from harness.runner import Outcome

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
def patience(
    works: Sequence[Work], submitted: Callable[[Mapping[int, str]], None], far: Callable[[], str], raising: bool
) -> Iterator[Sequence[Lost]]:
    """For the time of the block, Hydra's launcher submits these works alone, and waits for each of them.

    Args:
        submitted: called with the ids of tasks by the number of the Hydra job, once Slurm has them.
        far: how far the sweep is, in words; said now and then.
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
                    say.print(f"{places[number]} {Outcome(**outcome)}")
        return [_nothing()]

    def _lose(task: Task[Any], one: Lost) -> None:
        log.warning("Slurm's %s: no result; see %s", one.why, task.paths.folder)
        lost.append(one)

    with (
        patch.object(SlurmExecutor, "_internal_process_submissions", submit),
        patch.object(SlurmJob, "results", results),
        patch.object(SlurmJob, "watcher", _Watch(far)),
        patch.object(SlurmJob, "_results_timeout_s", 0),
        patch.object(Singleton, "get_state", cache(Singleton.get_state)),  # the launcher copies it for each job
    ):
        try:
            yield lost
        except _Refused as error:
            lines = [line.removeprefix("sbatch: ") for line in str(error.__cause__).splitlines() if "error: " in line]
            raise HarnessError(f"Slurm refuses the sweep: {'; '.join(lines) or error.__cause__}") from error


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

    def __init__(self, far: Callable[[], str]) -> None:
        self._far, self._said = far, ""
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
            if (words := self._far()) != self._said:
                say.print(words)
                self._said = words
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

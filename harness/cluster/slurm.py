"""Patience with Slurm: every task of the array is waited for, whatever became of the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

log = logging.getLogger("harness")


@contextmanager
def lost_tasks_are_empty() -> Iterator[None]:
    """For the time of the block, a task that Slurm lost is one without outcomes.

    Hydra's launcher reads the results of its array in order and stops at the first that is not there; those behind it
    would be hidden.
    """
    from hydra.core.utils import JobReturn, JobStatus
    from submitit.core.core import Job as Task
    from submitit.core.utils import FailedJobError, UncompletedJobError

    whole = Task.results

    def results(task: Task[Any]) -> list[Any]:
        try:
            return list(whole(task))
        except (FailedJobError, UncompletedJobError) as error:
            log.warning("Slurm lost task %s (%s); its output is in %s", task.job_id, task.state, task.paths.folder)
            log.debug("%s", error)
            return [JobReturn(status=JobStatus.COMPLETED, _return_value=[])]

    with patch.object(Task, "results", results):
        yield

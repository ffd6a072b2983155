"""What a task of Slurm runs, and whether it goes on when it is cut short."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, TimeLimitError
from harness.storage.store import Store

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

BEGUN = time.monotonic()  # this process, when it is a task's

_told = Event()  # whether this process, a task's, was told to end
IDLE = 2  # once may be a busy machine

Measure = tuple[int, int, int]
Named = tuple[str, str, tuple[str, ...]]  # task, predict key and train keys of a job


@dataclass(frozen=True, slots=True)
class Work:
    """What a task runs: Hydra jobs, one after the other, by Hydra's launcher.

    Attributes:
        environment: variables of the sweep, for clusters that hand none on.
        root: the results folder.
        keys: of the jobs that are run.
        minutes: its time limit.
        numbers: of the Hydra jobs, in their order.
        asks: of Slurm, in submitit's words.
        calls: of Hydra's launcher, one for each Hydra job, with its arguments.
        before: how far they were when the task last reached its time limit.
        idle: times that it has now reached it without coming further.
    """

    environment: Mapping[str, str]
    root: Path
    keys: tuple[Named, ...]
    minutes: int
    numbers: tuple[int, ...]
    asks: Mapping[str, object] = field(default_factory=dict)
    calls: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...] = ()
    before: Measure = (0, 0, 0)
    idle: int = 0

    def __call__(self) -> list[Any]:
        """What Hydra's launcher returns of each job, without the configuration, which nobody reads again.

        Of none behind one that was told to end: the limit leaves no time for others.

        Raises:
            HarnessError: the time limit, in the middle of a job that leaves no record of it.
        """
        os.environ.update(self.environment)
        _told.clear()
        found = []
        for call, arguments in self.calls:
            try:
                found.append(call(*arguments))
            except TimeLimitError as error:  # submitit keeps no BaseException
                raise HarnessError(str(error)) from error
            found[-1].cfg = found[-1].hydra_cfg = None
            if _told.is_set():
                break
        return found

    def checkpoint(self) -> DelayedSubmission:
        """What runs when the task starts again; submitit asks for it shortly before the time limit.

        Raises:
            TimeLimitError: twice running it came no further; this becomes the error record of its job.
        """
        from submitit.core.utils import DelayedSubmission

        _told.set()
        # as submitit tells them apart: who is told long before the limit makes room for another
        if (time.monotonic() - BEGUN) / 60 < min(0.8 * self.minutes, self.minutes - 10):
            return DelayedSubmission(self)
        now = measure(Store(self.root), self.keys)
        idle = 0 if now > self.before else self.idle + 1
        if idle == IDLE:
            raise TimeLimitError(
                f"over its time limit {IDLE} times without coming any further: raise hydra.launcher.timeout_min "
                "(or the model's resources.minutes), or lower checkpoint.minutes"
            )
        return DelayedSubmission(replace(self, before=max(now, self.before), idle=idle))


def measure(store: Store, jobs: Iterable[Named]) -> Measure:
    """How far jobs are: targets in the store, trainings ended, steps of those that are not."""
    named = list(jobs)
    trained = {key: store.checkpoint(key) for _, _, keys in named for key in keys}
    return (
        sum(len(store.targets(task, key)) for task, key, _ in named),
        sum(folder.exists() for folder in trained.values()),
        sum(_steps(store.training(key)) for key in trained),
    )


def _steps(folder: Path) -> int:
    """Steps of an unfinished training that are on disk."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "state.safetensors", framework="np") as file:
            return int(json.loads(file.metadata()["plain"])["step"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return 0

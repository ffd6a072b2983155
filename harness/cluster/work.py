"""What a task of Slurm runs, and whether it goes on when it is cut short."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import TimeLimitError
from harness.store import Store

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

BEGUN = time.monotonic()  # this process, when it is a task's

IDLE = 2  # once may be a busy machine

Measure = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Work:
    """What a task runs: a Hydra job, by Hydra's launcher.

    Attributes:
        environment: variables of the sweep, for clusters that hand none on.
        root: the results folder.
        keys: task, predict key and train keys of the jobs that are run.
        minutes: its time limit.
        asks: of Slurm, in submitit's words.
        before: how far they were when the task last reached its time limit.
        idle: times that it has now reached it without coming further.
    """

    environment: Mapping[str, str]
    root: Path
    keys: tuple[tuple[str, str, tuple[str, ...]], ...]
    minutes: int
    asks: Mapping[str, object] = field(default_factory=dict)
    launcher: Any = None
    before: Measure = (0, 0, 0)
    idle: int = 0

    def __call__(self, *arguments: Any) -> Any:
        """What Hydra's launcher returns, without the configuration, which nobody reads again."""
        os.environ.update(self.environment)
        found = self.launcher(*arguments)
        found.cfg = found.hydra_cfg = None
        return found

    def checkpoint(self, *arguments: Any) -> DelayedSubmission:
        """What runs when the task starts again; submitit asks for it shortly before the time limit.

        Raises:
            TimeLimitError: twice running it came no further; this becomes the error record of its job.
        """
        from submitit.core.utils import DelayedSubmission

        # as submitit tells them apart: who is told long before the limit makes room for another
        if (time.monotonic() - BEGUN) / 60 < min(0.8 * self.minutes, self.minutes - 10):
            return DelayedSubmission(self, *arguments)
        now = self.measure()
        idle = 0 if now > self.before else self.idle + 1
        if idle == IDLE:
            raise TimeLimitError(
                f"over its time limit {IDLE} times without coming any further: raise hydra.launcher.timeout_min "
                "(or the model's resources.minutes), or lower checkpoint.minutes"
            )
        return DelayedSubmission(replace(self, before=max(now, self.before), idle=idle), *arguments)

    def measure(self) -> Measure:
        """How far the jobs are: targets in the store, trainings ended, steps of those that are not."""
        store = Store(self.root)
        trained = {key: store.checkpoint(key) for _, _, keys in self.keys for key in keys}
        return (
            sum(len(store.targets(task, key)) for task, key, _ in self.keys),
            sum(folder.exists() for folder in trained.values()),
            sum(_steps(folder.with_name(f".{key}.training")) for key, folder in trained.items()),
        )


def _steps(folder: Path) -> int:
    """Steps of an unfinished training that are on disk."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "state.safetensors", framework="np") as file:
            return int(json.loads(file.metadata()["plain"])["step"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return 0

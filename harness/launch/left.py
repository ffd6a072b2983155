"""What a launch has left undone: run here, or recorded as lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.launch.manifest import LOST
from harness.launch.summary import say
from harness.runner import lock_of
from harness.secrets import redacted
from harness.storage.store import ErrorRecord
from harness.sweep.compose import Sweep
from harness.sweep.plan import Plan, setting, unfinished


def finish(planned: Plan, asked: Sweep) -> None:
    """Runs what another process had taken and did not finish; waits for what it is still at."""
    from harness.launch.app import run_job

    config = dict(asked.composed[0].config)
    left = unfinished(planned)
    for number, one in enumerate(left, start=1):
        say.print(f"{number}/{len(left)} left {run_job(one.job, setting(config, wait=True), config['tracking'])}")


def record_lost(planned: Plan, launcher: str, lost: Mapping[str, str]) -> None:
    """Leaves an error record for each of these jobs that ended elsewhere without a word; none of them is run here.

    Args:
        lost: why, by predict key; empty where nothing is known.
    """
    store = planned.setting.store
    for one in unfinished(planned):
        if one.predict_key not in lost:
            continue
        with store.lock(lock_of(one)):  # another process may be at it
            if one not in unfinished(replace(planned, jobs=(one,))):
                continue
            why = lost[one.predict_key]
            words = f"{launcher} ended without it{f' ({why})' if why else ''}; the same command runs it again"
            error = ErrorRecord(exception=LOST, message=redacted(words), traceback="", job={"job": str(one.job)})
            store.write_error(one.job.task.name, one.predict_key, error)
            say.print(f"! {one.job}  {error.message}")

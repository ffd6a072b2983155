"""Joining: jobs that a sweep on a cluster is at already are waited for, not sent there a second time.

Sweeps on this machine are not joined but shared: each brings processors of its own, and locks keep a job from being
run twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping

from harness.cluster.queue import CANCELLED, alive, queue
from harness.cluster.resources import REMOTE
from harness.launch.manifest import Running, running
from harness.launch.status import progress, who
from harness.launch.summary import say
from harness.storage.store import Store
from harness.sweep.plan import Plan

OFTEN, SELDOM = 1.0, 30.0  # seconds between two looks, at first and later


def elsewhere(planned: Plan) -> dict[str, Running]:
    """The open jobs, by predict key, that a sweep on a cluster will run or is at, and that sweep."""
    return {
        job.predict_key: sweep
        for sweep in running(planned.setting.store)
        if sweep.launcher in REMOTE and _under_way(sweep)
        for job in sweep.jobs
        if job.predict_key in planned.open
    }


def _under_way(sweep: Running) -> bool:
    """Whether its launching process lives, or tasks of its arrays do."""
    return sweep.alive or alive(sweep.arrays) is True


def _over(sweep: Running) -> bool:
    """Whether nobody is at it any more; a Slurm that does not answer just now may have its tasks all the same."""
    return not sweep.alive and (alive(sweep.arrays) is False or shutil.which("squeue") is None)


def wait(store: Store, others: Mapping[str, Running]) -> dict[str, str]:
    """Returns when all of these sweeps are over; says now and then how far they are.

    Returns:
        The tasks that somebody cancelled, by predict key: what was ended on purpose is not begun again.
    """
    ids = {sweep.id: sweep for sweep in others.values()}
    for sweep in ids.values():
        count = sum(other.id == sweep.id for other in others.values())
        say.print(
            f"{count} open jobs are being run by {who(sweep)}: waiting for them; Ctrl-C ends the waiting alone",
        )
    begun, said = time.monotonic(), ""
    while sweeps := [sweep for sweep in running(store) if sweep.id in ids and not _over(sweep)]:
        if (words := progress(store, sweeps)) != said:
            say.print(said := words)
        time.sleep(min(SELDOM, max(OFTEN, (time.monotonic() - begun) / 10)))
    ended = queue({array for sweep in ids.values() for array in sweep.arrays}) or {}
    tasks = {key: sweep.tasks[key] for key, sweep in others.items() if key in sweep.tasks}
    return {key: task for key, task in tasks.items() if task in ended and ended[task].state == CANCELLED}

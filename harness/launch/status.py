"""What `harness status` prints: the sweeps of a store that are under way, from the store and from Slurm's queue."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from harness.cluster.queue import Queued, queue
from harness.errors import HarnessError
from harness.launch.manifest import Listed, Running, renewed, running
from harness.storage.bucket import mirror_of, origin
from harness.storage.store import ERROR, JOB, Store

HOUR = 3600.0
BEHIND = "their task is at another job"


@dataclass(frozen=True, slots=True)
class Status:
    """How far a sweep is.

    Attributes:
        done: jobs; likewise ``queued``.
        running: jobs that somebody is at, and who; jobs that share weights wait for each other. Those of Slurm's tasks
            that hold no lock yet are starting.
        failed: jobs with their reasons.
        waiting: queued jobs by the reason that Slurm gives, or ``BEHIND``.
        hours: since it began.
        per_hour: jobs that ended since the sweep began, an hour; None before the first.
        hours_left: at that rate; None where nobody can say, or where nobody works at it.
    """

    done: int
    queued: int
    running: dict[str, str]
    failed: dict[str, str]
    waiting: dict[str, int]
    hours: float
    per_hour: float | None
    hours_left: float | None


def show(results: Path, as_json: bool) -> None:
    """Prints every sweep under way.

    Raises:
        HarnessError: there is no store.
    """
    if not results.is_dir():
        raise HarnessError(f"{results}: no store there yet; `harness run` makes one, --results points to another")
    store = Store(results)
    sweeps = list(running(store))
    told = queue({array for sweep in sweeps for array in sweep.arrays})
    at = clock(store)
    found = [(sweep, status(store, sweep, at, told)) for sweep in sweeps]
    if as_json:
        click.echo(json.dumps([_plain(sweep, far) for sweep, far in found], indent=1, ensure_ascii=False))
        return
    for sweep, far in found:
        click.echo("\n".join(_lines(sweep, far, told)))
    if mirror_of(results):
        click.echo(f"{origin(results)}: sweeps of this machine alone; `harness scores` shows what all have found")
    if not found:
        click.echo(f"{origin(results)}: no sweep is under way")
        for task, key in store.jobs():
            if (error := store.read_error(task, key)) is not None:
                click.echo(f"  failed: {error.job.get('job', f'{task} {key}')}: {error.exception}: {error.message}")


def clock(store: Store) -> float:
    """This moment by the clock that stamps the store's files, which no machine's own need agree with."""
    try:
        with tempfile.TemporaryFile(dir=store.root / "sweeps") as probe:
            return os.fstat(probe.fileno()).st_mtime
    except OSError:  # somebody else's store
        return time.time()


def status(store: Store, sweep: Running, at: float, told: Mapping[str, Queued] | None = None) -> Status:
    """How far a sweep is at a moment of the store's clock; files are looked for and not read.

    Args:
        told: what Slurm says of its tasks; None where it says nothing.
    """
    failed: dict[str, str] = {}
    left: list[Listed] = []
    done = since = 0
    for job in sweep.jobs:
        names = set() if job.done else _names(store, job)
        if job.done or _complete(store, job, names, sweep.began):
            done += 1
            since += not job.done
        elif ERROR in names and (error := store.read_error(job.task, job.predict_key)) is not None:
            failed[job.name] = f"{error.exception}: {error.message}"
        else:
            left.append(job)
    held, waiting = _at_them(store, sweep, left, told or {})
    queued = len(left) - len(held)
    hours = max(0.0, at - sweep.began) / HOUR
    rate = since / hours if since and hours else None
    worked_at = sweep.alive or held or waiting
    return Status(
        done=done,
        queued=queued,
        running=held,
        failed=failed,
        waiting=dict(waiting.most_common()),
        hours=hours,
        per_hour=rate,
        hours_left=(queued + len(held)) / rate if rate and worked_at else None,
    )


def progress(store: Store, sweeps: Sequence[Running]) -> str:
    """How far sweeps are together, in a few words."""
    far = [status(store, sweep, clock(store)) for sweep in sweeps]
    done, failed = sum(one.done for one in far), sum(len(one.failed) for one in far)
    return f"{done} of {sum(len(sweep.jobs) for sweep in sweeps)} done, {failed} failed"


def _names(store: Store, job: Listed) -> set[str]:
    try:
        return set(os.listdir(store.folder(job.task, job.predict_key)))  # noqa: PTH208  # 5x faster
    except FileNotFoundError:
        return set()


def _complete(store: Store, job: Listed, names: set[str], began: float) -> bool:
    """Whether every record of a job is there, and none from before the sweep that was to be made anew."""
    there = {JOB, *(f"{target}.json" for target in job.targets)} <= names
    return there and renewed(store, job.task, job.predict_key, job.stale, began)


def _at_them(
    store: Store, sweep: Running, left: Sequence[Listed], told: Mapping[str, Queued]
) -> tuple[dict[str, str], Counter[str]]:
    """Who is at which of these jobs, by name, and how many others wait in Slurm, by the reason.

    At a job is the holder of its lock, or the task of Slurm that starts, reads, or waits for the holder. A task that
    serves several jobs is at one of them.
    """
    tasks = {job.predict_key: sweep.tasks.get(job.predict_key, "") for job in left}
    holders = {lock: store.holder(lock) for lock in {job.lock for job in left}}
    own = {job.predict_key: f"Slurm job {tasks[job.predict_key]}," in (holders[job.lock] or "") for job in left}
    at: dict[str, str] = {}
    order = {key: place for place, key in enumerate(sweep.tasks)}  # in which a task runs its jobs
    for job in sorted(left, key=lambda job: (not own[job.predict_key], order.get(job.predict_key, 0))):
        at.setdefault(tasks[job.predict_key], job.predict_key)
    held: dict[str, str] = {}
    waiting: Counter[str] = Counter()
    for job in left:
        name, holder = tasks[job.predict_key], holders[job.lock]
        task = told.get(name)
        if task is not None and task.node and not task.ended:
            if at[name] != job.predict_key:
                holder = None if own[job.predict_key] else holder
            elif not own[job.predict_key]:
                doing = ", starting" if task.state == "RUNNING" else f", {task.state.lower()}"
                holder = f"{task.node}, Slurm job {name}" + (f"; waits for {holder}" if holder else doing)
        if holder is not None:
            held[job.name] = holder
        elif task is not None and not task.ended:
            waiting[BEHIND if task.node else task.reason] += 1
    return held, waiting


def _plain(sweep: Running, far: Status) -> dict[str, object]:
    told = asdict(sweep) | {"jobs": len(sweep.jobs), "tasks": len(sweep.tasks), "arrays": sweep.arrays}
    return told | asdict(far) | {"end": _end(far)}


def _end(far: Status) -> str | None:
    """When it ends, by the clock of whoever asks, ISO 8601 in UTC."""
    if far.hours_left is None:
        return None
    return (datetime.now(UTC) + timedelta(hours=far.hours_left)).isoformat(timespec="minutes")


def _lines(sweep: Running, one: Status, told: Mapping[str, Queued] | None) -> Iterator[str]:
    yield f"harness run {sweep.command}"
    yield f"  by {sweep.launcher}, {who(sweep)}{_gone(sweep, told)}"
    counts = f"{one.done} done, {len(one.running)} running, {one.queued} queued, {len(one.failed)} failed"
    pace = f"; {one.per_hour:.0f} jobs an hour" if one.per_hour else ""
    end = f", the last about {_end(one)}" if one.hours_left is not None else ""
    yield f"  {len(sweep.jobs)} jobs: {counts}{pace}{end}"
    if sweep.arrays and told is None:
        yield "  Slurm does not answer here (squeue): who waits, and where jobs start, is not known"
    for reason, count in one.waiting.items():
        yield f"  queued in Slurm: {count} ({reason})"
    for name, holder in one.running.items():
        yield f"  running: {name} ({holder})"
    for name, why in one.failed.items():
        yield f"  failed: {name}: {why}"


def who(sweep: Running) -> str:
    """Who launched a sweep, where it runs, and since when."""
    arrays = f", Slurm's array {' '.join(sweep.arrays)}" if sweep.arrays else ""
    return f"process {sweep.process} on {sweep.host}{arrays}, since {sweep.started}"


def _gone(sweep: Running, told: Mapping[str, Queued] | None) -> str:
    """What the same command would do where the launching process is gone."""
    if sweep.alive:
        return ""
    if any(not told[task].ended for task in sweep.tasks.values() if told and task in told):
        return "; that process is gone, the array goes on: the same command joins it"
    return "; its launching process is gone: the same command goes on with what is left"

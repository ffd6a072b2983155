"""Results shared through a bucket: records are fetched before a plan, looked for before a job, and sent after it.

A bucket has no locks: two machines may compute one job, and then write the same bytes. Weights, tokens and tracking
databases stay on each machine. In a results folder that mirrors no bucket, nothing here does anything.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.errors import HarnessError
from harness.storage.bucket import Mirror, local, mirror_of
from harness.storage.store import ERROR

log = logging.getLogger("harness")

RECORD = re.compile(r"runs/[^/]+/[^/]+/[^/.][^/]*\.json")
FILE = re.compile(r"runs/[^/]+/[^/]+/[^/.][^/]*\.(json|examples\.parquet)")
PAUSE = 60.0  # seconds until a bucket that did not answer is asked again
_waiting: dict[Path, dict[str, None]] = {}  # job folders that a bucket did not take
_again: dict[Path, float] = {}


def opened(place: str | Path, tables: bool = False) -> Path:
    """The results folder that a path or URL means, with what the bucket holds of records.

    Args:
        tables: with the tables of examples too; one that is asked for later is fetched then.

    Raises:
        HarnessError: the bucket cannot be read, or holds no results.
    """
    root = local(place)
    if mirror := mirror_of(root):
        mirror.update("runs", _kept(tables))
        if not any((root / name).is_dir() for name in ("runs", "sweeps")):  # a sweep may have begun here just now
            raise HarnessError(
                f"{mirror.url}: no store there yet; `harness run` makes one, --results points to another"
            )
    return root


def fetch(root: Path, tasks: Iterable[str]) -> None:
    """Brings the records of some tasks, without their tables of examples.

    Raises:
        HarnessError: the bucket cannot be read.
    """
    if mirror := mirror_of(root):
        for task in sorted(set(tasks)):
            mirror.update(f"runs/{task}", _kept(tables=False))


def look(root: Path, task: str, predict_key: str) -> None:
    """Brings what another machine has found of a job that is about to run; a bucket that is away stops no job."""
    mirror = mirror_of(root)
    if mirror and time.monotonic() >= _again.get(root, 0.0):
        try:
            mirror.update(f"runs/{task}/{predict_key}", _result)
        except HarnessError as error:
            _pause(root, error)


def send(root: Path, task: str, predict_key: str) -> None:
    """Sends the records of a job that has ended; what the bucket does not take now goes with those of a later job."""
    mirror = mirror_of(root)
    if mirror is None:
        return
    waiting = _waiting.setdefault(root, {})
    waiting[f"runs/{task}/{predict_key}"] = None
    if time.monotonic() < _again.get(root, 0.0):
        return
    try:
        for folder in list(waiting):
            _send(mirror, folder)
            del waiting[folder]
    except HarnessError as error:
        _pause(root, error)


def send_rest(root: Path, jobs: Iterable[tuple[str, str]]) -> None:
    """Sends what is still here alone of jobs (task and predict key), whoever computed it and whenever.

    Raises:
        HarnessError: the bucket does not take it.
    """
    mirror = mirror_of(root)
    if mirror is None:
        return
    folders = dict.fromkeys(f"runs/{task}/{key}" for task, key in jobs)
    left = [folder for folder in folders if mirror.unsent(folder, _kept(tables=True))]
    try:
        for folder in list(left):
            _send(mirror, folder)
            left.remove(folder)
    except HarnessError as error:
        raise HarnessError(
            f"{error}\n        results of {len(left)} jobs are here alone ({root}); the same command sends them"
        ) from error


def check_writable(root: Path) -> None:
    """Raises HarnessError if results go to a bucket that cannot be written; told before a sweep, not after a job."""
    if mirror := mirror_of(root):
        mirror.probe()


def _send(mirror: Mirror, folder: str) -> None:
    if names := mirror.unsent(folder, _kept(tables=True)):
        failure = f"{folder}/{ERROR}"
        # a job that has been run again since has not failed any more
        mirror.send(folder, names, gone="" if (mirror.root / failure).exists() else failure)


def _kept(tables: bool) -> Callable[[str], bool]:
    pattern = FILE if tables else RECORD
    return lambda name: pattern.fullmatch(name) is not None


def _result(name: str) -> bool:
    # a failure that is tried again must not look as if it had happened now
    return RECORD.fullmatch(name) is not None and not name.endswith(f"/{ERROR}")


def _pause(root: Path, error: HarnessError) -> None:
    _again[root] = time.monotonic() + PAUSE
    log.warning("%s; jobs go on, and their results are sent later", error)

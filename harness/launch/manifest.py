"""The manifest of a running sweep: its jobs and who still needs which weights, for workers and `harness status`."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.cluster.queue import alive
from harness.errors import TimeLimitError
from harness.runner import Setting, lock_of
from harness.storage.atomic import write_whole
from harness.storage.records import now
from harness.storage.store import Store
from harness.strategies.base import STRATEGIES
from harness.sweep.keyed import Keyed, keyed, missing
from harness.sweep.keys import digest
from harness.sweep.plan import Plan

LOST = "Lost"
"""What stands for the exception of a job that ended elsewhere without a word."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A job of a running sweep.

    Attributes:
        lock: the name of the lock that whoever runs it holds.
        open: its targets that were missing when the sweep began.
        stale: those of them that had a record nevertheless, of other data or another scorer.
        done: whether nothing at all was missing.
    """

    name: str
    task: str
    predict_key: str
    lock: str
    targets: tuple[str, ...]
    open: tuple[str, ...]
    stale: tuple[str, ...]
    done: bool


@dataclass(frozen=True, slots=True)
class Running:
    """A sweep as its manifest tells of it.

    Attributes:
        host: where its launching process is, and ``process`` the number of that.
        alive: whether it is.
        began: when, by the clock of the file system that the records lie on.
        tasks: Slurm's tasks by predict key, as in 12_3; empty where no array was submitted.
    """

    id: str
    command: str
    launcher: str
    host: str
    process: int
    started: str
    alive: bool
    began: float
    jobs: tuple[Listed, ...]
    tasks: Mapping[str, str] = field(default_factory=dict)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The ids of its arrays in Slurm."""
        return tuple(sorted({task.split("_")[0] for task in self.tasks.values()}, key=int))


@contextmanager
def manifest(plan: Plan, command: str, launcher: str, jobs: Collection[str] | None = None) -> Iterator[Path]:
    """The file that tells every worker of a sweep which jobs share which weights, while the sweep runs.

    What killed sweeps have left of theirs is removed. It stays after Ctrl-C, so that ``harness status`` tells what is
    left, and after an error while Slurm has tasks of it.

    Args:
        jobs: predict keys of those that it will run; all of the plan, unless others are at some of them.
    """
    needs: dict[str, list[str]] = {}
    users: dict[str, list[tuple[object, ...]]] = {}
    listed: list[Listed] = []
    for one in plan.jobs:
        found = _listed(one, plan)
        if jobs is None or one.predict_key in jobs:
            listed.append(found)
        if one.job.trained:
            weights = weights_of(one, plan.setting)
            needs[one.predict_key] = sorted({*needs.get(one.predict_key, ()), *weights})
            for train_key in weights:
                user = one.job.task.name, one.predict_key, tuple(one.cells), found.stale
                users.setdefault(train_key, []).append(user)
    store = plan.setting.store
    name = digest([needs, os.getpid(), time.time_ns()])
    path = store.root / "sweeps" / f"{name}.json"
    with store.lock(f"sweep-{name}"):
        bury(store)
        content = {
            "command": command,
            "launcher": launcher,
            "host": platform.node(),
            "process": os.getpid(),
            "started": now(),
            "jobs": list(map(asdict, listed)),
            "needs": needs,
            "users": users,
        }
        write_whole(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
        try:
            yield path
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt) and not _under_way(path):
                _remove(path)
            raise
        _remove(path)


def _listed(one: Keyed, plan: Plan) -> Listed:
    lacking = tuple(target for target in plan.open.get(one.predict_key, ()) if target in one.cells)
    there = plan.setting.store.targets(one.job.task.name, one.predict_key) if lacking else []
    return Listed(
        name=str(one.job),
        task=one.job.task.name,
        predict_key=one.predict_key,
        lock=lock_of(one),
        targets=tuple(one.cells),
        open=lacking,
        stale=tuple(target for target in lacking if target in there),
        done=one.predict_key not in plan.open,
    )


def renewed(store: Store, task: str, predict_key: str, stale: Collection[str], began: float) -> bool:
    """Whether records of other data, or by another scorer, have been made anew since a sweep began."""
    folder = store.folder(task, predict_key)
    try:
        return all((folder / f"{target}.json").stat().st_mtime >= began for target in stale)
    except FileNotFoundError:  # a damaged one, moved aside by whoever read it just now
        return False


def submitted(manifest: Path, tasks: Mapping[str, str]) -> None:
    """Adds tasks that Slurm now has to a sweep, by predict key; beside the manifest, which nobody reads twice."""
    write_whole(_beside(manifest), json.dumps({**_tasks(manifest), **tasks}, indent=1).encode())


def _beside(manifest: Path) -> Path:
    return manifest.with_suffix(".slurm")


def _tasks(manifest: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(_beside(manifest).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _under_way(manifest: Path) -> bool:
    """Whether Slurm has tasks of a sweep, or may have: it does not answer."""
    arrays = {task.split("_")[0] for task in _tasks(manifest).values()}
    return bool(arrays) and alive(arrays) is not False


def _remove(manifest: Path) -> None:
    for path in (manifest, _beside(manifest)):
        path.unlink(missing_ok=True)


def bury(store: Store) -> None:
    """Removes what killed sweeps have left of their manifests, unless Slurm still has tasks of theirs."""
    for path in (store.root / "sweeps").glob("*.json"):
        with store.lock(f"sweep-{path.stem}", wait=False) as dead:
            if dead and not _under_way(path):
                _remove(path)


def running(store: Store) -> Iterator[Running]:
    """Every sweep that has a manifest: those under way, and those whose launching process was killed."""
    for path in sorted((store.root / "sweeps").glob("*.json")):
        try:
            content: dict[str, Any] = json.loads(path.read_bytes())
            began = path.stat().st_mtime
        except FileNotFoundError:  # it has just ended
            continue
        lists = ("targets", "open", "stale")
        jobs = tuple(Listed(**job | {name: tuple(job[name]) for name in lists}) for job in content["jobs"])
        alive = store.holder(f"sweep-{path.stem}") is not None
        told = {name: content[name] for name in ("command", "launcher", "host", "process", "started")}
        yield Running(id=path.stem, alive=alive, began=began, jobs=jobs, tasks=_tasks(path), **told)


def weights_of(one: Keyed, setting: Setting) -> list[str]:
    """The train keys of all weights that a job needs, its own first."""
    return [one.train_key, *_bases(one, setting)] if one.job.trained else []


def _bases(one: Keyed, setting: Setting) -> Iterator[str]:
    for base in STRATEGIES[one.job.strategy].bases(one.job):
        base_keyed = keyed(base, setting.root, setting.cache)
        yield base_keyed.train_key
        yield from _bases(base_keyed, setting)


def release(manifest: Path, setting: Setting, predict_key: str) -> None:
    """Drops the weights of a job that has just ended, unless another job of the sweep waits for them.

    As ``checkpoint.keep`` says; weights that another process is using are left to it.
    """
    if setting.keep == "all" or not manifest.exists():
        return
    content, began = _shared(manifest)
    store = setting.store

    def waits(task: str, key: str, targets: Sequence[str], stale: Sequence[str]) -> bool:
        there = set(targets) <= set(store.targets(task, key)) and renewed(store, task, key, stale, began)
        return not there and store.read_error(task, key) is None

    for train_key in content["needs"].get(predict_key, ()):
        if setting.keep == "none" or not any(waits(*user) for user in content["users"][train_key]):
            _drop(train_key, store)


@lru_cache(maxsize=1)
def _shared(manifest: Path) -> tuple[dict[str, Any], float]:
    """A manifest, which never changes, and when it was written: a worker of thousands of jobs reads it once."""
    return json.loads(manifest.read_bytes()), manifest.stat().st_mtime


def clean(plan: Plan) -> None:
    """Drops what is left of the plan's jobs when it ends, by a killed sweep before it too.

    The weights, as ``checkpoint.keep`` says; and how far a training run had come, unless its job was interrupted and is
    to go on: what failed by itself begins anew.
    """
    store = plan.setting.store
    bury(store)
    trained = [(one, weights_of(one, plan.setting)) for one in plan.jobs if one.job.trained]
    if left := {key for _, several in trained for key in several if store.training(key).exists()}:
        goes_on = {key for one, several in trained if _interrupted(one, store) for key in several}
        for train_key in left - goes_on:
            with store.lock(train_key, wait=False) as mine:
                if mine:
                    store.drop_training(train_key)
    if plan.setting.keep == "all":
        return
    for train_key in {key: None for _, several in trained for key in several}:
        _drop(train_key, store)


def _interrupted(one: Keyed, store: Store) -> bool:
    """Whether a job ended without a word of its own: killed, or lost on a cluster."""
    error = store.read_error(one.job.task.name, one.predict_key)
    return bool(missing(one, store)) and (error is None or error.exception in (LOST, TimeLimitError.__name__))


def _drop(train_key: str, store: Store) -> None:
    if store.checkpoint(train_key).exists():
        with store.lock(train_key, wait=False) as mine:
            if mine:
                store.drop_checkpoint(train_key)

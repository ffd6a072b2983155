"""The manifest of a running sweep: its jobs and who still needs which weights, for workers and `harness status`."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.atomic import write_whole
from harness.keyed import Keyed, keyed
from harness.keys import digest
from harness.plan import Plan
from harness.records import now
from harness.runner import Setting, lock_of
from harness.store import Store
from harness.strategies.base import STRATEGIES


@dataclass(frozen=True, slots=True)
class Listed:
    """A job of a running sweep.

    Attributes:
        lock: the name of the lock that whoever runs it holds.
    """

    name: str
    task: str
    predict_key: str
    lock: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A sweep as its manifest tells of it.

    Attributes:
        alive: whether its launching process is.
    """

    id: str
    command: str
    launcher: str
    host: str
    started: str
    alive: bool
    jobs: tuple[Listed, ...]


@contextmanager
def manifest(plan: Plan, command: str, launcher: str) -> Iterator[Path]:
    """The file that tells every worker of a sweep which jobs share which weights, while the sweep runs.

    What killed sweeps have left of theirs is removed.
    """
    needs: dict[str, list[str]] = {}
    users: dict[str, list[list[object]]] = {}
    for one in plan.jobs:
        if one.job.trained:
            weights = [one.train_key, *_bases(one, plan.setting)]
            needs[one.predict_key] = sorted({*needs.get(one.predict_key, ()), *weights})
            for train_key in weights:
                users.setdefault(train_key, []).append([one.job.task.name, one.predict_key, list(one.cells)])
    store = plan.setting.store
    name = digest([needs, os.getpid(), time.time_ns()])
    path = store.root / "sweeps" / f"{name}.json"
    with store.lock(f"sweep-{name}"):
        for old in path.parent.glob("*.json"):
            with store.lock(f"sweep-{old.stem}", wait=False) as dead:
                if dead:
                    old.unlink(missing_ok=True)
        content = {
            "command": command,
            "launcher": launcher,
            "host": platform.node(),
            "started": now(),
            "jobs": [asdict(_listed(one)) for one in plan.jobs],
            "needs": needs,
            "users": users,
        }
        write_whole(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _listed(one: Keyed) -> Listed:
    return Listed(str(one.job), one.job.task.name, one.predict_key, lock_of(one), tuple(one.cells))


def running(store: Store) -> Iterator[Running]:
    """Every sweep that has a manifest: those under way, and those whose launching process was killed."""
    for path in sorted((store.root / "sweeps").glob("*.json")):
        try:
            content: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError:  # it has just ended
            continue
        jobs = tuple(Listed(**{**job, "targets": tuple(job["targets"])}) for job in content["jobs"])
        alive = store.holder(f"sweep-{path.stem}") is not None
        told = {name: str(content[name]) for name in ("command", "launcher", "host", "started")}
        yield Running(id=path.stem, alive=alive, jobs=jobs, **told)


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
    content = json.loads(manifest.read_bytes())
    store = setting.store
    for train_key in content["needs"].get(predict_key, ()):
        waiting = setting.keep == "until_evaluated" and any(
            not set(targets) <= set(store.targets(task, key)) and store.read_error(task, key) is None
            for task, key, targets in content["users"][train_key]
        )
        if not waiting:
            _drop(train_key, store)


def clean(plan: Plan) -> None:
    """Drops what weights of the plan's jobs are left when it ends, by a killed sweep before it too."""
    if plan.setting.keep == "all":
        return
    trained = [one for one in plan.jobs if one.job.trained]
    for train_key in {key: None for one in trained for key in (one.train_key, *_bases(one, plan.setting))}:
        _drop(train_key, plan.setting.store)


def _drop(train_key: str, store: Store) -> None:
    if store.checkpoint(train_key).exists():
        with store.lock(train_key, wait=False) as mine:
            if mine:
                store.drop_checkpoint(train_key)

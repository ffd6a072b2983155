"""The plan of a sweep: its jobs with their keys, what of them is missing, and which weights they still need."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.atomic import nearest_folder, write_whole
from harness.compose import Sweep
from harness.errors import HarnessError
from harness.expand import data_root, expand
from harness.keyed import Keyed, keyed, missing
from harness.keys import digest
from harness.runner import Setting
from harness.store import ErrorRecord, Store
from harness.strategies.base import STRATEGIES

UNFINISHED = ErrorRecord(
    exception="Unfinished", message="it did not end; the same command goes on with it", traceback="", job={}
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command line would run.

    Attributes:
        jobs: every job with its keys, each once.
        open: by predict key, the targets that are not in the store; none where only the job's own record is missing.
        skipped: combinations that do not apply, by the reason.
    """

    jobs: tuple[Keyed, ...]
    open: dict[str, tuple[str, ...]]
    skipped: dict[str, list[str]]
    setting: Setting

    @property
    def cells(self) -> int:
        """Cells of all jobs, done or not."""
        return sum(len(one.cells) for one in self.jobs)

    @property
    def to_do(self) -> int:
        """Cells that are missing."""
        return sum(map(len, self.open.values()))


def plan(sweep: Sweep, strict: bool = True) -> Plan:
    """The jobs of a sweep and what of them is missing; none, where nothing applies. Runs nothing, writes nothing.

    Args:
        strict: raise where a job has no keys, as its model cannot be had; otherwise list it among what does not apply.

    Raises:
        HarnessError: what is asked for by name does not exist or does not apply.
    """
    jobs: dict[str, Keyed] = {}
    skipped: dict[str, list[str]] = {}
    place: Setting | None = None
    for composed in sweep.composed:
        here = setting(composed.config)
        if place is not None and here != place:
            raise HarnessError("results, data.root, checkpoint.keep and on_error cannot be swept")
        place = here
        expansion = expand(composed.config, composed.choices, sweep.options)
        for reason, what in expansion.skipped:
            if what not in skipped.setdefault(reason, []):
                skipped[reason].append(what)
        for job in expansion.jobs:
            try:
                one = keyed(job, here.root, here.cache)
            except HarnessError as reason:
                if strict:
                    raise
                skipped.setdefault(str(reason), []).append(str(job))
                continue
            jobs.setdefault(f"{job.task.name}/{one.predict_key}/{','.join(job.targets)}", one)
    assert place is not None
    left: dict[str, tuple[str, ...]] = {}
    for one in jobs.values():
        targets = missing(one, place.store)
        if targets or place.store.read_job(one.job.task.name, one.predict_key) is None:
            left[one.predict_key] = (*left.get(one.predict_key, ()), *targets)
    return Plan(tuple(jobs.values()), left, skipped, place)


def refuse_nothing(plan: Plan) -> None:
    """Raises HarnessError, with the reasons, if nothing that was asked for applies."""
    if not plan.jobs:
        words = "; ".join(f"{reason} ({', '.join(what)})" for reason, what in plan.skipped.items())
        raise HarnessError(f"nothing that was asked for applies: {words}")


def setting(config: object, wait: bool = False) -> Setting:
    """Where a composed configuration reads and writes."""
    assert isinstance(config, dict)
    keep, on_error = str(config["checkpoint"]["keep"]), str(config["on_error"])
    for name, value, known in (
        ("checkpoint.keep", keep, ("none", "until_evaluated", "all")),
        ("on_error", on_error, ("record", "raise")),
    ):
        if value not in known:
            raise HarnessError(f"{name}={value}: expected one of {', '.join(known)}")
    results = Path(str(config["results"])).resolve()
    if not nearest_folder(results).is_dir():
        raise HarnessError(f"results={results}: a file stands in the way of that folder")
    return Setting(Store(results), data_root(config), keep, wait, on_error == "raise")


@contextmanager
def manifest(plan: Plan) -> Iterator[Path]:
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
        write_whole(path, json.dumps({"needs": needs, "users": users}, indent=1).encode())
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


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


def unfinished(plan: Plan) -> tuple[Keyed, ...]:
    """Jobs that miss a cell and have no error record: another process was at them, or they died."""
    store = plan.setting.store
    return tuple(one for one in plan.jobs if missing(one, store) and _error(one, store) is None)


def failures(plan: Plan) -> dict[str, ErrorRecord]:
    """Why each job that still misses a cell does, in the plan's order."""
    store = plan.setting.store
    return {str(one.job): _error(one, store) or UNFINISHED for one in plan.jobs if missing(one, store)}


def _error(one: Keyed, store: Store) -> ErrorRecord | None:
    return store.read_error(one.job.task.name, one.predict_key)

"""The plan of a sweep: its jobs with their keys, and what of them is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.data.load import looked_up_once
from harness.errors import HarnessError
from harness.runner import Setting
from harness.storage import exchange
from harness.storage.atomic import nearest_folder
from harness.storage.bucket import local
from harness.storage.store import ErrorRecord, Store
from harness.sweep.compose import Sweep
from harness.sweep.expand import data_root, expand
from harness.sweep.keyed import Keyed, keyed, missing, wanted
from harness.sweep.lacking import lacking

PLACE = ("results", "data", "checkpoint", "on_error")
"""Parts of a configuration that say where and how a sweep runs, and not what."""

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
        numbers: by predict key, the Hydra jobs that ask for it, counted from 0; of those that ask for the same one,
            as seeds of what is not trained do, the first.
    """

    jobs: tuple[Keyed, ...]
    open: dict[str, tuple[str, ...]]
    skipped: dict[str, list[str]]
    setting: Setting
    numbers: dict[str, list[int]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Cells of all jobs, done or not."""
        return sum(len(one.cells) for one in self.jobs)

    @property
    def begun(self) -> tuple[Keyed, ...]:
        """The jobs of which something was missing; of the others all was read, and is not read again."""
        return tuple(one for one in self.jobs if one.predict_key in self.open)

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
    skipped: dict[str, dict[str, None]] = {}
    numbers: dict[str, list[int]] = {}
    with looked_up_once():
        place = _place(sweep)
        for number, composed in enumerate(sweep.composed):
            expansion = expand(composed.config, composed.choices, sweep.options)
            for reason, what in expansion.skipped:
                skipped.setdefault(reason, {})[what] = None
            for job in expansion.jobs:
                try:
                    one = keyed(job, place.root, place.cache)
                except HarnessError as error:
                    if strict:
                        raise
                    skipped.setdefault(str(error), {})[str(job)] = None
                    continue
                name = f"{job.task.name}/{one.predict_key}/{','.join(job.targets)}"
                if name not in jobs:
                    jobs[name] = one
                    numbers.setdefault(one.predict_key, []).append(number)
    exchange.fetch(place.store.root, (one.job.task.name for one in jobs.values()))
    left: dict[str, tuple[str, ...]] = {}
    for one, targets in zip(jobs.values(), lacking([wanted(one) for one in jobs.values()], place.store), strict=True):
        if targets is not None:
            left[one.predict_key] = (*left.get(one.predict_key, ()), *targets)
    return Plan(tuple(jobs.values()), left, {reason: list(what) for reason, what in skipped.items()}, place, numbers)


def _place(sweep: Sweep) -> Setting:
    """Where all of a sweep reads and writes."""
    told = {str([composed.config[name] for name in PLACE]): composed.config for composed in sweep.composed}
    first, *others = [setting(config) for config in told.values()]
    if any(other != first for other in others):
        raise HarnessError("results, data.root, checkpoint and on_error cannot be swept")
    return first


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
    results = local(str(config["results"])).resolve()
    if not nearest_folder(results).is_dir():
        raise HarnessError(f"results={results}: a file stands in the way of that folder")
    return Setting(Store(results), data_root(config), keep, wait, on_error == "raise", _minutes(config))


def _minutes(config: dict[str, Any]) -> float | None:
    given = config["checkpoint"]["minutes"]
    if given is None or (isinstance(given, (int, float)) and given >= 0):  # a NaN is neither more nor less
        return float(given) if given else None
    raise HarnessError(f"checkpoint.minutes={given}: expected a number of minutes, or null for never")


def unfinished(plan: Plan) -> tuple[Keyed, ...]:
    """Jobs that miss a cell and have no error record: another process was at them, or they died."""
    store = plan.setting.store
    return tuple(one for one in plan.begun if missing(one, store) and _error(one, store) is None)


def failures(plan: Plan) -> dict[str, ErrorRecord]:
    """Why each job that still misses a cell does, in the plan's order."""
    store = plan.setting.store
    return {str(one.job): _error(one, store) or UNFINISHED for one in plan.begun if missing(one, store)}


def _error(one: Keyed, store: Store) -> ErrorRecord | None:
    return store.read_error(one.job.task.name, one.predict_key)

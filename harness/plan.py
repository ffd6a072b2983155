"""The plan of a sweep: its jobs with their keys, and what of them is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.atomic import nearest_folder
from harness.compose import Sweep
from harness.errors import HarnessError
from harness.expand import data_root, expand
from harness.keyed import Keyed, keyed, missing
from harness.runner import Setting
from harness.store import ErrorRecord, Store

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

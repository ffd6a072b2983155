"""Jobs handed to the launcher that was asked for, tracked as one sweep."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from harness.cluster import joblib, ray, resources, slurm
from harness.launch import hydra
from harness.launch.command import Command
from harness.launch.left import finish, record_lost
from harness.launch.summary import say
from harness.storage import exchange
from harness.storage.store import ensure_space
from harness.sweep.disk import needed
from harness.sweep.plan import Plan, unfinished


def begin(planned: Plan, command: Command, path: Path, mine: Collection[str]) -> str | None:
    """Runs those of the open jobs that are this process's; the tracking run of the sweep, where there is one.

    Args:
        path: the manifest.
        mine: their predict keys.
    """
    from harness.launch.app import MANIFEST, PARENT, TOTAL

    store, asked = planned.setting.store, command.asked
    ensure_space(store.root, needed(planned))
    exchange.check_writable(store.root)
    _warn_of_threads(planned, command)
    for one in planned.jobs:  # what failed before is tried again, and must not look as if it had failed now
        if one.predict_key in mine:
            store.clear_error(one.job.task.name, one.predict_key)
    with _tracked(planned, command) as parent:
        environment = {MANIFEST: str(path), TOTAL: str(len(asked.composed))} | ({PARENT: parent} if parent else {})
        with _environment(environment):
            if command.launcher == resources.RAY:
                ray.launch(asked, mine, _places(planned, mine))  # Hydra would compose every job once more
                record_lost(planned, resources.RAY, dict.fromkeys(mine, ""))
            elif command.launcher == resources.SLURM:
                _on_slurm(planned, command, path, mine, environment)
            else:
                _here(planned, command, mine)
    return parent


def _here(planned: Plan, command: Command, mine: Collection[str]) -> None:
    """Has a launcher of this machine run jobs, and runs what it leaves, or another process."""
    from harness.launch.app import TOTAL

    def launch(wanted: Collection[str]) -> None:
        jobs = command.asked.overrides(_places(planned, wanted)) if command.asked.multirun else None
        with _environment({TOTAL: str(len(jobs or [""]))}):
            hydra.launch(command.words, jobs)

    try:
        if command.launcher == joblib.NAME:
            joblib.launch(planned, mine, launch, partial(record_lost, planned, joblib.NAME))
        else:
            launch(mine)
    except SystemExit:
        # Hydra has said why its launcher stopped; other jobs do not end there
        if planned.setting.raise_errors or not command.asked.multirun:
            raise
        say.print("the launcher stopped; going on here with the jobs that are left")
    finish(planned, command.asked)


def _on_slurm(
    planned: Plan, command: Command, path: Path, mine: Collection[str], environment: Mapping[str, str]
) -> None:
    """Sends jobs to Slurm; what stood behind one with which its task died once more, each in a task of its own."""
    from harness.launch.app import WAIT

    given = command.asked.arguments
    whole = "hydra.sweeper.max_batch_size=null"  # it is array_parallelism that says how many run at a time
    words = [*command.words, *resources.overrides(given), whole]
    jobs = command.asked.overrides(range(len(command.asked.composed)))
    for alone in (False, True):
        with slurm.engaged(planned, given, path, mine, {**environment, WAIT: "1"}, alone) as lost:
            hydra.launch(words, jobs)
        left = [one for one in unfinished(planned) if one.predict_key in mine]
        blamed = dict.fromkeys((one.predict_key for one in left), "") if alone else {}
        blamed |= slurm.blamed(planned, left, lost)
        record_lost(planned, resources.SLURM, blamed)
        mine = {one.predict_key for one in left} - blamed.keys()
        if not mine or planned.setting.raise_errors:
            return


def _places(planned: Plan, jobs: Collection[str]) -> set[int]:
    """The Hydra jobs that these jobs (predict keys) stand in."""
    return {place for key in jobs for place in planned.numbers[key]}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that workers inherit, for the time of the sweep."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _tracked(planned: Plan, command: Command) -> Iterator[str | None]:
    """The tracked sweep that the jobs belong to; what a server that was away has missed is written at its end."""
    config = command.asked.composed[0].config
    where = config["tracking"]
    if not where.get("uri"):
        yield None
        return
    from omegaconf import OmegaConf

    from harness import tracking

    tracking.prepare(planned.setting.store, where["uri"], where["experiment"])
    if not command.asked.multirun:
        yield None
        return
    text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
    store, name = planned.setting.store, command.text or "sweep"
    with tracking.sweep(store, where["uri"], where["experiment"], name, {"command": name[:5000]}, text) as parent:
        yield parent
    late = tracking.catch_up(store, where["uri"])
    if late.written:
        say.print(f"tracking: {late.written} runs were late, and are there now")
    if late.unchanged:
        mend = tracking.mend(store.root, where["uri"], where["experiment"])
        say.print(f"tracking: {late.unchanged} runs are missing; {mend} adds them")


def _warn_of_threads(planned: Plan, command: Command) -> None:
    """Two spinning threads on one core stall many times over; said before the sweep starts, not found out after."""
    from harness.doctor.here import cores

    if command.launcher in resources.REMOTE:
        return
    if command.launcher == "basic":
        workers = 1
    else:
        words = [word.split("=", 1)[1] for word in command.asked.arguments if word.startswith("hydra.launcher.n_jobs=")]
        workers = int(words[-1]) if words and words[-1].lstrip("-").isdigit() else cores()
        workers = cores() if workers < 0 else workers
    threads = max(one.job.model.threads for one in planned.jobs)
    if workers * threads > cores():
        say.print(
            f"warning: {workers} workers x {threads} threads on {cores()} cores: expect stalls. "
            f"Set hydra.launcher.n_jobs or model.threads lower."
        )

"""A sweep from its plan to its end: Hydra launches what is missing, then what others left undone is finished."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from harness import swept
from harness.cluster import ray, resources
from harness.cluster.slurm import lost_tasks_are_empty
from harness.compose import Sweep, sweep
from harness.disk import needed
from harness.errors import HarnessError
from harness.manifest import clean, manifest
from harness.plan import Plan, failures, plan, refuse_nothing, setting, unfinished
from harness.store import ErrorRecord, ensure_space
from harness.summary import say, show, summarise

DONE, FAILED, USAGE = 0, 1, 2
MISTAKES = ("HarnessError", "DataError", "NotApplicableError")
OWN_WORDS = ("cfg", "info", "hydra_help", "shell_completion", "experimental_rerun", "help", "version")


def read(arguments: Sequence[str]) -> tuple[Any, Sweep | None]:
    """Hydra's own reading of a command line, and the sweep that it asks for.

    The sweep is None where a flag asks Hydra itself to say something (``--cfg``, ``--info``, ``--hydra-help`` ...).

    Raises:
        HarnessError: the command line does not compose.
    """
    from hydra._internal.utils import get_args_parser

    flags = get_args_parser().parse_intermixed_args(list(arguments))  # -m may stand anywhere
    if any(getattr(flags, word, None) for word in OWN_WORDS):
        return flags, None
    for word in ("config_name", "config_path", "package"):
        if getattr(flags, word, None):
            flag = "--" + word.replace("_", "-")
            raise HarnessError(f"{flag} is not for the harness: add groups of your own with --config-dir FOLDER")
    return flags, sweep(flags.overrides, bool(flags.multirun), flags.config_dir)


def run(arguments: Sequence[str], as_json: bool = False) -> int:
    """Runs what is missing of a command line; the exit code.

    0; 1 when a job of a sweep or its analysis failed; 2 when a single job failed for a mistake of a person.

    Raises:
        HarnessError: the command line asks for something that does not exist or does not apply.
    """
    flags, asked = read(arguments)
    if asked is None:
        from harness.app import main

        _hydra(arguments, main)
        return DONE
    to_analyse = swept.wanted(asked.composed[0].config) and asked.multirun
    planned = plan(asked)
    refuse_nothing(planned)
    show(planned)
    parent = _launch(planned, asked, flags, arguments) if planned.open else None
    clean(planned)
    summarise(planned, as_json)
    failed = failures(planned)
    if to_analyse and not swept.analysed(planned, asked, parent, quiet=as_json):
        return FAILED
    if failed and not asked.multirun and all(error.exception in MISTAKES for error in failed.values()):
        return USAGE
    return FAILED if failed else DONE


def _launch(planned: Plan, asked: Sweep, flags: Any, arguments: Sequence[str]) -> str | None:
    """Runs what is missing; the tracking run of the sweep, where there is one."""
    from harness.app import MANIFEST, PARENT, TOTAL, main

    store = planned.setting.store
    ensure_space(store.root, needed(planned))
    _warn_of_threads(planned, asked)
    for one in planned.jobs:  # what failed before is tried again, and must not look as if it had failed now
        if one.predict_key in planned.open:
            store.clear_error(one.job.task.name, one.predict_key)
    config = asked.composed[0].config
    launcher = asked.composed[0].choices.get("hydra/launcher", "basic") if asked.multirun else "basic"
    if launcher == resources.RAY:
        ray.register()
    needs = resources.overrides(launcher, (one.job.model for one in planned.jobs), asked.arguments)
    with (
        manifest(planned, shlex.join(arguments), launcher) as path,
        lost_tasks_are_empty() if launcher == resources.SLURM else nullcontext(),
        _tracked(config, asked.multirun, arguments) as parent,
        _environment({MANIFEST: str(path), TOTAL: str(len(asked.composed))} | ({PARENT: parent} if parent else {})),
    ):
        try:
            _hydra([*(["-m"] if asked.multirun else []), *_search(flags), *asked.arguments, *needs], main)
        except SystemExit:
            # Hydra has said why its launcher stopped (a worker was killed, say); other jobs do not end there
            if planned.setting.raise_errors or not asked.multirun or launcher in resources.REMOTE:
                raise
            say.print("the launcher stopped; going on here with the jobs that are left")
        if launcher in resources.REMOTE:
            _record_lost(planned, launcher)
        else:
            _finish(planned, asked)
    return parent


def _search(flags: Any) -> list[str]:
    return ["--config-dir", flags.config_dir] if flags.config_dir else []


def _hydra(arguments: Sequence[str], main: Any) -> None:
    """Hydra's own command line, with these arguments."""
    before = sys.argv
    sys.argv = ["harness", *arguments]
    try:
        with warnings.catch_warnings():
            # joblib replaces a worker that has grown; its jobs go on in another
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
            main()
    finally:
        sys.argv = before


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
def _tracked(config: Mapping[str, Any], multirun: bool, arguments: Sequence[str]) -> Iterator[str | None]:
    """The tracking run that the jobs of a sweep are children of; started before any worker, so that none creates it."""
    where = config["tracking"]
    if not where.get("uri"):
        yield None
        return
    from omegaconf import OmegaConf

    from harness import tracking

    tracking.prepare(where["uri"], where["experiment"])
    if not multirun:
        yield None
        return
    text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
    name = " ".join(arguments) or "sweep"
    parent = tracking.start_sweep(where["uri"], where["experiment"], name[:250], {"command": name[:5000]}, text)
    status = "FAILED"
    try:
        yield parent
        status = "FINISHED"
    finally:
        if parent:
            tracking.finish_sweep(parent, status)


def _finish(planned: Plan, asked: Sweep) -> None:
    """Runs what another process had taken and did not finish; waits for what it is still at."""
    from harness.app import run_job

    config = dict(asked.composed[0].config)
    left = unfinished(planned)
    for number, one in enumerate(left, start=1):
        say.print(f"{number}/{len(left)} left {run_job(one.job, setting(config, wait=True), config['tracking'])}")


def _record_lost(planned: Plan, launcher: str) -> None:
    """Leaves an error record for each job that ended elsewhere without a word; none of them is run here."""
    for one in unfinished(planned):
        words = f"{launcher} ended without it; the same command runs it again"
        error = ErrorRecord(exception="Lost", message=words, traceback="", job={"job": str(one.job)})
        planned.setting.store.write_error(one.job.task.name, one.predict_key, error)


def _warn_of_threads(planned: Plan, asked: Sweep) -> None:
    """Two spinning threads on one core stall many times over; said before the sweep starts, not found out after."""
    from harness.doctor import cores

    launcher = asked.composed[0].choices.get("hydra/launcher", "basic")
    if launcher in resources.REMOTE:
        return
    if launcher == "basic" or not asked.multirun:
        workers = 1
    else:
        words = [word.split("=", 1)[1] for word in asked.arguments if word.startswith("hydra.launcher.n_jobs=")]
        workers = int(words[-1]) if words and words[-1].lstrip("-").isdigit() else cores()
        workers = cores() if workers < 0 else workers
    threads = max(one.job.model.threads for one in planned.jobs)
    if workers * threads > cores():
        say.print(
            f"warning: {workers} workers x {threads} threads on {cores()} cores: expect stalls. "
            f"Set hydra.launcher.n_jobs or model.threads lower."
        )

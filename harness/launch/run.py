"""A sweep from its plan to its end: Hydra launches what is missing, then what others left undone is finished."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from harness import swept
from harness.cluster import joblib, ray, resources, slurm
from harness.cluster.queue import CANCELLED
from harness.errors import HarnessError
from harness.launch import hydra as hydra_launch
from harness.launch import joining
from harness.launch.manifest import LOST, clean, manifest
from harness.launch.summary import say, show, summarise
from harness.launch.untouched import untouched
from harness.runner import lock_of
from harness.secrets import redacted
from harness.storage import exchange
from harness.storage.store import ErrorRecord, ensure_space
from harness.sweep.compose import Sweep, sweep
from harness.sweep.disk import needed
from harness.sweep.plan import Plan, failures, plan, refuse_nothing, setting, unfinished

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
        hydra_launch.launch(arguments)
        return DONE
    to_analyse = swept.wanted(asked.composed[0].config) and asked.multirun
    planned = plan(asked)
    refuse_nothing(planned)
    show(planned)
    parent = _through(planned, asked, flags, arguments)
    clean(planned)
    summarise(planned, as_json)
    failed = failures(planned)
    sent = _sent(planned)
    if to_analyse and not swept.analysed(planned, asked, parent, quiet=as_json):
        return FAILED
    if failed and not asked.multirun and all(error.exception in MISTAKES for error in failed.values()):
        return USAGE
    return DONE if sent and not failed else FAILED


def _sent(planned: Plan) -> bool:
    """Whether all results are where they are to be: those that only the mirror of a bucket has are sent now."""
    try:
        jobs = [(one.job.task.name, one.predict_key) for one in planned.jobs]
        exchange.send_rest(planned.setting.store.root, jobs)
    except HarnessError as error:
        say.print(str(error), style="red", markup=False)
        return False
    return True


def _through(planned: Plan, asked: Sweep, flags: Any, arguments: Sequence[str]) -> str | None:
    """Launches what is missing and joins who is at it already, until all is done or has failed; the tracking run.

    Of two that start at once, the second finds the first's manifest.
    """
    launcher = asked.composed[0].choices.get("hydra/launcher", "basic") if asked.multirun else "basic"
    store, parent = planned.setting.store, None
    while planned.open:
        with untouched(planned), ExitStack() as stack:
            with store.lock("sweeps"):
                others = joining.elsewhere(planned)
                mine = planned.open.keys() - others.keys()
                if mine and launcher not in resources.REMOTE:
                    mine = set(planned.open)  # what is sent nowhere is not doubled: locks keep a job to one process
                words = redacted(shlex.join(arguments))
                listed = mine if others else None
                path = stack.enter_context(manifest(planned, words, launcher, listed)) if mine else None
            if path is not None:
                parent = _launch(planned, asked, flags, arguments, launcher, path, mine)
        planned = _left(planned) if others else replace(planned, open={})
        if planned.open:
            ended = joining.wait(store, others)
            _record_lost(planned, resources.SLURM, {key: f"task {task}: {CANCELLED}" for key, task in ended.items()})
            planned = _left(planned)
    return parent


def _left(planned: Plan) -> Plan:
    """The plan with nothing open but what neither ended nor failed."""
    return replace(planned, open={one.predict_key: tuple(one.cells) for one in unfinished(planned)})


def _launch(
    planned: Plan,
    asked: Sweep,
    flags: Any,
    arguments: Sequence[str],
    launcher: str,
    path: Path,
    mine: Collection[str],
) -> str | None:
    """Runs those of the open jobs that are this process's; the tracking run of the sweep, where there is one."""
    from harness.launch.app import MANIFEST, PARENT, TOTAL, WAIT

    store = planned.setting.store
    ensure_space(store.root, needed(planned))
    exchange.check_writable(store.root)
    _warn_of_threads(planned, asked)
    for one in planned.jobs:  # what failed before is tried again, and must not look as if it had failed now
        if one.predict_key in mine:
            store.clear_error(one.job.task.name, one.predict_key)
    config = asked.composed[0].config
    with ExitStack() as stack:
        parent = stack.enter_context(_tracked(planned, config, asked.multirun, arguments))
        places = _places(planned, mine)
        environment = {MANIFEST: str(path), TOTAL: str(len(asked.composed))} | ({PARENT: parent} if parent else {})
        stack.enter_context(_environment(environment))
        try:
            if launcher == resources.RAY:
                ray.launch(asked, mine, places)  # Hydra would compose every job once more, and then again
                _record_lost(planned, launcher, dict.fromkeys(mine, ""))
            elif launcher == resources.SLURM:
                _on_slurm(planned, asked, flags, path, mine, {**environment, WAIT: "1"})
            else:
                _here(planned, asked, flags, launcher, mine)
        except SystemExit:
            # Hydra has said why its launcher stopped; other jobs do not end there
            if planned.setting.raise_errors or not asked.multirun or launcher in resources.REMOTE:
                raise
            say.print("the launcher stopped; going on here with the jobs that are left")
        if launcher not in resources.REMOTE:
            _finish(planned, asked)
    return parent


def _here(planned: Plan, asked: Sweep, flags: Any, launcher: str, mine: Collection[str]) -> None:
    """Has a launcher of this machine run jobs."""
    from harness.launch.app import TOTAL

    if not asked.multirun:
        hydra_launch.launch([*_search(flags), *asked.arguments])
        return

    def begin(wanted: Collection[str]) -> None:
        jobs = asked.overrides(_places(planned, wanted))
        with _environment({TOTAL: str(len(jobs))}):
            hydra_launch.launch(["-m", *_search(flags), *asked.arguments], jobs)

    if launcher == joblib.NAME:
        joblib.launch(planned, mine, begin, partial(_record_lost, planned, launcher))
    else:
        begin(mine)


def _places(planned: Plan, jobs: Collection[str]) -> set[int]:
    """The Hydra jobs that these jobs (predict keys) stand in."""
    return {place for key in jobs for place in planned.numbers[key]}


def _on_slurm(
    planned: Plan, asked: Sweep, flags: Any, path: Path, mine: Collection[str], environment: Mapping[str, str]
) -> None:
    """Sends jobs to Slurm; what stood behind one with which its task died, once more, until none is left."""
    words = ["-m", *_search(flags), *asked.arguments, *resources.overrides(asked.arguments)]
    jobs = asked.overrides(range(len(asked.composed)))
    while mine:
        with slurm.engaged(planned, asked.arguments, path, mine, environment) as lost:
            hydra_launch.launch(words, jobs)
        left = [one for one in unfinished(planned) if one.predict_key in mine]
        blamed = slurm.blamed(planned, left, lost)
        _record_lost(planned, resources.SLURM, blamed)
        mine = {one.predict_key for one in left} - blamed.keys()


def _search(flags: Any) -> list[str]:
    return ["--config-dir", flags.config_dir] if flags.config_dir else []


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
def _tracked(
    planned: Plan, config: Mapping[str, Any], multirun: bool, arguments: Sequence[str]
) -> Iterator[str | None]:
    """The tracked sweep that the jobs belong to; what a server that was away has missed is written at its end."""
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
    store, name = planned.setting.store, redacted(" ".join(arguments)) or "sweep"
    with tracking.sweep(store, where["uri"], where["experiment"], name, {"command": name[:5000]}, text) as parent:
        yield parent
    late = tracking.catch_up(store, where["uri"])
    if late.written:
        say.print(f"tracking: {late.written} runs were late, and are there now")
    if late.unchanged:
        mend = tracking.mend(where["uri"], where["experiment"])
        say.print(f"tracking: {late.unchanged} runs are missing; {mend} adds them", markup=False)


def _finish(planned: Plan, asked: Sweep) -> None:
    """Runs what another process had taken and did not finish; waits for what it is still at."""
    from harness.launch.app import run_job

    config = dict(asked.composed[0].config)
    left = unfinished(planned)
    for number, one in enumerate(left, start=1):
        say.print(f"{number}/{len(left)} left {run_job(one.job, setting(config, wait=True), config['tracking'])}")


def _record_lost(planned: Plan, launcher: str, lost: Mapping[str, str]) -> None:
    """Leaves an error record for each of these jobs that ended elsewhere without a word; none of them is run here.

    Args:
        lost: why, by predict key; empty where nothing is known.
    """
    store = planned.setting.store
    for one in unfinished(planned):
        if one.predict_key not in lost:
            continue
        with store.lock(lock_of(one)):  # another process may be at it
            if one not in unfinished(replace(planned, jobs=(one,))):
                continue
            why = lost[one.predict_key]
            words = f"{launcher} ended without it{f' ({why})' if why else ''}; the same command runs it again"
            error = ErrorRecord(exception=LOST, message=redacted(words), traceback="", job={"job": str(one.job)})
            store.write_error(one.job.task.name, one.predict_key, error)


def _warn_of_threads(planned: Plan, asked: Sweep) -> None:
    """Two spinning threads on one core stall many times over; said before the sweep starts, not found out after."""
    from harness.doctor.here import cores

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

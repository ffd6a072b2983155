"""What a node of a cluster does with a configuration, and what the driver does with what comes back.

Where the node sees the results folder itself, it writes there and nothing is sent.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.launch.summary import say
from harness.runner import Outcome
from harness.secrets import redacted
from harness.storage.atomic import DISK_FULL, write_whole
from harness.storage.store import ErrorRecord, ensure_space
from harness.sweep.expand import expand
from harness.sweep.keyed import Keyed, done, keyed
from harness.sweep.keys import digest
from harness.sweep.options import Options
from harness.sweep.plan import Plan, setting

FULL = tuple(map(os.strerror, DISK_FULL))


@dataclass(frozen=True, slots=True)
class Task:
    """One configuration of a sweep, whole, as a node needs it.

    Attributes:
        number: which of how many.
        environment: variables of the sweep that the node sets while it works.
        marker: a file of the driver's; a node that sees it shares the driver's files.
        host: the driver's; with the results folder it tells stores apart.
        folder: where the driver was started, which paths are relative to.
        wait: wait for a job that another process is running; otherwise it is left to it.
    """

    config: Mapping[str, Any]
    choices: Mapping[str, str]
    options: Options
    number: str
    marker: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: str = field(default_factory=platform.node)
    folder: str = field(default_factory=os.getcwd)
    wait: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the jobs of a configuration, and their records where the driver cannot see them.

    Attributes:
        files: content by path below the results folder, tables before the records that vouch for them.
        unfit: why the node could not do it, in words; empty where it could.
    """

    outcomes: list[Outcome]
    files: dict[str, bytes] = field(default_factory=dict)
    unfit: str = ""


def jobs_of(task: Task) -> tuple[Keyed, ...]:
    """The jobs of a configuration, with their keys."""
    here = setting(task.config)
    found = expand(task.config, task.choices, task.options).jobs
    return tuple(keyed(job, here.root, here.cache) for job in found)


def work(task: Task) -> Done:
    """Runs a configuration on a node; base weights and tokens stay with the process and in the node's own cache."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.update(task.environment)
    if not Path(task.marker).exists():
        return _apart(task)
    from harness.launch.app import run_configuration

    with chdir(task.folder) if Path(task.folder).is_dir() else nullcontext():
        return Done(run_configuration(dict(task.config), dict(task.choices), task.options, task.number, task.wait))


def _apart(task: Task) -> Done:
    """The jobs done in a store of the node's own, and their records taken out of it."""
    from harness.launch.app import run_configuration
    from harness.launch.manifest import clean
    from harness.sweep.disk import needed

    results = Path(tempfile.gettempdir()) / f"harness-{digest([task.host, task.config['results']])}"
    # the driver writes the records, and tracks them
    config = {**task.config, "results": str(results), "tracking": {**task.config["tracking"], "uri": None}}
    jobs = jobs_of(replace(task, config=config))
    whole = Plan(jobs, {one.predict_key: tuple(one.cells) for one in jobs}, {}, setting(config))
    for job in jobs:  # failures of an earlier sweep; the driver has removed its own
        whole.setting.store.clear_error(job.job.task.name, job.predict_key)
    try:
        ensure_space(results, needed(whole))
    except HarnessError as error:
        return Done([], unfit=str(error))
    outcomes: list[Outcome] = []
    try:
        outcomes = run_configuration(config, dict(task.choices), task.options, task.number, task.wait)
        failed = [one.message for one in outcomes if one.status == "failed"]
    except HarnessError as error:
        failed = [str(error)]  # which could not be written as that of a job
        if not _full(failed):
            raise
    finally:
        with suppress(HarnessError):  # locks need a disk too
            clean(whole)  # nobody there knows of other configurations that share the weights
    if words := _full(failed):
        return Done([], unfit=words)
    files: dict[str, bytes] = {}
    for one in outcomes:
        if one.status != "elsewhere":
            files |= _taken(results, Path("runs") / one.task / one.predict_key)
    return Done(outcomes, files)


def _full(failed: Sequence[str]) -> str:
    """The first of these messages that says that the disk is full; empty where none does."""
    return next((message for message in failed if any(words in message for words in FULL)), "")


def _taken(results: Path, folder: Path) -> dict[str, bytes]:
    """The files of a job's folder, which is then removed."""
    found = sorted((results / folder).glob("[!.]*"), key=lambda path: (path.suffix != ".parquet", path.name))
    files = {str(folder / path.name): path.read_bytes() for path in found}
    shutil.rmtree(results / folder, ignore_errors=True)
    return files


def finished(task: Task, jobs: Sequence[Keyed]) -> bool:
    """Whether the driver's store holds all of a configuration: a node without that store would compute it again."""
    store = setting(task.config).store
    return all(done(one, store) for one in jobs)


def receive(came: Done, task: Task) -> list[Outcome]:
    """The outcomes of a configuration, its records now in the driver's store and with its tracking server."""
    root = Path(task.config["results"])
    for path, content in came.files.items():
        write_whole(root / path, content)
    if came.files:
        _published(came.outcomes, root, task)
    for outcome in came.outcomes:
        say.print(f"{task.number} {outcome}")
    return came.outcomes


def _published(outcomes: Sequence[Outcome], root: Path, task: Task) -> None:
    """Does for jobs that ran elsewhere what ``app.run_job`` does for those that run here."""
    from harness import tracking
    from harness.launch.app import PARENT
    from harness.storage import exchange
    from harness.storage.store import Store

    where = task.config["tracking"]
    for one in outcomes:
        exchange.send(root, one.task, one.predict_key)
        if where.get("uri"):
            parent = task.environment.get(PARENT)
            tracking.log_job(Store(root), where["uri"], where["experiment"], one.task, one.predict_key, parent)


def give_up(task: Task, exception: str, why: str) -> None:
    """Leaves an error record for each job of a configuration that was lost, and says so."""
    store, why = setting(task.config).store, redacted(why)
    for one in jobs_of(task):
        if not done(one, store) and store.read_error(one.job.task.name, one.predict_key) is None:
            error = ErrorRecord(exception=exception, message=why, traceback="", job={"job": str(one.job)})
            store.write_error(one.job.task.name, one.predict_key, error)
            say.print(f"{task.number} ! {one.job}  {why}")

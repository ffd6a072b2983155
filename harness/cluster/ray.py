"""Sweeps on Ray: a job is a task; what it finds comes back as files, and the driver's store has them.

Where the nodes see the results folder themselves, jobs write there and nothing is sent.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins

from harness.atomic import write_whole
from harness.errors import HarnessError
from harness.expand import expand
from harness.keyed import done, keyed
from harness.keys import digest
from harness.options import Options
from harness.plan import setting
from harness.runner import Outcome
from harness.summary import say

log = logging.getLogger("harness")


@dataclass(frozen=True, slots=True)
class Task:
    """One configuration of a sweep, whole, as a node needs it.

    Attributes:
        number: which of how many.
        marker: a file of the driver's; a node that sees it shares the driver's files.
    """

    config: dict[str, Any]
    choices: dict[str, str]
    options: Options
    number: str
    marker: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the jobs of a configuration, and their records where the driver cannot see them.

    Attributes:
        files: content by path below the results folder, tables before the records that vouch for them.
    """

    outcomes: list[Outcome]
    files: dict[str, bytes] = field(default_factory=dict)


def register() -> None:
    """Makes the launcher known to Hydra, which takes one from its own namespace alone.

    Raises:
        HarnessError: Ray is not installed.
    """
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise HarnessError("hydra/launcher=ray needs Ray: pip install 'multilingual-harness[ray]'") from error
    import hydra_plugins

    folder = str(Path(__file__).with_name("plugins"))
    if folder not in hydra_plugins.__path__:
        hydra_plugins.__path__.append(folder)
    Plugins.instance().register(importlib.import_module("hydra_plugins.harness_ray").RayLauncher)


def launch(tasks: Sequence[Task], address: str | None, demands: Mapping[str, Any]) -> list[list[Outcome]]:
    """The outcomes of each configuration; none of one whose node died more often than it may."""
    import ray

    found: list[list[Outcome]] = [[] for _ in tasks]
    with _connected(address):
        start = ray.remote(**demands)(work)
        pending = {start.remote(task): i for i, task in enumerate(tasks) if not finished(task)}
        while pending:
            ready, _ = ray.wait(list(pending))
            for reference in ready:
                i = pending.pop(reference)
                try:
                    found[i] = receive(ray.get(reference), tasks[i])
                except ray.exceptions.RayError as error:
                    log.warning("%s was lost: %s", tasks[i].number, str(error).strip().splitlines()[0])
    return found


def finished(task: Task) -> bool:
    """Whether the driver's store holds all of a configuration: a node without that store would compute it again."""
    here = setting(task.config)
    jobs = expand(task.config, task.choices, task.options).jobs
    return all(done(keyed(job, here.root, here.cache), here.store) for job in jobs)


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    import ray

    from harness.app import MANIFEST, PARENT

    inherited = {name: os.environ[name] for name in (MANIFEST, PARENT) if name in os.environ}
    ray.init(
        address=address,
        include_dashboard=False if address is None and "RAY_ADDRESS" not in os.environ else None,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"env_vars": inherited},
    )
    try:
        yield
    finally:
        ray.shutdown()


def work(task: Task) -> Done:
    """Runs a configuration on a node; base weights and tokens stay with the process and in the node's own cache."""
    from harness.app import run_configuration

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if Path(task.marker).exists():
        return Done(run_configuration(task.config, task.choices, task.options, task.number))
    results = Path(tempfile.gettempdir()) / f"harness-{digest([task.marker])}"
    # the driver writes the records, and tracks them
    config = task.config | {"results": str(results), "tracking": task.config["tracking"] | {"uri": None}}
    outcomes = run_configuration(config, task.choices, task.options, task.number)
    files: dict[str, bytes] = {}
    for one in outcomes:
        files |= _taken(results, Path("runs") / one.task / one.predict_key)
    return Done(outcomes, files)


def _taken(results: Path, folder: Path) -> dict[str, bytes]:
    """The files of a job's folder, which is then removed."""
    found = sorted((results / folder).glob("*"), key=lambda path: (path.suffix != ".parquet", path.name))
    files = {str(folder / path.name): path.read_bytes() for path in found}
    shutil.rmtree(results / folder, ignore_errors=True)
    return files


def receive(came: Done, task: Task) -> list[Outcome]:
    """The outcomes of a configuration, its records now in the driver's store and with its tracking server."""
    root = Path(task.config["results"])
    for path, content in came.files.items():
        write_whole(root / path, content)
    if came.files:
        _track(came.outcomes, root, task.config["tracking"])
    for outcome in came.outcomes:
        say.print(f"{task.number} {outcome}", markup=False)
    return came.outcomes


def _track(outcomes: Sequence[Outcome], root: Path, where: Mapping[str, Any]) -> None:
    from harness import tracking
    from harness.app import PARENT
    from harness.store import Store

    if where.get("uri"):
        for one in outcomes:
            tracking.log_job(
                Store(root), where["uri"], where["experiment"], one.task, one.predict_key, os.environ.get(PARENT)
            )

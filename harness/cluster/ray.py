"""Sweeps on Ray: a configuration is a task, and Ray decides when and on which node it runs."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest
from typing import Any

from harness.cluster.node import Done, Task, finished, give_up, jobs_of, receive, work
from harness.cluster.resources import largest
from harness.cluster.share import DEVICES
from harness.errors import HarnessError
from harness.launch.app import MANIFEST, PARENT
from harness.launch.manifest import LOST
from harness.launch.summary import say
from harness.secrets import CREDENTIALS
from harness.spec import Resources
from harness.sweep.compose import Sweep
from harness.sweep.keyed import Keyed
from harness.sweep.plan import setting

AHEAD = 1000  # tasks that Ray is given before they can run: it sees what is wanted, and waiting for them stays cheap
PAUSE = 5.0  # seconds between two looks at the nodes
GB = 2**30


@dataclass(frozen=True, slots=True)
class Node:
    """A living node; ``has`` is what it has when nothing runs, in Ray's words."""

    id: str
    has: Mapping[str, float]

    def fits(self, needs: Resources) -> bool:
        """Whether a job that needs so much can ever run there."""
        wanted = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory_gb * GB}
        return all(self.has.get(name, 0) >= much for name, much in wanted.items())

    def __str__(self) -> str:
        return _words(self.has.get("CPU", 0), self.has.get("GPU", 0), self.has.get("memory", 0) / GB)


def _words(cpus: float, gpus: float, memory_gb: float) -> str:
    return f"{cpus:g} CPU, {gpus:g} GPU, {memory_gb:.3g} GB"


@dataclass(frozen=True, slots=True)
class Sent:
    """A task that Ray has, and what was asked for it."""

    task: Task
    needs: Resources


def launch(asked: Sweep, wanted: Collection[str], places: Collection[int]) -> None:
    """Has Ray run the configurations of a sweep; what is lost for good has an error record that says why.

    Args:
        wanted: predict keys of the jobs to run; the others are done, or another sweep is at them.
        places: of the configurations that have them.

    Raises:
        HarnessError: there is no Ray, or none that answers.
    """
    # what Ray's monitor kills for its memory would begin again forever; it reads this when it is imported
    os.environ.setdefault("RAY_task_oom_retries", str(asked.launcher["retries"]))
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise HarnessError("hydra/launcher=ray needs Ray: pip install 'multilingual-harness[ray]'") from error
    tasks = _tasks(asked, places)
    with _connected(asked.launcher["address"]):
        _run(tasks, wanted, asked.launcher)


def _tasks(asked: Sweep, places: Collection[int]) -> list[Task]:
    environment = {name: os.environ[name] for name in (MANIFEST, PARENT, *CREDENTIALS) if name in os.environ}
    results = str(setting(asked.composed[0].config).store.root)
    return [
        Task(
            config={**one.config, "results": results},
            choices=one.choices,
            options=asked.options,
            number=f"{i}/{len(places)}",
            marker=os.environ[MANIFEST],
            environment=environment,
        )
        for i, one in enumerate((asked.composed[place] for place in sorted(places)), start=1)
    ]


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    import ray

    where = address or os.environ.get("RAY_ADDRESS") or "local"
    alone = {"include_dashboard": False} if where == "local" else {}
    host, _, port = where.rpartition(":")
    try:
        if host and port.isdigit() and "/" not in host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR, **alone)
    except (OSError, ValueError, RuntimeError) as error:  # the last: of another version
        why = " ".join(str(error).split()).rstrip(".")
        asks = "this shell needs RAY_AUTH_MODE=token, and the token in ~/.ray/auth_token (`ray get-auth-token` there)"
        if "auth" in why.lower():
            raise HarnessError(f"the Ray at {where} refuses this shell: {asks}") from error
        mend = f"Does `ray start` run there? Where it asks for a token, {asks}"
        raise HarnessError(f"no Ray answers at {where}: {why}. {mend}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _run(tasks: Sequence[Task], wanted: Collection[str], asks: Mapping[str, Any]) -> None:
    """Submits the tasks as Ray gets through them, and receives what they found."""
    import ray

    places = _places(tasks)
    queue, later = deque(_dealt(tasks, places, sum(node.has.get("CPU", 0) > 0 for node in _nodes(set())))), list[Task]()
    pending: dict[Any, Sent] = {}
    unfit: set[str] = set()
    short: dict[Resources, float] = {}  # what no node has, since when
    looked, nodes = -PAUSE, list[Node]()
    while queue or pending or later:
        if time.monotonic() > looked + PAUSE:
            looked, nodes = time.monotonic(), _nodes(unfit)
            _wait_for_nodes(pending, nodes, short, 60 * asks["wait_minutes"])
        if not queue and not pending:
            # their jobs were another's, whose weights they share mostly; now they wait for it
            queue, later = deque(replace(task, wait=True) for task in later), []
        if queue and len(pending) < AHEAD:
            task = queue.popleft()
            jobs = [one for one in jobs_of(task) if one.predict_key in wanted]
            if not finished(task, jobs):
                sent = Sent(task, _needs(jobs, asks))
                pending[_submit(sent, nodes, unfit, places[_group(task)], asks["retries"])] = sent
        patience = 0 if queue and len(pending) < AHEAD else PAUSE
        for reference in ray.wait(list(pending), timeout=patience)[0] if pending else ():
            task = pending.pop(reference).task
            node, came = _result(reference, task)
            if came.unfit:  # and it gives back what Ray had for it already
                if node not in unfit:
                    say.print(f"node {node[:8]} can run no more jobs: {came.unfit}")
                unfit.add(node)
                looked = -PAUSE
                queue.appendleft(task)
            elif any(one.status == "elsewhere" for one in receive(came, task)):
                later.append(task)


def _nodes(unfit: set[str]) -> list[Node]:
    import ray

    alive = [Node(node["NodeID"], node["Resources"]) for node in ray.nodes() if node["Alive"]]
    return sorted((node for node in alive if node.id not in unfit), key=lambda node: node.id)


def _needs(jobs: Sequence[Keyed], asks: Mapping[str, Any]) -> Resources:
    """What the jobs' own models need, unless the command line says otherwise."""
    given = {name: asks[name] for name in ("cpus", "gpus", "memory_gb") if asks[name] is not None}
    return replace(largest(one.job.model for one in jobs), **given)


def _group(task: Task) -> tuple[str, str]:
    """What tasks share that is worth loading once: a checkpoint, and the data that is trained on."""
    model = str(task.config["model"].get("checkpoint") or task.choices["model"])
    return model, str(task.config["task"].get("train") or task.choices["task"])


def _places(tasks: Sequence[Task]) -> dict[tuple[str, str], float]:
    """For each group a place between 0 and 1, groups of a model side by side."""
    groups = sorted({_group(task) for task in tasks})
    return {group: i / len(groups) for i, group in enumerate(groups)}


def _dealt(tasks: Sequence[Task], places: Mapping[tuple[str, str], float], nodes: int) -> list[Task]:
    """The tasks in an order that gives each node some of its own from the beginning, and one group after the other.

    A process goes on with tasks that were wished for where its first one was.
    """
    nodes = max(nodes, 1)  # they may come yet
    piles: list[list[Task]] = [[] for _ in range(nodes)]
    for task in sorted(tasks, key=lambda task: places[_group(task)]):
        piles[int(places[_group(task)] * nodes)].append(task)
    return [task for row in zip_longest(*piles) for task in row if task is not None]


def _submit(sent: Sent, nodes: Sequence[Node], unfit: set[str], place: float, retries: int) -> Any:
    """Gives a task to Ray, with a wish for the node of its group that binds nobody while the node is busy."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    fit = [node for node in nodes if node.fits(sent.needs)]
    options: dict[str, Any] = {"num_cpus": sent.needs.cpus, "num_gpus": sent.needs.gpus,
                               "memory": sent.needs.memory_gb * GB, "max_retries": retries}  # fmt: skip
    if fit:
        wish = fit[int(place * len(fit))].id
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(wish, soft=True, _spill_on_unavailable=True)
    if unfit:
        options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(unfit))})"}
    once = False
    if gpus := sent.needs.gpus:
        # CUDA keeps the devices that a process saw first: none, where its first job needed none, so that jobs with as
        # many have processes of their own; and where a node has more, Ray may give the next job others
        options["runtime_env"] = {"env_vars": {"HARNESS_GPUS": str(gpus)}}
        once = not fit or any(node.has["GPU"] > gpus for node in fit)
    return _remote(once).options(**options).remote(sent.task)


@cache
def _remote(once: bool) -> Any:
    """The function that Ray calls, in a process that serves one task or many."""
    import ray

    return ray.remote(max_calls=1 if once else 0)(_work)


def _work(task: Task) -> tuple[str, Done]:
    import ray

    here = ray.get_runtime_context()
    if not here.get_accelerator_ids().get("GPU"):
        os.environ[DEVICES] = ""  # Ray would show all of them to a job that has asked for none
    return here.get_node_id(), work(task)


def _result(reference: Any, task: Task) -> tuple[str, Done]:
    """The node that ran a task and what came of it; nothing, where the task was lost, whose jobs then say why."""
    import ray

    try:
        found: tuple[str, Done] = ray.get(reference)
        return found
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        if setting(task.config).raise_errors:
            raise cause from error
        words = str(cause).strip().splitlines()
        said = ": ".join([type(cause).__name__, *words[:1]])
        give_up(task, LOST, f"{said}; the same command runs it again")
    return "", Done([])


def _wait_for_nodes(
    pending: dict[Any, Sent], nodes: Sequence[Node], short: dict[Resources, float], patience: float
) -> None:
    """Says what no node has; takes back what has waited for it too long."""
    import ray

    now = time.monotonic()
    wanted = {sent.needs for sent in pending.values()}
    lacking = {needs for needs in wanted if not any(node.fits(needs) for node in nodes)}
    for needs in short.keys() - lacking:
        del short[needs]
    for needs in lacking:
        there = ", ".join(sorted({str(node) for node in nodes})) or "none"
        words = f"no node has {_words(needs.cpus, needs.gpus, needs.memory_gb)}; those that there are: {there}"
        if needs not in short:
            short[needs] = now
            mend = "add one, or ask for less with hydra.launcher.cpus, .gpus, .memory_gb"
            say.print(f"waiting {patience / 60:g} minutes for a node: {words}. To mend it, {mend}")
        elif now > short[needs] + patience:
            for reference in [one for one, sent in pending.items() if sent.needs == needs]:
                ray.cancel(reference, force=True)
                give_up(pending.pop(reference).task, "NoNode", words)

"""How long a sweep takes on any number of nodes, simulated from what was measured of its parts.

``python -m tests.bench.nodes`` checks the simulation against the sweeps of ``docs/cluster.json`` (made by
``python -m tests.cluster.figures``), measures what a job costs the store, goes on to 1,000 nodes, and says what is full
first.
"""

from __future__ import annotations

import heapq
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from harness.storage.atomic import write_whole

MEASURED = Path("docs/cluster.json")
PLOT = Path("docs/growth.svg")
NODES = (1, 3, 10, 30, 100, 300, 1000)
JOBS = 18_000  # 30 models x 10 tasks x 20 sources x 3 seeds
TARGETS = 56
LENGTHS = {  # seconds of a job, and how many share a task of Slurm
    "floors, 5 s a job": (5.0, 6),
    "small encoders, 2 minutes": (120.0, 1),
    "base encoders, 20 minutes": (1200.0, 1),
}
HUB = 1.1e9 / 125e6  # a base model once a node, over a line of 1 Gbit/s: assumed, not measured


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds that each part of a cluster gives to a task or to a job; what is shared serves one at a time.

    Attributes:
        overhead: on the node of a task, beyond computing.
        dispatch: of the scheduler between the starts of two tasks.
        store: of the disk that all share, for the records of a job.
        tracking: of the tracking server, for a job.
        fetch: of the hub, for each node once.
        start: before the first job.
    """

    overhead: float
    dispatch: float = 0.0
    store: float = 0.0
    tracking: float = 0.0
    fetch: float = 0.0
    start: float = 0.0
    each: int = 1  # jobs of a task


@dataclass(frozen=True, slots=True)
class Course:
    """What came of a simulated sweep.

    Attributes:
        seconds: from the first command to the last record.
        efficiency: computing over what all nodes could have computed in that time.
        busy: share of the time that each shared part was busy.
    """

    seconds: float
    efficiency: float
    busy: dict[str, float]


def simulated(work: Sequence[float], nodes: int, parts: Parts) -> Course:
    """A sweep whose jobs compute for ``work`` seconds each, handed out in order to whichever node is free."""
    queue = (sum(work[first : first + parts.each]) for first in range(0, len(work), parts.each))
    hub = scheduler = store = tracker = parts.start
    running: list[tuple[float, int]] = []  # when a node has computed its task, and which
    for node in range(nodes):
        if (seconds := next(queue, None)) is None:
            break
        scheduler += parts.dispatch
        hub = max(hub, scheduler) + parts.fetch
        heapq.heappush(running, (hub + parts.overhead + seconds, node))
    while running:
        computed, node = heapq.heappop(running)
        store = max(store, computed) + parts.each * parts.store
        tracker = max(tracker, store) + parts.each * parts.tracking
        if (seconds := next(queue, None)) is not None:
            scheduler = max(scheduler, tracker) + parts.dispatch
            heapq.heappush(running, (scheduler + parts.overhead + seconds, node))
    jobs, used = len(work), min(nodes, len(work))
    busy = {
        "scheduler": jobs / parts.each * parts.dispatch,
        "store": jobs * parts.store,
        "tracking": jobs * parts.tracking,
        "hub": used * parts.fetch,
    }
    return Course(tracker, sum(work) / (nodes * tracker), {name: took / tracker for name, took in busy.items()})


def full_at(mean: float, parts: Parts) -> dict[str, float]:
    """How many nodes each shared part can serve before jobs wait for it, for jobs of ``mean`` seconds."""
    shared = {"scheduler": parts.dispatch / parts.each, "store": parts.store, "tracking": parts.tracking}
    return {name: (parts.overhead / parts.each + mean) / took for name, took in shared.items() if took}


def checked(engine: Mapping[str, Any]) -> list[tuple[int, float, float]]:
    """Nodes, measured and simulated seconds of each sweep of an engine, all simulated from the one on one node.

    Where the machine has fewer processors than nodes, each computes as much slower.
    """
    one = engine["courses"][0]
    overhead = of_task(one)
    start = max(0.0, one["start"] - one["work"][0] - overhead)
    parts = Parts(overhead=overhead, start=start, each=round(one["jobs"] / one["tasks"]))
    found = []
    for course in engine["courses"]:
        slower = max(1.0, course["nodes"] / engine["processors"])
        work = [seconds * slower for seconds in one["work"]]
        own = replace(parts, overhead=parts.overhead * slower)
        found.append((course["nodes"], course["wall"], simulated(work, course["nodes"], own).seconds))
    return found


def of_task(course: Mapping[str, Any]) -> float:
    """Seconds beyond computing of a task; what was measured is that of a job, once every node had done its first."""
    later = {name: course[name] - course["nodes"] for name in ("jobs", "tasks")}
    return float(course["overhead"] * later["jobs"] / later["tasks"])


def shared(measured: Mapping[str, Any], engine: str) -> Parts:
    """What tasks and jobs take of an engine, and of what all nodes share: all on one machine."""
    tracking, slurm = measured["tracking"], measured["slurm"]["dispatch"]
    files = 2 * (TARGETS - tracking["targets"])  # of which each is a request
    requests = tracking["requests"] / tracking["jobs"] + files
    return Parts(
        overhead=of_task(measured[engine]["courses"][0]),
        dispatch=slurm["seconds"] / slurm["tasks"],
        store=store_seconds(),
        tracking=requests * tracking["seconds"] / tracking["requests"],
    )


def store_seconds(jobs: int = 20) -> float:
    """What the records of a job cost the disk here: a table and a record for each target, written whole."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        start = time.perf_counter()
        for job in range(jobs):
            for target in range(TARGETS):
                for ending, size in (("parquet", 20_000), ("json", 1_500)):
                    write_whole(Path(folder) / str(job) / f"{target}.{ending}", bytes(size))
        return (time.perf_counter() - start) / jobs


def main() -> None:
    """Prints the check and the table, and draws the curves."""
    measured = json.loads(MEASURED.read_text())
    engines = {name: found for name, found in measured.items() if "courses" in found}
    for name, engine in engines.items():
        for nodes, wall, seconds in checked(engine):
            print(
                f"{name}, {nodes} nodes: measured {wall:.1f} s, simulated {seconds:.1f} s ({seconds / wall - 1:+.1%})"
            )
    common = shared(measured, "slurm")
    print(f"a job: {common}")
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    for name, (seconds, each) in LENGTHS.items():
        parts = replace(common, fetch=HUB if seconds > 60 else 0.0, each=each)
        courses = [simulated([seconds] * JOBS, nodes, parts) for nodes in NODES]
        print(
            f"\n{name}: "
            + ", ".join(f"{part} is full at {full:.0f} nodes" for part, full in full_at(seconds, parts).items())
        )
        for nodes, course in zip(NODES, courses, strict=True):
            busiest, share = max(course.busy.items(), key=lambda part: part[1])
            hours = course.seconds / 3600
            print(f"  {nodes:>5} nodes  {hours:8.2f} h  efficiency {course.efficiency:.2f}  {busiest} {share:.0%}")
        axes.loglog(NODES, [course.seconds / 3600 for course in courses], marker="o", label=name)
    axes.set(xlabel="nodes", ylabel="hours", title=f"{JOBS:,} jobs of {TARGETS} targets, simulated")
    axes.legend()
    figure.savefig(PLOT)


if __name__ == "__main__":
    main()

"""How long a sweep takes on any number of nodes, simulated from what was measured of its parts.

``python -m tests.bench.nodes`` checks the simulation against the sweeps of ``docs/cluster.json`` (made by
``python -m tests.cluster.figures``), goes on to 1,000 nodes, and says what is full first.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


MEASURED = Path("docs/cluster.json")
PLOT = Path("docs/growth.svg")
NODES = (1, 2, 3, 10, 30, 100, 300, 1000)


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds that each part of a cluster gives to a job; what is shared serves one job at a time.

    Attributes:
        overhead: on the job's node, beyond computing.
        dispatch: of the scheduler between two starts.
        store: of the disk that all share, for the records of a job.
        tracking: of the tracking server.
        fetch: of the hub, for each node once.
        start: before the first job.
    """

    overhead: float
    dispatch: float = 0.0
    store: float = 0.0
    tracking: float = 0.0
    fetch: float = 0.0
    start: float = 0.0


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
    queue = iter(work)
    hub = scheduler = store = tracker = parts.start
    running: list[tuple[float, int]] = []  # when a node has computed its job, and which
    for node in range(nodes):
        if (seconds := next(queue, None)) is None:
            break
        scheduler += parts.dispatch
        hub = max(hub, scheduler) + parts.fetch
        heapq.heappush(running, (hub + parts.overhead + seconds, node))
    while running:
        computed, node = heapq.heappop(running)
        store = max(store, computed) + parts.store
        tracker = max(tracker, store) + parts.tracking
        if (seconds := next(queue, None)) is not None:
            scheduler = max(scheduler, tracker) + parts.dispatch
            heapq.heappush(running, (scheduler + parts.overhead + seconds, node))
    jobs, used = len(work), min(nodes, len(work))
    busy = {
        "scheduler": jobs * parts.dispatch,
        "store": jobs * parts.store,
        "tracking": jobs * parts.tracking,
        "hub": used * parts.fetch,
    }
    return Course(tracker, sum(work) / (nodes * tracker), {name: took / tracker for name, took in busy.items()})


def full_at(mean: float, parts: Parts) -> dict[str, float]:
    """How many nodes each shared part can serve before jobs wait for it, for jobs of ``mean`` seconds."""
    shared = {"scheduler": parts.dispatch, "store": parts.store, "tracking": parts.tracking}
    return {name: (parts.overhead + mean) / took for name, took in shared.items() if took}

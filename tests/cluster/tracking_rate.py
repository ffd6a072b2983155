"""How fast 8 processes write to MLflow on PostgreSQL, all on one machine: ``python -m tests.cluster.tracking_rate``.

What it finds goes into ``docs/cluster.json`` too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.storage.store import Store
from tests.cluster.figures import record
from tests.cluster.postgres import Server, programs, running
from tests.conftest import ROOT
from tests.tracked_jobs import fill

WRITERS, JOBS, TARGETS = 8, 6, 16  # processes, jobs of each, targets of each job
POINTS = 100  # of a training curve


def main() -> None:
    """Prints jobs, requests and rows a second."""
    if programs() is None:
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory() as folder, running(workers=4, safe=True) as server:
        shares = [[f"p{writer}-{number}" for number in range(JOBS)] for writer in range(WRITERS)]
        store = Store(Path(folder))
        _fill(store, [key for share in shares for key in share])
        _timed(store, server, [["p0-0"]])  # the experiment, and the server's own first time
        seconds = _timed(store, server, shares)
        jobs = WRITERS * JOBS
        files = 2 * TARGETS + 2
        # the experiment, the run, its creation, two batches, data sets, status, digest
        requests = jobs * (8 + files)
        record("tracking", writers=WRITERS, jobs=jobs, targets=TARGETS, requests=requests, seconds=seconds)
        rows = int(server.database.query("select count(*) from metrics"))
        sys.stdout.write(
            f"{WRITERS} writers, {jobs} jobs of {TARGETS} targets in {seconds:.1f} s: {jobs / seconds:.1f} jobs, "
            f"{requests / seconds:.0f} requests ({jobs * files / seconds:.0f} of them files), "
            f"{rows / seconds:.0f} values a second; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
        )


def _fill(store: Store, keys: list[str]) -> None:
    curve = [{"name": "loss", "step": step, "value": 1 / (step + 1)} for step in range(POINTS)]
    targets = [f"x{number:02}" for number in range(TARGETS)]
    for key in keys:
        fill(store, key, targets=targets, curves=curve)


def _timed(store: Store, server: Server, shares: list[list[str]]) -> float:
    """Seconds until the last process is done, from the moment that all are there."""
    words = [str(store.root), server.uri, "rate", json.dumps(shares)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.writers", *words],
        cwd=ROOT,
        env=os.environ | {"PATIENCE": "600", "MLFLOW_HTTP_REQUEST_TIMEOUT": "300"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr, done.stderr
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()

"""Processes that tell MLflow of the jobs of a store, all at once: ``python -m tests.cluster.writers``.

Arguments: results folder, URI, experiment, and the keys of each process as JSON. Prints the seconds of each process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from harness import tracking
from harness.storage.store import Store
from harness.tracking import client, patience


def main(root: str, uri: str, experiment: str, shares: str) -> None:
    """Forks the processes once MLflow is imported, which takes seconds, and waits for them."""
    client.ready()
    for name in ("PATIENCE", "QUIET"):
        setattr(patience, name, float(os.environ.get(name, getattr(patience, name))))
    children = set()
    begun = time.monotonic()
    for keys in json.loads(shares):
        child = os.fork()
        if not child:
            store = Store(Path(root))
            for key in keys:
                tracking.log_job(store, uri, experiment, "panx", key, None)
            os._exit(0)
        children.add(child)
    while children:
        number, _ = os.wait()
        children.remove(number)
        sys.stdout.write(f"{time.monotonic() - begun:.3f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Ray clusters on one machine: nodes that share its files, and nodes that do not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GB = 2**30


@contextmanager
def cluster(nodes: int, memory_gb: int = 5, cpus: int = 1, gpus: int = 0) -> Iterator[Any]:
    """A cluster with so many nodes beside a head that runs no jobs; GPUs are none but those that Ray is told of."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(nodes):
            made.add_node(num_cpus=cpus, num_gpus=gpus, memory=memory_gb * GB)
        yield made
    finally:
        made.shutdown()


@contextmanager
def node_apart(
    cluster: Any, memory_gb: int, mounts: Mapping[Path, str | Path], environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """One more node, which sees something else in the place of some folders and files; needs root.

    Args:
        mounts: by path, which must exist: the size of a file system of its own, or another path that stands for it.
        environment: variables of its own.
    """
    before = alive(cluster)
    ray = shutil.which("ray", path=str(Path(sys.executable).parent))
    lines = [
        f"mount --bind {other} {path}" if isinstance(other, Path) else f"mount -t tmpfs -o size={other} tmpfs {path}"
        for path, other in mounts.items()
    ]
    has = f"--num-cpus=1 --memory={memory_gb * GB} --object-store-memory={GB // 8}"
    start = f"exec {ray} start --address={cluster.address} {has} --block"
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-ec", "\n".join([*lines, start])], env=os.environ | dict(environment or {}),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while alive(cluster) == before:
            assert process.poll() is None, "the node did not start"
            assert time.monotonic() < end, "the node did not join"
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def alive(cluster: Any) -> int:
    """How many nodes the cluster has, its head among them."""
    return sum(bool(node["Alive"]) for node in cluster.global_state.node_table())


def can_mount(folder: Path) -> bool:
    """Whether a file system can be mounted here for one process."""
    folder.mkdir(exist_ok=True)
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True)
    return tried.returncode == 0

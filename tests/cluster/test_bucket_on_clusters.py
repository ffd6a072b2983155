"""Sweeps whose data and results are in a bucket, on nodes of a cluster that share nothing but the network."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import ray_lab
from tests.cluster.slurm_lab import slurm, why_not
from tests.cluster.test_bucket import SECRET, SWEEP, machine, plain, s3  # noqa: F401

pytestmark = pytest.mark.cluster


def test_nodes_of_ray_fetch_the_data_and_the_driver_sends_what_they_found(s3, machine, plain, tmp_path):  # noqa: F811
    """Only the driver has the bucket's credentials and address: they reach the nodes, and no file of anybody's."""
    pytest.importorskip("ray", reason="Ray is not installed")
    if not ray_lab.can_mount(tmp_path / "mount"):
        pytest.skip("no file systems can be mounted here")
    one = machine("one")
    (one.folder / "cache").mkdir()
    caches = [tmp_path / "first", tmp_path / "second"]
    with ray_lab.cluster(0) as cluster, ExitStack() as nodes:
        for cache in caches:
            apart = {one.folder / "cache": "1m"}  # a node sees none of the driver's files
            nodes.enter_context(ray_lab.node_apart(cluster, 6, apart, {"XDG_CACHE_HOME": str(cache)}))
        words = ("hydra/launcher=ray", f"hydra.launcher.address={cluster.address}", f"results={one.store}")
        one.call(*SWEEP, *words)
        session = Path(cluster.head_node.get_session_dir_path())
    assert s3.results() == plain
    fetched = Counter(s3.objects("GET", "data"))
    assert set(fetched) == {"deu-test.txt", "eng-test.txt", "eng-train.txt"}
    assert max(fetched.values()) <= 1 + len(caches)  # once by whoever plans, once a node
    assert all((cache / "harness" / "buckets").is_dir() for cache in caches)  # both had jobs
    assert {path.name for path in one.folder.iterdir()} == {"conf", "cache"}
    assert not telling(session, tmp_path)


def test_tasks_of_slurm_send_what_they_find(s3, machine, plain, tmp_path, tmp_path_factory):  # noqa: F811
    """And do not take the folder `conf` where the sweep was started for the harness's."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    pytest.importorskip("submitit")
    one = machine("one")
    with slurm(tmp_path_factory.mktemp("slurm"), 2) as lab:
        one.call(*SWEEP, "hydra/launcher=submitit_slurm", f"results={one.store}", **lab.environment)
    assert s3.results() == plain
    assert sorted(s3.objects("GET", "data")) == ["deu-test.txt", "eng-test.txt", "eng-train.txt"]
    assert not telling(tmp_path)


def telling(*folders: Path) -> list[Path]:
    """The files below folders that hold the secret."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if SECRET.encode() in path.read_bytes()]

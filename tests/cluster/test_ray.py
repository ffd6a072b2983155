"""Sweeps on Ray: nodes that share no files, and nodes that die."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cluster.ray import Task, finished, receive, work
from harness.compose import sweep

WORDS = ("task=mini_ner,mini_nli", "model=majority", "source=eng,deu", "target=eng,jpn", "tracking=none")


def cells(results: Path) -> dict[str, str]:
    """Digest of every cell and table."""
    files = [path for path in (results / "runs").rglob("*") if path.name != "job.json" and path.is_file()]
    return {str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def tasks(results: Path) -> list[Task]:
    asked = sweep([*WORDS, f"results={results}"], multirun=True)
    return [
        Task(dict(one.config), dict(one.choices), asked.options, str(i), str(results / "sweeps" / "marker"))
        for i, one in enumerate(asked.composed)
    ]


def test_a_node_without_the_drivers_files_sends_the_records_that_it_would_have_written(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "node"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "node"))
    together, apart = tasks(tmp_path / "together"), tasks(tmp_path / "apart")
    (tmp_path / "together" / "sweeps").mkdir(parents=True)
    (tmp_path / "together" / "sweeps" / "marker").touch()
    for task in together:
        assert not work(task).files
    for task in apart:
        assert not finished(task)
        done = work(task)
        names = list(done.files)
        assert [name for name in names if name.endswith(".parquet")]
        assert names == sorted(names, key=lambda name: not name.endswith(".parquet"))  # tables before records
        receive(done, task)
        assert finished(task)  # so that a second run sends it nowhere
    assert cells(tmp_path / "apart") == cells(tmp_path / "together")
    assert not list((tmp_path / "node").glob("harness-*/runs/*/*"))  # what was sent is not kept


@pytest.mark.cluster
def test_jobs_of_a_node_that_dies_run_again_elsewhere(tmp_path):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    words = (
        "task=mini_ner,mini_nli,mini_pos",
        "model=lexical",
        "source=eng,deu,spa",
        "target=eng,jpn",
        "tracking=none",
    )
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(num_cpus=1, memory=5 * 2**30) for _ in range(2)]
        command = [sys.executable, "-m", "harness", "run", "-m", "hydra/launcher=ray", *words, "analysis=none",
                   f"hydra.launcher.address={cluster.address}", f"results={tmp_path}/results"]  # fmt: skip
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        wait_for(lambda: list((tmp_path / "results").glob("runs/*/*/*.json")))
        cluster.remove_node(nodes[0], allow_graceful=False)
        assert process.wait(timeout=300) == 0, process.stderr.read()
    finally:
        cluster.shutdown()
    assert len([name for name in cells(tmp_path / "results") if name.endswith(".parquet")]) == 9 * 2


def wait_for(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)

"""A sweep on machines whose clocks are an hour apart: nobody is taken for dead, and no number is another.

The clocks are those of the jobs and the shells; Slurm's own may be five minutes apart (munge), or it would not work.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cluster.clocks import shifted
from tests.cluster.slurm_lab import slurm, wait_for, why_not
from tests.cluster.test_slurm import EACH, QUIET, Driver, cells, halted, signalled, status

pytestmark = pytest.mark.cluster

SWEEP = ("task=mini_ner", "model=majority,lexical", "source=eng,deu", "target=eng,jpn")
MINUTES = {"n1": -30, "n2": 30}


def test_a_sweep_over_clocks_an_hour_apart_is_that_of_one_clock(tmp_path, tmp_path_factory):
    """The launching shell is killed; the one that goes on is ahead of it."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    pytest.importorskip("submitit")
    clocks = {node: shifted(tmp_path, minutes) for node, minutes in MINUTES.items()}
    if not all(clocks.values()):
        pytest.skip("no clock can be set without a compiler: apt-get install gcc")
    results, alone = tmp_path / "results", tmp_path / "alone"
    alone.mkdir()
    undisturbed = subprocess.Popen([sys.executable, "-m", "harness", "run", "-m", *SWEEP, *QUIET], cwd=alone)
    with slurm(tmp_path_factory.mktemp("slurm"), len(MINUTES), environments=clocks) as lab:
        shells = {
            minutes: replace(lab, environment=lab.environment | clocks[node]) for node, minutes in MINUTES.items()
        }
        first = Driver(lab, tmp_path, *SWEEP, EACH)
        wait_for(lambda: list(results.glob("runs/*/*/job.json")), 90, "no job is done")
        _, node = halted(lab, results)
        for minutes, shell in shells.items():
            (told,) = status(shell, tmp_path)
            assert told["alive"]
            check(told, minutes)
        os.killpg(first.process.pid, signal.SIGKILL)
        first.process.wait()
        second = Driver(shells[30], tmp_path, *SWEEP, EACH)
        second.says("waiting for them")
        for minutes, shell in shells.items():
            (told,) = status(shell, tmp_path)
            assert not told["alive"]
            check(told, minutes)
        signalled(lab, node, signal.SIGCONT)
        second.ends(0)
    assert undisturbed.wait() == 0
    assert cells(results) == cells(alone / "results")
    jobs = [json.loads(path.read_bytes()) for path in results.glob("runs/*/*/job.json")]
    assert {job["host"].split(",")[0] for job in jobs} == set(MINUTES)
    assert len({job["host"].split()[-1].split("_")[0] for job in jobs}) == 1  # of one array
    dates = {job["host"].split(",")[0]: datetime.fromisoformat(job["created"]) for job in jobs}
    assert dates["n2"] - dates["n1"] > timedelta(minutes=50)
    assert not list((results / "sweeps").iterdir())


def check(told: Mapping[str, Any], minutes: int) -> None:
    """What a shell with such a clock is told: rates and ends of a sweep of seconds."""
    assert told["done"] + len(told["running"]) + told["queued"] == told["jobs"] == 4
    assert told["running"]
    assert 0 < told["hours"] < 0.1
    assert told["per_hour"] == pytest.approx(told["done"] / told["hours"])
    assert 0 < told["hours_left"] < 0.3
    away = datetime.fromisoformat(told["end"]) - datetime.now(UTC) - timedelta(minutes=minutes)
    assert timedelta(minutes=-2) < away < timedelta(minutes=20)

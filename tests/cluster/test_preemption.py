"""A sweep that makes room for others: Slurm itself preempts it, and it goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster.slurm_lab import Lab, slurm, wait_for, why_not
from tests.cluster.test_slurm import LONG, QUIET, Driver, cells, gone_on, status

pytestmark = pytest.mark.cluster

WORDS = (*LONG, "train.epochs=20", "checkpoint.minutes=0.01")


def test_a_training_preempted_by_a_better_partition_goes_on_from_its_last_state(tmp_path, tmp_path_factory):
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    pytest.importorskip("submitit")
    results, alone = tmp_path / "results", tmp_path / "alone"
    alone.mkdir()
    with slurm(tmp_path_factory.mktemp("slurm"), nodes=1) as lab:
        driver = Driver(lab, tmp_path, *WORDS)
        wait_for(lambda: list(results.glob("checkpoints/.*.training/state.safetensors")), 90, "no state is kept")
        ((task, (_, node)),) = lab.tasks().items()
        better = lab.ask("sbatch", "--parsable", "--partition=urgent", "--output=/dev/null", "--wrap=sleep 1").strip()
        undisturbed = subprocess.Popen([sys.executable, "-m", "harness", "run", "-m", *WORDS, *QUIET], cwd=alone)

        def preempted() -> bool:
            halt(lab, node)  # Slurm wakes it, but it is not to end within its grace
            return lab.tasks()[task][0] == "PENDING"

        wait_for(preempted, 90, "it is not preempted")
        (told,) = status(lab, tmp_path)
        assert (told["queued"], told["failed"]) == (1, {})
        wait_for(lambda: better not in lab.tasks(), 60, "the better one does not end")
        lab.again(task)
        driver.ends(0)
        assert "DUE TO PREEMPTION" in "".join(path.read_text() for path in results.rglob("*_log.out"))
    assert gone_on(results) == 1
    assert undisturbed.wait() == 0
    assert cells(results) == cells(alone / "results")


def halt(lab: Lab, node: str) -> None:
    """Stops the worker on a node, and not ``srun``, which Slurm waits for."""
    for process in lab.processes(node):
        with suppress(OSError):
            if Path(f"/proc/{process}/comm").read_text().startswith("python"):
                os.kill(process, signal.SIGSTOP)

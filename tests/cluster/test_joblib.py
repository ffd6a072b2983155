"""Sweeps by several processes of one machine: what a killed one was at is done by those that are left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster.figures import cells, working

SWEEP = ("run", "-m", "task=mini_ner,mini_pos", "model=lexical", "source=eng,deu", "target=eng,jpn", "model.threads=2",
         "tracking=none", "analysis=none")  # fmt: skip
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    """The launcher stops at a broken pool; the launching process does the rest."""
    (tmp_path / "alone").mkdir()
    alone = [sys.executable, "-m", "harness", *SWEEP]
    subprocess.run(alone, cwd=tmp_path / "alone", check=True, capture_output=True)
    sweep = subprocess.Popen(
        [*alone, *JOBLIB], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    end = time.monotonic() + 120
    while not (found := [process for process in working(tmp_path / "results") if process != sweep.pid]):
        assert sweep.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(found[0], signal.SIGKILL)
    _, said = sweep.communicate(timeout=200)
    assert sweep.returncode == 0, said
    assert cells(tmp_path / "results") == cells(tmp_path / "alone" / "results")

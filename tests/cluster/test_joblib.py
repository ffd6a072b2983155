"""Sweeps by several processes of one machine: what a killed one was at is done by others, unless it kills them all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cluster import joblib
from harness.runner import lock_of, run
from harness.sweep.compose import sweep
from harness.sweep.keyed import Keyed
from harness.sweep.plan import Plan, plan
from tests.cluster.figures import working
from tests.stored import cells

SWEEP = ("run", "-m", "task=mini_ner,mini_pos", "model=lexical", "source=eng,deu", "target=eng,jpn", "model.threads=2",
         "tracking=none", "analysis=none")  # fmt: skip
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")

KILLER = """
import os, signal
from harness.models.base import MODELS
from harness.models.floors import Majority

@MODELS.add("killer")
class Killer(Majority):
    def train(self, data, *others):
        if [corpus.language for corpus in data.corpora] == ["eng"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train(data, *others)
"""


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    """What is left goes on in as many new ones."""
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
    assert "a worker process died (SIGKILL) at mini_" in said
    assert "Traceback" not in said
    assert " left + " not in said  # by the launching process


def test_a_job_that_kills_its_process_is_given_up_and_the_others_end(harness, tmp_path: Path) -> None:
    """Its model is a plugin's; nobody knows that it is one that kills."""
    (plugin := tmp_path / "plugin" / "killer-1.dist-info").mkdir(parents=True)
    (plugin / "METADATA").write_text("Name: killer\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[harness.models]\nkiller = killer\n")
    (plugin.parent / "killer.py").write_text(KILLER)
    (conf := tmp_path / "mine" / "model").mkdir(parents=True)
    (conf / "killer.yaml").write_text("family: killer\ntraining: {epochs: 1}\n")
    words = ("run", "-m", "--config-dir", "mine", "task=mini_ner", "model=killer", "source=deu,eng,fin,jpn,nld",
             "target=eng", "tracking=none", "analysis=none", *JOBLIB)  # fmt: skip
    done = harness(*words, code=1, PYTHONPATH=str(plugin.parent))
    (record,) = (tmp_path / "results" / "runs").rglob("error.json")
    error = json.loads(record.read_bytes())
    assert error["exception"] == "Lost"
    assert "its process died 2 times (SIGKILL): if memory ran out, lower hydra.launcher.n_jobs" in error["message"]
    assert done.stderr.count("a worker process died (SIGKILL) at mini_ner killer zero_shot eng -> eng") == 2
    assert done.stderr.count(" + mini_ner killer") == 4
    assert "Traceback" not in done.stderr
    assert " left + " not in done.stderr
    assert len(list((tmp_path / "results" / "runs").rglob("eng.json"))) == 4


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    words = ["task=mini_ner", "model=majority", "source=eng,deu", "target=eng", "tracking=none"]
    return plan(sweep([*words, f"results={tmp_path}"], multirun=True))


def dies_at(one: Keyed, planned: Plan) -> None:
    """What a launcher does whose worker, with the number of this process, dies at a job."""
    with planned.setting.store.lock(lock_of(one), what=one.predict_key):
        pass
    raise joblib._BrokenError({os.getpid(): -signal.SIGKILL})


def rounds(planned: Plan, *several: Callable[[], None]) -> tuple[list[set[str]], list[str]]:
    """The jobs that each round was given, and those that were given up."""
    begun: list[set[str]] = []
    lost: list[str] = []
    left = iter(several)

    def begin(wanted: Collection[str]) -> None:
        begun.append(set(wanted))
        next(left)()

    joblib.launch(planned, planned.open.keys(), begin, lost.extend)
    assert not [*left]
    return begun, lost


def test_a_job_that_comes_further_each_time_is_not_given_up(planned: Plan) -> None:
    first, second = planned.jobs
    both, rest = {first.predict_key, second.predict_key}, {first.predict_key}
    weights = planned.setting.store.checkpoint(first.train_key)

    def further() -> None:
        run(second.job, planned.setting)
        weights.mkdir(parents=True)
        dies_at(first, planned)

    begun, lost = rounds(planned, lambda: dies_at(first, planned), further, lambda: None)
    assert begun == [both, both, rest]
    assert lost == []
    begun, lost = rounds(planned, lambda: dies_at(first, planned), lambda: dies_at(first, planned))
    assert lost == [first.predict_key]


def test_of_jobs_that_share_weights_the_one_that_was_run_is_given_up(planned: Plan) -> None:
    first, second = planned.jobs
    shared = replace(planned, jobs=(first, replace(second, train_key=first.train_key)))
    assert lock_of(shared.jobs[0]) == lock_of(shared.jobs[1])
    begun, lost = rounds(shared, *[lambda: dies_at(first, shared)] * 2, lambda: None)
    assert lost == [first.predict_key]
    assert begun[2] == {second.predict_key}


def test_workers_that_die_before_they_begin_a_job_are_not_started_for_ever(
    planned: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    def dies() -> None:
        raise joblib._BrokenError({})

    begun, lost = rounds(planned, dies, dies)
    assert len(begun) == 2
    assert lost == []
    assert "going on here, one at a time" in capsys.readouterr().err

"""Jobs that are killed in the middle of training, and damaged caches: the records are those of a quiet run."""

import logging
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache

import pytest

from harness.engine.savepoint import Saved
from harness.errors import HarnessError
from harness.launch.manifest import LOST, clean
from harness.runner import run
from harness.storage.store import ErrorRecord, Store
from harness.sweep.compose import sweep
from harness.sweep.keyed import _models
from harness.sweep.plan import plan, setting

JOB = (
    "task=mini_pos", "model=tiny", "model.options.init=none", "model.options.pretraining=''", "model.options.width=32",
    "model.options.buckets=1024", "target=[deu,fin]", "size=64", "train.batch_size=16", "train.epochs=3",
    "select=source_dev", "tracking=none",
)  # fmt: skip
FEW = (*JOB, "strategy=few_shot", "strategy.shots=8")


class Killed(BaseException):
    """What no code of ours catches."""


def records(folder):
    files = [path for path in (folder / "runs").rglob("*") if path.name != "job.json" and path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@cache
def composed(*overrides):
    return plan(sweep(["results=elsewhere", *overrides], multirun=False))


def planned(folder, *overrides):
    found = composed(*overrides)
    # a state after every step
    return replace(found, setting=replace(found.setting, store=Store(folder), minutes=0.0))


def run_all(folder, *overrides):
    _models.clear()  # as in a new process
    found = planned(folder, *overrides)
    return found, [run(one.job, found.setting) for one in found.jobs]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    found = {}
    for overrides in (JOB, FEW):
        folder = tmp_path_factory.mktemp("undisturbed")
        run_all(folder, *overrides)
        found[overrides] = records(folder)
        assert len(found[overrides]) == 4
    return found


@pytest.mark.parametrize("overrides", [JOB, FEW], ids=["zero_shot", "few_shot"])
def test_a_job_killed_in_training_goes_on_and_leaves_the_same_records(
    undisturbed, tmp_path, monkeypatch, caplog, overrides
):
    caplog.set_level(logging.INFO)
    write, kills = Saved.write, [3, 2, 4]

    def killed(self, progress):
        write(self, progress)
        if kills and progress.step >= kills[0]:
            kills.pop(0)
            raise Killed

    monkeypatch.setattr(Saved, "write", killed)
    while kills:
        with pytest.raises(Killed):
            run_all(tmp_path, *overrides)
        left = [path.name for path in (tmp_path / "checkpoints").iterdir()]
        assert sum(name.endswith(".training") for name in left) == 1
    found, outcomes = run_all(tmp_path, *overrides)
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert records(tmp_path) == undisturbed[overrides]
    assert "training goes on at step 3 of 12" in caplog.text
    clean(found)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_process_killed_at_any_moment_of_training_leaves_what_the_next_goes_on_from(undisturbed, tmp_path):
    command = [sys.executable, "-m", "harness", "run", *JOB, "results=results", "checkpoint.minutes=1e-9"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    state, until = tmp_path / "results" / "checkpoints", time.monotonic() + 300
    while not list(state.glob(".*.training/state.safetensors")):
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < until
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "training goes on at step" in again.stderr
    assert records(tmp_path / "results") == undisturbed[JOB]
    assert not list(state.iterdir())


@pytest.mark.parametrize(
    ("error", "kept"), [(None, True), (LOST, True), ("HarnessError", False)], ids=["killed", "lost", "failed"]
)
@pytest.mark.parametrize("keep", ["all", "until_evaluated"])
def test_a_sweep_that_ends_leaves_the_state_of_jobs_that_are_to_go_on(tmp_path, error, kept, keep):
    found = planned(tmp_path, *FEW)
    found = replace(found, setting=replace(found.setting, keep=keep))
    one, store = found.jobs[0], found.setting.store
    store.training(one.train_key).mkdir(parents=True)
    if error:
        for job in found.jobs:
            store.write_error(
                job.job.task.name, job.predict_key, ErrorRecord(exception=error, message="", traceback="", job={})
            )
    clean(found)
    assert store.training(one.train_key).exists() == kept
    with store.lock(one.train_key):  # another sweep trains it
        clean(found)
    assert store.training(one.train_key).exists() == kept


def test_a_damaged_cache_costs_a_warning_and_changes_no_score(tmp_path, caplog):
    overrides = (
        "task=mini_pos", "model=tiny", "target=[deu,fin]", "size=64", "train.epochs=1", "tracking=none",
        "model.options.width=16", "model.options.buckets=1024", "~model.options.amounts",
        "+model.options.amounts={eng: 150, deu: 100, fin: 50}",
    )  # fmt: skip
    quiet, _ = run_all(tmp_path, *overrides)
    before = records(tmp_path)
    draw = random.Random(0)
    folders = [path for kind in ("tokens", "vectors") for path in (tmp_path / "cache" / kind).iterdir()]
    for folder in folders:
        file = draw.choice(sorted(folder.iterdir()))
        content = bytearray(file.read_bytes())
        content[draw.randrange(len(content))] ^= 16
        file.write_bytes(content if draw.random() < 0.5 else content[: len(content) // 2])
    for path in before:
        (tmp_path / path).unlink()
    quiet.setting.store.drop_checkpoint(quiet.jobs[0].train_key)
    run_all(tmp_path, *overrides)
    assert records(tmp_path) == before
    said = [record.message for record in caplog.records if "is damaged" in record.message]
    assert {text.split(" is")[0] for text in said} == {str(folder) for folder in folders}
    assert len(said) == len(folders) == 7


@pytest.fixture(scope="module")
def configuration():
    return sweep(["results=elsewhere"], multirun=False).composed[0].config


@pytest.mark.parametrize(("given", "minutes"), [(10, 10.0), (0.5, 0.5), (0, None), (None, None)])
def test_minutes_are_read_from_the_configuration(configuration, given, minutes):
    assert configuration["checkpoint"]["minutes"] == 10
    here = setting({**configuration, "checkpoint": {**configuration["checkpoint"], "minutes": given}})
    assert here.minutes == minutes


@pytest.mark.parametrize("given", ["often", -1, float("nan"), [1]])
def test_minutes_that_are_none_are_refused(configuration, given):
    with pytest.raises(HarnessError, match="expected a number of minutes, or null for never"):
        setting({**configuration, "checkpoint": {**configuration["checkpoint"], "minutes": given}})

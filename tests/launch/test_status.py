"""How far a sweep is, told from the store and from Slurm's queue; whatever the clocks say."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from harness.cluster.queue import Queued
from harness.launch.manifest import bury, manifest, release, running, submitted, weights_of
from harness.launch.status import BEHIND, clock, show, status
from harness.runner import lock_of, run
from harness.storage.records import ErrorRecord
from harness.storage.store import Store
from harness.sweep.compose import sweep
from harness.sweep.plan import plan
from tests.conftest import cell_record

WORDS = ("task=mini_ner", "model=majority", "source=eng,deu,spa,fin", "target=eng,jpn", "tracking=none")


@pytest.fixture
def planned(tmp_path):
    return plan(sweep([*WORDS, f"results={tmp_path}/results"], multirun=True))


def test_every_job_is_done_running_queued_or_failed(planned):
    store = planned.setting.store
    done, failed, held, _ = planned.jobs
    with manifest(planned, "task=mini_ner", "joblib"):
        assert run(done.job, planned.setting).status == "done"
        store.write_error("mini_ner", failed.predict_key, ErrorRecord.of(ValueError("no such file"), {}))
        with store.lock(lock_of(held)):
            (found,) = running(store)
            told = status(store, found, found.began + 7200)
            assert status(store, found, found.began).per_hour is None
    assert found.alive
    assert (len(found.jobs), told.done, told.queued) == (4, 1, 1)
    assert told.failed == {str(failed.job): "ValueError: no such file"}
    assert list(told.running) == [str(held.job)]
    assert "process" in told.running[str(held.job)]
    assert told.per_hour == 0.5  # one job in two hours; the two that are left take four more
    assert told.hours_left == 4
    assert list(running(store)) == []  # a sweep that ended leaves nothing


def test_what_was_done_before_the_sweep_says_nothing_of_its_pace(planned, tmp_path):
    store = planned.setting.store
    run(planned.jobs[0].job, planned.setting)
    with manifest(plan(sweep([*WORDS, f"results={tmp_path}/results"], multirun=True)), "", "basic"):
        (found,) = running(store)
        told = status(store, found, found.began + 3600)
    assert (told.done, told.queued, told.per_hour, told.hours_left) == (1, 3, None, None)


def test_a_record_that_is_to_be_made_anew_is_not_done_before_it_is(planned):
    """One of other data, or by another scorer: its file is there from the start."""
    store, one = planned.setting.store, planned.jobs[0]
    run(one.job, planned.setting)
    stale = [store.folder("mini_ner", one.predict_key) / f"{target}.json" for target in ("eng", "jpn")]
    with manifest(planned, "", "basic"):  # planned before it was there, so it is open
        (found,) = running(store)
        assert status(store, found, found.began).done == 0
        os.utime(stale[0])
        assert status(store, found, found.began).done == 0
        os.utime(stale[1])
        assert status(store, found, found.began).done == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_an_hour_apart_change_neither_pace_nor_what_is_done(planned, monkeypatch, hours):
    """Workers and readers have clocks of their own; what counts is the file system's."""
    store = planned.setting.store

    class Apart(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + timedelta(hours=hours)

    with manifest(planned, "", "basic"):
        monkeypatch.setattr("harness.storage.records.datetime", Apart)
        monkeypatch.setattr("time.time", lambda: Apart.now(UTC).timestamp())
        run(planned.jobs[0].job, planned.setting)
        record = store.read_job("mini_ner", planned.jobs[0].predict_key)
        (found,) = running(store)
        told = status(store, found, clock(store))
        monkeypatch.undo()
    shift = datetime.fromisoformat(record.created) - datetime.now(UTC)
    assert abs(shift - timedelta(hours=hours)) < timedelta(minutes=5)
    assert (told.done, told.queued) == (1, 3)
    assert 0 <= told.hours < 0.1
    assert told.per_hour > 10
    assert all(value >= 0 for value in record.timings.values())


def test_slurm_says_which_jobs_have_begun_and_why_others_wait(planned, monkeypatch):
    """A task that starts, reads, or waits for weights holds no lock of its job yet."""
    store = planned.setting.store
    first, second, third, fourth = planned.jobs
    with manifest(planned, "", "submitit_slurm") as path:
        submitted(path, {one.predict_key: f"7_{i}" for i, one in enumerate(planned.jobs[:2])})
        submitted(path, {one.predict_key: f"9_{i}" for i, one in enumerate(planned.jobs[2:])})
        (found,) = running(store)
        assert found.arrays == ("7", "9")
        queued = {
            "7_0": Queued("RUNNING", "None", "n1"),
            "7_1": Queued("COMPLETED", "None", "n2"),
            "9_0": Queued("PENDING", "Resources", ""),
            "9_1": Queued("RUNNING", "None", "n3"),
        }
        monkeypatch.setenv("SLURM_JOB_ID", "77")
        monkeypatch.setenv("SLURMD_NODENAME", "n9")
        with store.lock(lock_of(fourth)):
            told = status(store, found, found.began, queued)
    assert told.running[str(first.job)] == "n1, Slurm job 7_0, starting"
    assert told.running[str(fourth.job)].startswith("n3, Slurm job 9_1; waits for n9, Slurm job 77, process")
    assert told.waiting == {"Resources": 1}
    assert (told.queued, str(second.job) in told.running, str(third.job) in told.running) == (2, False, False)
    assert not list((store.root / "sweeps").iterdir())


def test_of_a_task_that_serves_several_jobs_one_is_run_and_the_others_wait_for_it(planned, monkeypatch):
    store = planned.setting.store
    first, second, third, fourth = planned.jobs
    serving = {"7_0": Queued("RUNNING", "None", "n1"), "7_1": Queued("PENDING", "Priority", "")}
    monkeypatch.setenv("SLURM_JOB_ID", "7_0")
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    with manifest(planned, "", "submitit_slurm") as path:
        submitted(path, {one.predict_key: "7_0" for one in planned.jobs[:3]} | {fourth.predict_key: "7_1"})
        (found,) = running(store)
        told = status(store, found, found.began, serving)
        assert told.running == {str(first.job): "n1, Slurm job 7_0, starting"}
        assert told.waiting == {BEHIND: 2, "Priority": 1}
        with store.lock(lock_of(second)):  # whatever the order
            told = status(store, found, found.began, serving)
        ((name, who),) = told.running.items()
        assert (name, who.partition(", process")[0]) == (str(second.job), "n1, Slurm job 7_0")
        assert (told.queued, told.waiting) == (3, {BEHIND: 2, "Priority": 1})
        assert run(second.job, planned.setting).status == "done"
        store.write_error("mini_ner", first.predict_key, ErrorRecord.of(ValueError("no such file"), {}))
        told = status(store, found, found.began + 3600, serving)
        assert (told.done, len(told.failed), told.queued, list(told.running)) == (1, 1, 1, [str(third.job)])
        ended = serving | {"7_0": Queued("NODE_FAIL", "None", "n1")}
        assert status(store, found, found.began, ended).running == {}


def test_a_job_behind_another_of_its_task_may_be_run_by_somebody_else_and_shares_no_weights_with_itself(planned):
    """Jobs that share weights share their lock, which says nothing of which of them is run."""
    store = planned.setting.store
    first, second, *_ = planned.jobs
    serving = {"7_0": Queued("RUNNING", "None", "n1")}
    with manifest(planned, "", "submitit_slurm") as path:
        submitted(path, {one.predict_key: "7_0" for one in planned.jobs})
        (found,) = running(store)
        with store.lock(lock_of(second)):  # of this process
            told = status(store, found, found.began, serving)
        assert list(told.running) == [str(first.job), str(second.job)]
        assert told.waiting == {BEHIND: 2}
        shared = replace(found, jobs=tuple(replace(job, lock="weights") for job in found.jobs))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_JOB_ID", "7_0")
            with store.lock("weights"):
                told = status(store, shared, shared.began, serving)
    assert list(told.running) == [str(first.job)]
    assert (told.queued, told.waiting) == (3, {BEHIND: 3})


def test_weights_stay_until_what_is_to_be_made_anew_with_them_has_been(tmp_path):
    """A record of other data is there by its name, and its job still needs the weights."""
    words = ("task=mini_pos", "model=lexical", "strategy=few_shot", "strategy.shots=5,8", "source=eng",
             "target=deu", "tracking=none", f"results={tmp_path}/results")  # fmt: skip
    store = Store(tmp_path / "results")
    first, second = plan(sweep(words, multirun=True)).jobs
    table = pd.DataFrame({"example_id": ["a"], "group_id": ["a"], "gold": ["[]"], "prediction": ["[]"]})
    old = cell_record(task="mini_pos", predict_key=second.predict_key, target="deu", n=1)
    store.write_cell(old, table)
    os.utime(store.folder("mini_pos", second.predict_key) / "deu.json", (1, 1))
    planned = plan(sweep(words, multirun=True))
    assert planned.open[second.predict_key] == ("deu",)
    (base,) = {*weights_of(first, planned.setting)} & {*weights_of(second, planned.setting)}
    store.checkpoint(base).mkdir(parents=True)
    with manifest(planned, "", "basic") as path:
        store.write_cell(replace(old, predict_key=first.predict_key), table)
        release(path, planned.setting, first.predict_key)
        assert store.checkpoint(base).exists()
        store.write_cell(old, table)
        release(path, planned.setting, second.predict_key)
        assert not store.checkpoint(base).exists()


def test_a_manifest_stays_as_long_as_slurm_has_tasks_of_its_sweep(planned, monkeypatch):
    store = planned.setting.store
    for says, left in ((True, 1), (None, 2), (False, 0)):  # None: Slurm does not answer
        monkeypatch.setattr("harness.launch.manifest.alive", lambda _, says=says: says)
        with suppress(RuntimeError), manifest(planned, "", "submitit_slurm") as path:
            submitted(path, {planned.jobs[0].predict_key: "7"})
            raise RuntimeError
        bury(store)
        assert len(list((store.root / "sweeps").glob("*.json"))) == left
        assert len(list((store.root / "sweeps").glob("*.slurm"))) == left
    with manifest(planned, "", "submitit_slurm") as path:
        submitted(path, {planned.jobs[0].predict_key: "7"})
        monkeypatch.setattr("harness.launch.manifest.alive", lambda _: True)
    assert not list((store.root / "sweeps").iterdir())  # one that came to its end leaves nothing


def test_a_sweep_whose_launcher_was_killed_is_said_to_be_so(planned, tmp_path, harness):
    store = planned.setting.store
    code = (
        "import os, sys\nfrom harness.launch.manifest import manifest\nfrom harness.sweep.compose import sweep\n"
        "from harness.sweep.plan import plan\n"
        "with manifest(plan(sweep(sys.argv[1:], multirun=True)), 'a b', 'basic'):\n"
        "    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, *WORDS, f"results={tmp_path}/results"], check=False)
    (found,) = running(store)
    assert not found.alive
    said = harness("status", code=0).stdout
    assert "launching process is gone: the same command goes on" in said
    assert "0 done, 0 running, 4 queued, 0 failed" in said
    (as_json,) = json.loads(harness("status", "--json", code=0).stdout)
    assert as_json["end"] is None


def test_no_sweep_and_no_store(harness, tmp_path):
    assert "no store there yet" in harness("status", code=2).stderr
    (tmp_path / "results").mkdir()
    assert "no sweep is under way" in harness("status", code=0).stdout
    error = ErrorRecord(exception="Lost", message="gone with its node", traceback="", job={"job": "mini_ner eng"})
    Store(tmp_path / "results").write_error("mini_ner", "p0", error)
    assert "failed: mini_ner eng: Lost: gone with its node" in harness("status", code=0).stdout


def test_an_interrupted_sweep_is_told_until_the_same_command_has_gone_on(planned, capsys):
    store = planned.setting.store
    with suppress(KeyboardInterrupt), manifest(planned, "task=mini_ner", "ray"):
        raise KeyboardInterrupt
    show(store.root, as_json=False)
    said = capsys.readouterr().out
    assert "harness run task=mini_ner" in said
    assert "the same command goes on with what is left" in said
    assert f"0 done, 0 running, {len(planned.jobs)} queued" in said
    with manifest(planned, "task=mini_ner", "ray"):
        assert len(list(running(store))) == 1
    assert not list(running(store))

"""The same sweep, started twice: on a cluster it is joined, on one machine it is shared, and no job runs twice."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.cluster.queue import Queued
from harness.errors import HarnessError
from harness.launch import joining
from harness.launch import run as launch
from harness.launch.manifest import manifest, running, submitted
from harness.runner import run
from harness.storage.store import ErrorRecord
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

WORDS = ("task=mini_ner", "model=majority", "source=eng,deu", "target=eng,jpn", "tracking=none", "analysis=none")


@pytest.fixture
def words(tmp_path):
    return [*WORDS, f"results={tmp_path}/results"]


@pytest.fixture
def planned(words):
    return plan(sweep(words, multirun=True))


def test_what_a_sweep_on_a_cluster_lists_is_elsewhere(planned):
    first, second = planned.jobs
    with manifest(planned, "", "ray", {first.predict_key}):
        assert set(joining.elsewhere(planned)) == {first.predict_key}
    assert joining.elsewhere(planned) == {}
    with manifest(planned, "", "joblib"):
        assert joining.elsewhere(planned) == {}  # it has its processors, and this process others
    run(second.job, planned.setting)
    with manifest(planned, "", "ray"):
        left = plan(sweep([*WORDS, f"results={planned.setting.store.root}"], multirun=True))
        assert set(joining.elsewhere(left)) == {first.predict_key}


@pytest.mark.parametrize(("says", "joined"), [(True, 2), (False, 0), (None, 0)])
def test_a_killed_launcher_is_joined_as_long_as_its_array_lives(planned, monkeypatch, words, says, joined):
    code = (
        "import os, sys\nfrom harness.launch.manifest import manifest, submitted\n"
        "from harness.sweep.compose import sweep\nfrom harness.sweep.plan import plan\n"
        "planned = plan(sweep(sys.argv[1:], multirun=True))\n"
        "with manifest(planned, 'a b', 'submitit_slurm') as path:\n"
        "    submitted(path, {one.predict_key: f'7_{i}' for i, one in enumerate(planned.jobs)})\n    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, *words], check=False)
    monkeypatch.setattr(joining, "alive", lambda arrays: says if arrays == ("7",) else False)
    assert len(joining.elsewhere(planned)) == joined


def test_what_was_cancelled_while_it_was_waited_for_is_not_begun_again(planned, monkeypatch):
    """The other task ended without a word as well, but nobody meant that."""
    first, second = planned.jobs
    with manifest(planned, "", "submitit_slurm") as path:
        submitted(path, {first.predict_key: "7_0", second.predict_key: "7_1"})
        (sweep_of_theirs,) = running(planned.setting.store)
    said = {"7_0": Queued("CANCELLED", "", ""), "7_1": Queued("NODE_FAIL", "", "")}
    monkeypatch.setattr(joining, "queue", lambda _: said)
    others = dict.fromkeys((first.predict_key, second.predict_key), sweep_of_theirs)
    assert joining.wait(planned.setting.store, others) == {first.predict_key: "7_0"}


@pytest.fixture
def other(planned, monkeypatch):
    """Another driver of the same sweep, on a cluster: it does something once it has been joined."""
    joined = threading.Event()
    monkeypatch.setattr(joining, "OFTEN", 0.05)
    monkeypatch.setattr(joining, "progress", lambda *_: joined.set() or "")

    @contextmanager
    def beside(does, tasks=None):
        begun = threading.Event()

        def drive() -> None:
            with manifest(planned, "x", "ray") as path:
                submitted(path, tasks or {})
                begun.set()
                assert joined.wait(60)
                does()

        thread = threading.Thread(target=drive)
        thread.start()
        begun.wait()
        yield
        thread.join()

    return beside


def test_a_joined_sweep_is_waited_for_and_what_it_leaves_is_run_here(planned, words, other, capsys):
    """One job it finishes, one it leaves undone."""
    with other(lambda: run(planned.jobs[0].job, planned.setting)):
        assert launch.run(["-m", *words]) == 0
    said = capsys.readouterr().err
    assert "2 open jobs are being run by process" in said
    assert "waiting for them" in said
    assert " + mini_ner majority zero_shot deu" in said
    assert " + mini_ner majority zero_shot eng" not in said


def test_what_was_cancelled_fails_in_words_and_what_was_lost_is_run_here(planned, words, other, monkeypatch, capsys):
    first, second = planned.jobs
    states = {"7_0": Queued("CANCELLED", "", ""), "7_1": Queued("NODE_FAIL", "", "")}
    monkeypatch.setattr(joining, "queue", lambda _: states)
    with other(lambda: None, {first.predict_key: "7_0", second.predict_key: "7_1"}):
        assert launch.run(["-m", *words]) == 1
    assert "task 7_0: CANCELLED" in capsys.readouterr().err
    store = planned.setting.store
    assert store.read_error("mini_ner", first.predict_key).exception == "Lost"
    assert store.targets("mini_ner", first.predict_key) == []
    assert store.targets("mini_ner", second.predict_key) == ["eng", "jpn"]


@pytest.mark.parametrize(("asked", "answers"), [("/usr/bin/squeue", 3), (None, 1)])
def test_a_slurm_that_is_silent_for_a_while_ends_no_waiting_unless_nobody_can_ask_it(
    planned, monkeypatch, asked, answers
):
    said = iter([None, None, False])
    looks = []
    with manifest(planned, "x", "submitit_slurm"):
        (sweep,) = running(planned.setting.store)
    gone = replace(sweep, alive=False, tasks={job.predict_key: "7_0" for job in sweep.jobs})
    monkeypatch.setattr(joining, "OFTEN", 0.01)
    monkeypatch.setattr(joining, "running", lambda _: [gone])
    monkeypatch.setattr(joining, "queue", lambda _: None)
    monkeypatch.setattr(joining, "alive", lambda _: looks.append(1) or next(said))
    monkeypatch.setattr(joining.shutil, "which", lambda _: asked)
    joining.wait(planned.setting.store, {one.predict_key: gone for one in planned.jobs})
    assert len(looks) == answers


def test_what_fails_in_a_joined_sweep_is_reported_and_not_tried_again(planned, words, other, capsys):
    def fail() -> None:
        for one in planned.jobs:
            error = ErrorRecord.of(ValueError("no such file"), {})
            planned.setting.store.write_error("mini_ner", one.predict_key, error)

    with other(fail):
        assert launch.run(["-m", *words]) == 1
    assert "ValueError: no such file" in capsys.readouterr().err


def test_a_file_system_without_locks_is_refused_before_anything_runs(planned, words, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(HarnessError, match=r"refuses locks \(No locks available\). Choose a results folder"):
        launch.run(["-m", *words])
    assert not list(planned.setting.store.root.glob("runs/*"))
    assert not list(running(planned.setting.store))

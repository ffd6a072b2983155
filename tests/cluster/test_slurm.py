"""Sweeps on a real Slurm that is kicked about: every record is in place at the end, in the bytes of a quiet run."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.storage.locks import holder
from tests.cluster.slurm_lab import Lab, slurm, wait_for, why_not
from tests.stored import cells

pytestmark = pytest.mark.cluster

SWEEP = ("task=mini_ner,mini_nli", "model=majority,lexical", "source=eng,deu", "target=eng,jpn")
QUIET = ("tracking=none", "analysis=none")
JOBS = 8
EACH = "hydra.launcher.timeout_min=10"  # a task for each of these jobs, which would share two
LONG = ("task=mini_ner", "model=tiny", "model.options.init=none", "model.options.buckets=4096", "source=eng",
        "target=eng,deu")  # fmt: skip
LIMIT = "hydra.launcher.timeout_min=5"  # who is told so near to its limit has reached it


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    pytest.importorskip("submitit")
    with slurm(tmp_path_factory.mktemp("slurm")) as one:
        yield one


@pytest.fixture(autouse=True)
def empty(lab: Lab) -> Iterator[None]:
    """A test's jobs end with it."""
    yield
    lab.ask("scancel", "--me")
    for node, state in lab.states().items():
        if state.startswith("down"):
            lab.back(node)
    wait_for(lambda: not lab.tasks(), 60, "tasks that do not end")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    command = [sys.executable, "-m", "harness", "run", "-m", *SWEEP, *QUIET]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return cells(folder / "results")


class Driver:
    """A ``harness run`` on Slurm in a process of its own."""

    def __init__(self, lab: Lab, folder: Path, *words: str) -> None:
        self.said = folder / f"said-{len(list(folder.glob('said-*')))}"
        command = [sys.executable, "-m", "harness", "run", "-m", "hydra/launcher=submitit_slurm", *words, *QUIET]
        with self.said.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, env=os.environ | lab.environment, start_new_session=True
            )
        atexit.register(self.process.kill)

    @property
    def words(self) -> str:
        return self.said.read_text()

    def says(self, words: str) -> None:
        wait_for(lambda: words in self.words or self.process.poll() is not None, 90, f"{words!r} is not said")
        assert words in self.words, self.words

    def ends(self, code: int = 0) -> str:
        assert self.process.wait(timeout=200) == code, self.words
        return self.words


def status(lab: Lab, folder: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "harness", "status", "--json"]
    done = subprocess.run(command, cwd=folder, env=os.environ | lab.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def at_work(lab: Lab, results: Path) -> dict[str, str]:
    """Running tasks that hold the lock of a job, and their nodes."""
    signed = " ".join(holder(path) or "" for path in (results / "cache" / "locks").glob("*.lock"))
    return {
        task: node for task, (state, node) in lab.tasks().items() if state == "RUNNING" and f"job {task}," in signed
    }


def signalled(lab: Lab, node: str, what: signal.Signals) -> None:
    """Sends a signal to the workers on a node."""
    for process in lab.processes(node):
        with suppress(OSError):
            if b"submitit.core._submit" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
                os.kill(process, what)


def halted(lab: Lab, results: Path) -> tuple[str, str]:
    """A task in the middle of a job, which cannot end any more, and its node."""
    while True:
        wait_for(lambda: at_work(lab, results), 60, "nobody at work")
        for task, node in at_work(lab, results).items():
            signalled(lab, node, signal.SIGSTOP)
            if task in at_work(lab, results):
                return task, node
            signalled(lab, node, signal.SIGCONT)


def test_a_sweep_kicked_about_ends_with_every_record(lab, undisturbed, tmp_path):
    """The driver is killed, then a worker, then a node; the same command joins the array, and finishes what is left."""
    results = tmp_path / "results"
    first = Driver(lab, tmp_path, *SWEEP, EACH)
    wait_for(lambda: len(at_work(lab, results)) > 1, 90, "no two tasks at work")
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()

    (told,) = status(lab, tmp_path)
    assert (told["alive"], told["jobs"], len(told["arrays"])) == (False, JOBS, 1)
    assert any("Slurm job" in who for who in told["running"].values())
    assert told["done"] + len(told["running"]) + told["queued"] == JOBS
    assert sum(told["waiting"].values()) == told["queued"] > 0

    second = Driver(lab, tmp_path, *SWEEP, EACH)
    second.says(f"array {told['arrays'][0]}")
    second.says("waiting for them")
    wait_for(lambda: at_work(lab, results), 60, "nobody at work")
    signalled(lab, next(iter(at_work(lab, results).values())), signal.SIGKILL)
    task, node = halted(lab, results)
    lab.kill(node)
    wait_for(lambda: lab.tasks()[task][0] == "PENDING", 30, "Slurm does not take the task back")
    lab.back(node)
    lab.again(task)

    second.ends(0)
    assert cells(results) == undisturbed
    jobs = [json.loads(path.read_bytes()) for path in results.glob("runs/*/*/job.json")]
    assert len(jobs) == JOBS
    hosts = {job["host"].split(",")[0] for job in jobs}
    assert hosts <= set(lab.nodes)
    assert len(hosts) > 1
    assert all("Slurm job " in job["host"] for job in jobs)
    assert not list((results / "sweeps").iterdir())

    assert "0 to do" in Driver(lab, tmp_path, *SWEEP, EACH).ends(0)
    assert status(lab, tmp_path) == []


def test_two_that_start_at_once_make_one_array_and_ctrl_c_leaves_it_running(lab, undisturbed, tmp_path):
    both = [Driver(lab, tmp_path, *SWEEP) for _ in range(2)]
    launched, joined = sorted(both, key=lambda one: "waiting for them" in decision(one))
    launched.says("in Slurm, tasks")
    assert "in Slurm, tasks" not in joined.words
    launched.process.send_signal(signal.SIGINT)
    assert "goes on in Slurm" in launched.ends(130)
    joined.ends(0)
    assert cells(tmp_path / "results") == undisturbed
    arrays = {json.loads(path.read_bytes())["host"].split()[-1].split("_")[0]
              for path in tmp_path.glob("results/runs/*/*/job.json")}  # fmt: skip
    assert len(arrays) == 1


def decision(one: Driver) -> str:
    """What a driver has said once it is known whether it launches or joins."""
    wait_for(
        lambda: "waiting for them" in one.words or "in Slurm, tasks" in one.words, 90, "neither launches nor joins"
    )
    return one.words


def test_a_job_cut_short_at_its_limit_or_for_a_better_one_goes_on_where_it_was(lab, tmp_path):
    words = (*LONG, "train.epochs=50", "checkpoint.minutes=0.01")  # longer than Slurm's grace, on any machine
    alone = tmp_path / "alone"
    alone.mkdir()
    command = [sys.executable, "-m", "harness", "run", "-m", *words, *QUIET]
    subprocess.run(command, cwd=alone, check=True, capture_output=True)
    driver = Driver(lab, tmp_path, *words, LIMIT)
    results = tmp_path / "results"
    wait_for(lambda: list(results.glob("checkpoints/.*.training/state.safetensors")), 60, "no state is kept")
    (task,) = lab.tasks()
    lab.ask("scancel", "--signal=USR2", task)  # what Slurm sends before the limit
    lab.again(task)
    wait_for(lambda: gone_on(results) == 1, 60, "it does not go on")
    lab.ask("scontrol", "requeue", task)  # what happens to one when another comes first
    lab.again(task)
    driver.ends(0)
    assert cells(results) == cells(alone / "results")
    assert gone_on(results) == 2


def gone_on(results: Path) -> int:
    """Times that a training run has gone on where it was, by the log of the only task."""
    return sum(path.read_text().count("goes on") for path in results.rglob("*_log.out"))


def test_a_job_that_gets_nowhere_between_two_limits_fails_and_does_not_loop(lab, tmp_path):
    driver = Driver(lab, tmp_path, *LONG, "train.epochs=500", "checkpoint.minutes=null", LIMIT)
    for again in (True, False):
        wait_for(lambda: at_work(lab, tmp_path / "results"), 60, "it does not start")
        (task,) = lab.tasks()
        lab.ask("scancel", "--signal=USR2", task)
        if again:
            lab.again(task)
    assert "2 times without coming any further" in driver.ends(1)


def test_slurms_refusal_is_said_in_its_words_and_leaves_nothing(lab, tmp_path):
    said = Driver(lab, tmp_path, *SWEEP, "hydra.launcher.partition=nowhere").ends(2)
    assert "Slurm refuses the sweep" in said
    assert "invalid partition" in said
    assert "Traceback" not in said
    assert not (tmp_path / "results").exists()


def test_with_a_task_that_dies_only_the_job_that_it_was_at_is_lost(lab, undisturbed, tmp_path):
    results = tmp_path / "results"
    driver = Driver(lab, tmp_path, *SWEEP, "hydra.launcher.array_parallelism=1")
    task, node = halted(lab, results)
    signalled(lab, node, signal.SIGKILL)
    said = driver.ends(1)
    assert f"task {task}: " in said
    errors = [path for path in cells(results) if path.endswith("error.json")]
    assert len(errors) == 1
    assert len([path for path in cells(results) if path in undisturbed]) == len(undisturbed) - 2 * 2
    Driver(lab, tmp_path, *SWEEP).ends(0)
    assert cells(results) == undisturbed

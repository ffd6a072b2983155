"""Sweeps on Ray: nodes that share no files, and nodes, processes and disks that die in the middle of a job."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import ray as on_ray
from harness.cluster.node import Done, Task, finished, jobs_of, receive, work
from harness.errors import HarnessError
from harness.launch.app import MANIFEST
from harness.launch.manifest import LOST
from harness.storage.store import Store
from harness.sweep.compose import sweep
from harness.sweep.keys import digest
from harness.sweep.plan import plan
from tests.cluster import ray_lab
from tests.cluster.figures import cells, working

FLOORS = ("task=mini_ner,mini_nli", "model=majority", "source=eng,deu", "target=eng,jpn", "tracking=none")
SWEEP = ("task=mini_ner,mini_pos", "model=lexical", "source=eng,deu,spa,fin", "target=eng,jpn", "tracking=none",
         "analysis=none")  # fmt: skip
JOBS = 8


def tasks(results: Path, *words: str) -> list[Task]:
    asked = sweep([*FLOORS, f"results={results}", *words], multirun=True)
    return [
        Task(one.config, one.choices, asked.options, str(i), str(results / "sweeps" / "marker"))
        for i, one in enumerate(asked.composed)
    ]


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a node that sees none of the driver's files puts its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "node"))
    return tmp_path / "node"


def test_a_node_without_the_drivers_files_sends_the_records_that_it_would_have_written(tmp_path, apart):
    together, alone = tasks(tmp_path / "together"), tasks(tmp_path / "apart")
    (tmp_path / "together" / "sweeps").mkdir(parents=True)
    (tmp_path / "together" / "sweeps" / "marker").touch()
    for task in together:
        assert not work(task).files
    for task in alone:
        assert not finished(task, jobs_of(task))
        done = work(task)
        names = list(done.files)
        assert [name for name in names if name.endswith(".parquet")]
        assert names == sorted(names, key=lambda name: not name.endswith(".parquet"))  # tables before records
        receive(done, task)
        assert finished(task, jobs_of(task))  # so that a second run sends it nowhere
    assert cells(tmp_path / "apart") == cells(tmp_path / "together")
    assert not list(apart.glob("harness-*/runs/*/*"))  # what was sent is not kept
    assert not list(apart.glob("harness-*/checkpoints/*"))  # nor are weights, which nobody there would drop


def test_a_record_that_comes_twice_is_written_and_tracked_once(tmp_path, apart):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    task, *_ = tasks(tmp_path / "results", "tracking=mlflow", f"tracking.uri={uri}")
    done = work(task)
    receive(done, task)
    once = cells(tmp_path / "results")
    receive(done, task)
    assert cells(tmp_path / "results") == once
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    (experiment,) = client.search_experiments(filter_string="name = 'harness'")
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_a_node_whose_disk_is_full_gives_the_task_back(tmp_path, apart, monkeypatch):
    task, *_ = tasks(tmp_path / "results")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Disk", (), {"free": 1000}))
    given_back = work(task)
    assert not given_back.files
    assert not given_back.outcomes
    assert "free on its disk" in given_back.unfit


def test_a_disk_that_fills_in_the_middle_of_a_job_is_no_failure_of_the_job(tmp_path, apart, monkeypatch):
    from harness.storage import store

    task, *_ = tasks(tmp_path / "results")
    with monkeypatch.context() as full:
        full.setattr(store, "write_examples", lambda path, *rest: (_ for _ in ()).throw(
            store.unwritable(path, OSError(28, os.strerror(28)))))  # fmt: skip
        assert "No space left on device" in work(task).unfit
    receive(work(task), task)
    assert finished(task, jobs_of(task))


def test_a_job_that_runs_out_of_memory_says_so_and_the_next_one_runs(tmp_path, apart, monkeypatch):
    from harness.models import floors

    first, second, *_ = tasks(tmp_path / "results")
    with monkeypatch.context() as small:
        small.setattr(floors.Majority, "train", lambda *_: (_ for _ in ()).throw(MemoryError("no 40 GB")))
        receive(work(first), first)
    receive(work(second), second)
    (one,) = jobs_of(first)
    error = Store(tmp_path / "results").read_error(one.job.task.name, one.predict_key)
    assert error is not None
    assert (error.exception, error.message) == ("MemoryError", "no 40 GB")
    assert finished(second, jobs_of(second))


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ("Task was killed due to low memory of http://me:secret@host.\nMore of it",
         "OutOfMemoryError: Task was killed due to low memory of http://me:***@host.; the same"),
        ("", "OutOfMemoryError; the same"),
    ],
)  # fmt: skip
def test_what_a_lost_task_was_lost_by_is_recorded(tmp_path, monkeypatch, said, recorded):
    ray = pytest.importorskip("ray")
    task, *_ = tasks(tmp_path / "results")

    def get(reference: object) -> None:
        raise ray.exceptions.OutOfMemoryError(said)

    monkeypatch.setattr(ray, "get", get)
    node, came = on_ray._result(None, task)
    assert (node, came) == ("", Done([]))
    (one,) = jobs_of(task)
    error = Store(tmp_path / "results").read_error(one.job.task.name, one.predict_key)
    assert error is not None
    assert error.exception == LOST
    assert error.message.startswith(recorded)


def test_jobs_ask_for_what_their_own_models_need_unless_the_command_line_says(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "large.yaml").write_text(
        "family: majority\nthreads: 3\nresources: {gpus: 1, memory_gb: 64}\n"
    )
    words = [*FLOORS, "model=large,majority", "hydra/launcher=ray"]
    for given, large, small in (((), (1, 3, 64), (0, 1, 4)), (("hydra.launcher.memory_gb=7",), (1, 3, 7), (0, 1, 7))):
        asked = sweep([*words, *given], True, str(tmp_path))
        needs = {one.job.model.name: on_ray._needs([one], asked.launcher) for one in plan(asked).jobs}
        assert {name: (one.gpus, one.cpus, one.memory_gb) for name, one in needs.items()} == {
            "large": large,
            "majority": small,
        }


def test_only_configurations_with_something_to_do_are_sent(tmp_path, monkeypatch):
    monkeypatch.setenv(MANIFEST, str(tmp_path / "marker"))
    asked = sweep([*FLOORS, f"results={tmp_path}"], multirun=True)
    sent = on_ray._tasks(asked, {3, 1})
    assert [one.number for one in sent] == ["1/2", "2/2"]
    assert [(one.choices["task"], one.config["source"]) for one in sent] == [("mini_ner", "deu"), ("mini_nli", "deu")]


def test_credentials_travel_with_a_task_and_are_shown_by_none(tmp_path, monkeypatch):
    monkeypatch.setenv(MANIFEST, str(tmp_path / "marker"))
    monkeypatch.setenv("HF_TOKEN", "hf_hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws_hunter2")
    monkeypatch.setenv("UNRELATED_TOKEN", "mine_hunter2")
    (sent,) = on_ray._tasks(sweep([*FLOORS, f"results={tmp_path}"], multirun=True), {0})
    assert sent.environment["HF_TOKEN"] == "hf_hunter2"
    assert sent.environment["AWS_SECRET_ACCESS_KEY"] == "aws_hunter2"
    assert "UNRELATED_TOKEN" not in sent.environment
    assert "hunter2" not in repr(sent)


def test_a_ray_of_another_version_is_an_error_for_people(monkeypatch):
    ray = pytest.importorskip("ray")

    def init(**_: object) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.9.0")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(HarnessError, match=r"at local: Version mismatch: .* with: Ray: 2"), on_ray._connected("local"):
        pass


def test_an_address_where_nothing_answers_is_said_at_once():
    pytest.importorskip("ray")
    with pytest.raises(HarnessError, match=r"no Ray answers at 127\.0\.0\.1:1: "), on_ray._connected("127.0.0.1:1"):
        pass


# -- on a real cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="Ray is not installed")
    with ray_lab.cluster(2) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([sys.executable, "-m", "harness", "run", "-m", *SWEEP], cwd=folder, check=True, capture_output=True)
    return cells(folder / "results")


@pytest.fixture
def start(cluster: Any, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the sweep on the cluster; it is killed when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def call(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "harness", "run", "-m", "hydra/launcher=ray", *SWEEP, *words,
                   f"hydra.launcher.address={cluster.address}", f"results={tmp_path}/results"]  # fmt: skip
        said = (tmp_path / f"log{len(started)}").open("w+")
        started.append(subprocess.Popen(command, cwd=tmp_path, stderr=said, stdout=subprocess.DEVNULL, text=True))
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.wait()


def said(tmp_path: Path, run: int = 0) -> str:
    return (tmp_path / f"log{run}").read_text()


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
    return found


def recorded(tmp_path: Path) -> dict[Path, int]:
    """When the records of complete jobs were written."""
    done = [path.parent for path in (tmp_path / "results").glob("runs/*/*/job.json")]
    return {path: path.stat().st_mtime_ns for folder in done for path in folder.iterdir()}


@pytest.mark.cluster
def test_a_killed_worker_is_replaced_and_a_killed_driver_goes_on_where_it_was(start, tmp_path, undisturbed):
    driver = start()
    killed = wait_for(lambda: working(tmp_path / "results"))[0]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: len(list((tmp_path / "results").glob("runs/*/*/job.json"))) >= 4)
    driver.kill()
    driver.wait()
    wait_for(lambda: not working(tmp_path / "results"))  # Ray ends the workers of a driver that is gone
    before = recorded(tmp_path)
    for path in before:
        assert path.suffix == ".parquet" or json.loads(path.read_bytes())
    assert start().wait(timeout=200) == 0, said(tmp_path, 1)
    assert cells(tmp_path / "results") == undisturbed
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list((tmp_path / "results" / "sweeps").glob("*"))


@pytest.mark.cluster
def test_a_worker_that_may_not_begin_again_leaves_a_word_and_the_others_their_results(start, tmp_path, undisturbed):
    """As the kernel does it that runs out of memory: SIGKILL, and no more."""
    driver = start("hydra.launcher.retries=0")
    os.kill(wait_for(lambda: working(tmp_path / "results"))[0], signal.SIGKILL)
    assert driver.wait(timeout=200) == 1, said(tmp_path)
    (lost,) = (tmp_path / "results").glob("runs/*/*/error.json")
    assert json.loads(lost.read_bytes())["exception"] == LOST
    assert "WorkerCrashedError" in json.loads(lost.read_bytes())["message"]
    assert len(list((tmp_path / "results").glob("runs/*/*/job.json"))) == JOBS - 1
    assert start().wait(timeout=200) == 0, said(tmp_path, 1)
    assert cells(tmp_path / "results") == undisturbed


@pytest.mark.cluster
def test_jobs_of_a_node_that_dies_run_again_elsewhere(start, cluster, tmp_path, undisturbed):
    third = cluster.add_node(num_cpus=1, memory=6 * ray_lab.GB)
    fourth = cluster.add_node(num_cpus=1, memory=6 * ray_lab.GB)
    try:
        driver = start("hydra.launcher.memory_gb=6")  # which the others do not have
        wait_for(lambda: working(tmp_path / "results"))
        cluster.remove_node(third, allow_graceful=False)
        assert driver.wait(timeout=200) == 0, said(tmp_path)
    finally:
        cluster.remove_node(fourth)
    assert cells(tmp_path / "results") == undisturbed


@pytest.mark.cluster
def test_a_node_with_a_full_disk_passes_its_jobs_on_to_one_that_sees_no_shared_files(
    start, cluster, tmp_path, undisturbed
):
    """Both have files of their own; one of them has next to no room for them."""
    if not ray_lab.can_mount(tmp_path / "mount"):
        pytest.skip("no file systems can be mounted here")
    results = tmp_path / "results"
    results.mkdir()
    theirs = Path("/tmp") / f"harness-{digest([os.uname().nodename, str(results)])}"
    theirs.mkdir()
    with ExitStack() as nodes:
        nodes.callback(theirs.rmdir)
        for size in ("1m", "1g"):
            nodes.enter_context(ray_lab.node_apart(cluster, 6, {results: "1m", theirs: size}))
        assert start("hydra.launcher.memory_gb=6").wait(timeout=200) == 0, said(tmp_path)
    assert cells(results) == undisturbed
    assert said(tmp_path).count("can run no more jobs") == 1


@pytest.mark.cluster
def test_a_job_that_fits_no_node_is_refused_in_words_and_the_others_run(start, tmp_path):
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "giant.yaml").write_text("family: majority\nresources: {gpus: 8, memory_gb: 640}\n")
    driver = start("--config-dir", "mine", "model=giant,majority", "source=eng", "hydra.launcher.wait_minutes=0.05")
    assert driver.wait(timeout=200) == 1, said(tmp_path)
    words = "no node has 1 CPU, 8 GPU, 640 GB; those that there are: 0 CPU"
    assert words in said(tmp_path)
    errors = [json.loads(path.read_bytes()) for path in (tmp_path / "results").glob("runs/*/*/error.json")]
    assert [error["exception"] for error in errors] == ["NoNode"] * 2
    assert len(list((tmp_path / "results").glob("runs/*/*/job.json"))) == 2


@pytest.mark.cluster
def test_tasks_of_a_group_run_side_by_side_in_processes_that_serve_many(cluster, tmp_path, monkeypatch):
    """Left to itself, Ray hands every group to every process."""
    ran = tmp_path / "ran"

    def note(task: Task) -> tuple[str, Done]:
        time.sleep(0.3)
        with ran.open("a") as file:
            file.write(f"{task.choices['task']} {os.getpid()}\n")
        return "", Done([])

    monkeypatch.setattr(on_ray, "_work", note)
    on_ray._remote.cache_clear()
    several = tasks(tmp_path / "results", "task=mini_ner,mini_nli,mini_pos,mini_qa", "source=eng,deu,spa,fin,rus")
    wanted = {one.predict_key for task in several for one in jobs_of(task)}
    asks = {"cpus": None, "gpus": None, "memory_gb": None, "retries": 0, "wait_minutes": 1}
    try:
        with on_ray._connected(cluster.address):
            on_ray._run(several, wanted, asks)
    finally:
        on_ray._remote.cache_clear()
    found = ran.read_text().splitlines()
    assert len(found) == 20
    assert len({line.split()[1] for line in found}) == 2
    assert len(set(found)) < 8  # 4 to 6, mostly; 8 where every process has tasks of every group


@pytest.mark.cluster
def test_a_job_sees_the_gpus_that_it_asked_for_and_no_two_the_same_at_once(tmp_path, monkeypatch):
    """Devices that are not there: what Ray hands out, and whether a process that was shown others gets them."""
    pytest.importorskip("ray", reason="Ray is not installed")
    ran = tmp_path / "ran"

    def note(task: Task) -> tuple[str, Done]:
        began, shown = time.time(), os.environ.get("HARNESS_TEST_SHOWN")
        done = whole(task)
        os.environ["HARNESS_TEST_SHOWN"] = devices = os.environ["CUDA_VISIBLE_DEVICES"]
        time.sleep(0.3)
        with ran.open("a") as file:
            file.write(json.dumps([task.choices["model"], devices, shown, began, time.time()]) + "\n")
        return done

    whole = on_ray._work
    monkeypatch.setattr(on_ray, "_work", note)
    on_ray._remote.cache_clear()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "large.yaml").write_text("family: majority\nresources: {gpus: 1}\n")
    asked = sweep(
        [*FLOORS, "task=mini_ner", "source=eng,deu,spa", "model=majority,large", f"results={tmp_path}/results"],
        True,
        str(tmp_path),
    )
    several = [Task(one.config, one.choices, asked.options, "", "") for one in asked.composed]
    wanted = {one.predict_key for task in several for one in jobs_of(task)}
    asks = {"cpus": None, "gpus": None, "memory_gb": 1, "retries": 0, "wait_minutes": 1}
    try:
        with ray_lab.cluster(1, cpus=3, gpus=2) as made, on_ray._connected(made.address):
            on_ray._run(several, wanted, asks)
    finally:
        on_ray._remote.cache_clear()
    found = [json.loads(line) for line in ran.read_text().splitlines()]
    assert len(found) == 6
    for model, devices, shown, *_ in found:
        assert devices in (("0", "1") if model == "large" else ("",))
        assert shown in (None, devices)
    spans = sorted((devices, began, ended) for _, devices, _, began, ended in found if devices)
    assert {devices for devices, *_ in spans} == {"0", "1"}
    for (devices, _, ended), (other, began, _) in itertools.pairwise(spans):
        assert devices != other or ended <= began


@pytest.mark.cluster
def test_a_worker_that_rays_own_monitor_kills_for_memory_leaves_a_word_or_runs_again(
    start, cluster, tmp_path, undisturbed
):
    """The machine is as empty as it was: the node reads of its memory in a file that the test writes."""
    if not ray_lab.can_mount(tmp_path / "mount"):
        pytest.skip("no file systems can be mounted here")
    memory, results = tmp_path / "meminfo", tmp_path / "results"

    def free(part: float) -> None:
        kb = 8 * 2**20
        lines = [f"{name}: {amount:10.0f} kB" for name, amount in (
            ("MemTotal", kb), ("MemFree", part * kb), ("MemAvailable", part * kb), ("Buffers", 0), ("Cached", 0),
            ("SwapTotal", 0), ("SwapFree", 0), ("Shmem", 0), ("SReclaimable", 0))]  # fmt: skip
        memory.touch()
        with memory.open("r+") as file:  # in its place, and of the same length
            file.write("\n".join([*lines, ""]))

    words = ("source=eng,deu", "hydra.launcher.memory_gb=6")
    free(0.9)
    with ray_lab.node_apart(cluster, 6, {Path("/proc/meminfo"): memory}):
        driver = start(*words, "hydra.launcher.retries=1")
        wait_for(lambda: working(results))
        free(0.01)
        wait_for(lambda: list(results.glob("runs/*/*/error.json")))
        free(0.9)
        assert driver.wait(timeout=200) == 1, said(tmp_path)
        lost = [json.loads(path.read_bytes()) for path in results.glob("runs/*/*/error.json")]
        for error in lost:
            assert error["exception"] == LOST
            assert re.match("OutOfMemoryError: .*killed due to the node running low on memory", error["message"])
        assert len(list(results.glob("runs/*/*/job.json"))) == 4 - len(lost)
        again = start(*words)
        worker = wait_for(lambda: working(results))[0]
        free(0.01)
        wait_for(lambda: not Path(f"/proc/{worker}").exists())
        free(0.9)
        assert again.wait(timeout=200) == 0, said(tmp_path, 1)
    assert len(list(results.glob("runs/*/*/job.json"))) == 4
    assert cells(results).items() < undisturbed.items()

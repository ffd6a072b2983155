"""Sweeps as they are run: resumed, killed, doubled, failing; the records at the end are what counts."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.sweep import compose
from tests.stored import cells

SWEEP = (
    "run", "-m", "task=mini_ner,mini_nli", "model=majority,lexical", "source=eng,deu", "target=eng,fin,jpn",
    "train.epochs=1", "tracking=none",
)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([sys.executable, "-m", "harness", *SWEEP], cwd=folder, check=True, capture_output=True)
    return cells(folder / "results")


def start(folder: Path, log: Path | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harness", *SWEEP]
    said = log.open("wb") if log else subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True)


def test_a_sweep_has_every_cell_and_a_second_run_does_nothing(harness, undisturbed, tmp_path):
    assert sum(name.endswith(".parquet") for name in undisturbed) == 8 * 3
    assert len(undisturbed) == 2 * 8 * 3  # no error record, nothing else
    harness(*SWEEP, code=0)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").rglob("*.json")}
    again = harness(*SWEEP, code=0)
    assert "24 done, 0 to do" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").rglob("*.json")} == before
    assert not any((tmp_path / "results" / "checkpoints").iterdir())


def test_a_sweep_killed_at_random_moments_ends_with_the_same_bytes(harness, undisturbed, tmp_path):
    moments = random.Random(7)
    for _ in range(4):
        process = start(tmp_path)
        time.sleep(moments.uniform(1.5, 5.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    harness(*SWEEP, code=0)
    assert cells(tmp_path / "results") == undisturbed
    for folder in ("checkpoints", "sweeps"):  # nothing is left of the killed ones
        assert not list((tmp_path / "results" / folder).glob("*"))


def test_two_processes_do_every_job_once_and_leave_the_same_bytes(undisturbed, tmp_path):
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    both = [start(tmp_path, log) for log in logs]
    assert [process.wait(timeout=240) for process in both] == [0, 0]
    assert cells(tmp_path / "results") == undisturbed
    # `+` marks a job that was computed: each of the eight stands in one of the two logs, once
    lines = [line for log in logs for line in log.read_text().splitlines()]
    computed = [line.split(" + ", 1)[1].split("  ")[0] for line in lines if " + " in line]
    assert len(computed) == len(set(computed)) == 8


def test_one_failing_job_leaves_an_error_record_and_the_others_results(harness, tmp_path):
    task = tmp_path / "mine" / "task"
    task.mkdir(parents=True)
    (task / "broken.yaml").write_text(
        "type: pos\nlanguages: [eng, deu]\nlabels: [X, Y]\nsplits: {train: train, test: test}\n"
        "files: {reader: conll, path: '{code}-{split}.txt', options: {delimiter: whitespace, word: 0, tag: 1}}\n"
        "metrics: [accuracy]\nprotocol: {epochs: 1}\n"
    )
    for name in ("eng-train", "eng-test", "deu-test"):
        (tmp_path / f"{name}.txt").write_text("a X\nb Y\n\nc X\n\n")
    (tmp_path / "deu-train.txt").write_text("a X\nb Z\n\n")
    sweep = (
        "run", "-m", "--config-dir", "mine", "task=broken", "model=majority", "source=eng,deu", "target=all",
        f"data.root={tmp_path}", "tracking=none",
    )  # fmt: skip
    done = harness(*sweep, code=1)
    assert "deu-train.txt, line 2: tag 'Z' is not one of X, Y" in done.stderr
    assert len(list((tmp_path / "results" / "runs").rglob("error.json"))) == 1
    assert len(list((tmp_path / "results" / "runs").rglob("*.parquet"))) == 2
    (tmp_path / "deu-train.txt").write_text("a X\nb Y\n\n")
    mended = harness(*sweep, code=0)  # other data, so another key: what failed before is not counted against it
    assert "failed" not in mended.stderr
    assert len(list((tmp_path / "results" / "runs").rglob("*.parquet"))) == 4


def test_a_damaged_record_is_named_moved_aside_and_recomputed(harness, undisturbed, tmp_path):
    harness(*SWEEP, code=0)
    record = next((tmp_path / "results" / "runs").rglob("fin.json"))
    record.write_text(record.read_text()[:40])
    done = harness(*SWEEP, code=0)
    assert record.name in done.stderr
    assert "23 done, 1 to do" in done.stderr
    kept = {name: digest for name, digest in cells(tmp_path / "results").items() if "damaged" not in name}
    assert kept == undisturbed
    assert len(list((tmp_path / "results" / "runs").rglob("*damaged*"))) == 1


def test_a_new_target_trains_again_only_what_is_not_kept_and_leaves_old_cells_alone(harness, tmp_path):
    first = ("run", "task=mini_pos", "model=majority", "tracking=none", "checkpoint.keep=all")
    harness(*first, "target=deu", code=0)
    old = cells(tmp_path / "results")
    trained = [path.stat().st_mtime_ns for path in (tmp_path / "results" / "checkpoints").rglob("*.json")]
    harness(*first, "target=[deu,fin]", code=0)
    assert old.items() <= cells(tmp_path / "results").items()
    assert [path.stat().st_mtime_ns for path in (tmp_path / "results" / "checkpoints").rglob("*.json")] == trained


def test_a_launcher_without_a_sweep_is_refused_and_nothing_is_run_here(harness, tmp_path):
    words = ("task=mini_ner", "model=majority", "source=eng", "target=eng", "tracking=none")
    said = harness("run", *words, "hydra/launcher=joblib", code=2).stderr
    assert "hydra/launcher is for sweeps: add -m" in said
    assert not (tmp_path / "results").exists()


def test_a_launcher_for_slurm_that_is_not_installed_names_what_installs_it(monkeypatch):
    monkeypatch.setattr("harness.sweep.hydra_compose.find_spec", lambda _: None)
    with pytest.raises(HarnessError, match=r"submitit_absent.*pip install 'multilingual-harness\[slurm\]'"):
        compose.sweep(["task=mini_ner", "hydra/launcher=submitit_absent"], multirun=True)

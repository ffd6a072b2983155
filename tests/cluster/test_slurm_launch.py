"""What is put around submitit: which tasks are submitted, how they are waited for, and when one goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.cluster import slurm
from harness.cluster.queue import Queued, alive, queue
from harness.cluster.slurm import patience, works
from harness.cluster.work import Work
from harness.compose import sweep
from harness.errors import HarnessError, TimeLimitError
from harness.plan import plan
from harness.runner import run

pytest.importorskip("submitit")

from hydra.core.utils import JobReturn, JobStatus
from submitit.core.utils import DelayedSubmission, FailedJobError, cloudpickle_dump
from submitit.slurm.slurm import SlurmExecutor, SlurmJob

WORDS = ("task=mini_ner", "model=majority", "source=eng,deu", "target=eng,jpn", "tracking=none")
DONE = {"job": "a job", "task": "mini_ner", "predict_key": "p", "status": "done"}


def returned(status: JobStatus = JobStatus.COMPLETED, value: object = None) -> tuple[str, JobReturn]:
    return "success", JobReturn(status=status, _return_value=[DONE] if value is None else value)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """A launch on a Slurm that runs nothing: its arrays are numbered from 1, what tasks wrote is given."""

    def call(works: Mapping[int, Work], of: int, wrote: Mapping[str, object], raising: bool = False) -> Any:
        arrays: list[dict[int, Mapping[str, object]]] = []

        def submit(executor: SlurmExecutor, part: list[DelayedSubmission]) -> list[SlurmJob[Any]]:
            arrays.append({one.args[2]: dict(executor.parameters) for one in part})
            tasks = [SlurmJob(tmp_path / "%j", f"{len(arrays)}_{i}") for i in range(len(part))]
            for task in tasks:
                task.paths.folder.mkdir(parents=True)
                if task.job_id in wrote:
                    cloudpickle_dump(wrote[task.job_id], task.paths.result_pickle)
            return tasks

        monkeypatch.setattr(SlurmExecutor, "_internal_process_submissions", submit)
        monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda _: 2))
        monkeypatch.setattr(slurm, "queue", lambda _: {"1_0": Queued("OUT_OF_MEMORY", "None", "n1")})
        monkeypatch.setattr(slurm, "LATE", 0.0)
        monkeypatch.setattr(slurm, "largest_array", lambda: 3)
        told: dict[int, str] = {}
        with patience(works, told.update, raising) as lost:
            executor = SlurmExecutor(tmp_path)
            tasks = executor._internal_process_submissions(
                [DelayedSubmission(print, [], "dir", number, "id", {}) for number in range(of)]
            )
            return [task.results()[0] for task in tasks], arrays, told, dict(lost)

    return call


def work(**asks: object) -> Work:
    return Work({}, Path(), (), 60, asks)


def test_only_what_is_wanted_is_submitted_in_arrays_that_ask_alike_and_are_not_too_long(launch, capsys):
    small, large = work(mem_gb=1), work(mem_gb=9, gpus_per_node=1)
    wanted = {1: small, 2: small, 3: large, 4: small, 5: small}
    wrote = {task: returned() for task in ("1_0", "1_1", "1_2", "2_0", "3_0")}
    results, arrays, told, lost = launch(wanted, 7, wrote)
    assert [list(array) for array in arrays] == [[1, 2, 4], [5], [3]]
    asked = [next(iter(array.values())) for array in arrays]
    assert [(one["mem"], one.get("gpus_per_node")) for one in asked] == [("1GB", None), ("1GB", None), ("9GB", 1)]
    assert told == {1: "1_0", 2: "1_1", 4: "1_2", 5: "2_0", 3: "3_0"}
    assert len(results) == 5
    assert not lost
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said] == ["1/5", "2/5", "4/5", "5/5", "3/5"]  # of those submitted


def test_a_lost_task_hides_no_other_and_its_reason_is_kept(launch, capsys):
    """Results are read in order; Slurm itself says that the first ended, and has forgotten the second."""
    wrote = {"1_2": returned(), "2_0": ("error", "Traceback\nImportError: no torch"),
             "2_1": returned(JobStatus.FAILED, ValueError("wrong"))}  # fmt: skip
    results, _, _, lost = launch({number: work() for number in range(5)}, 5, wrote)
    assert [one.return_value for one in results] == [[], [], [DONE], [], []]
    assert lost == {
        0: "task 1_0: OUT_OF_MEMORY",
        1: "task 1_1: no longer known to Slurm",
        3: "task 2_0: ImportError: no torch",
        4: "task 2_1: ValueError: wrong",
    }
    assert "3/5 + a job" in capsys.readouterr().err


def test_a_task_that_raises_ends_the_sweep_where_that_was_asked_for(launch):
    (one,), *_ = launch({0: work()}, 1, {"1_0": returned(JobStatus.FAILED, ValueError("wrong"))}, raising=True)
    with pytest.raises(ValueError, match="wrong"):
        _ = one.return_value


def test_a_refusal_is_an_error_for_people(monkeypatch, tmp_path):
    def refuse(*_: object) -> None:
        raise FailedJobError("sbatch: error\nsbatch: error: Batch job submission failed: Invalid account")

    monkeypatch.setattr(SlurmExecutor, "_internal_process_submissions", refuse)
    monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda _: 2))
    refused = pytest.raises(HarnessError, match=r"Slurm refuses the sweep: .*Invalid account")
    with refused, patience({0: work()}, print, raising=False):
        SlurmExecutor(tmp_path)._internal_process_submissions([DelayedSubmission(print, [], "dir", 0, "id", {})])


def test_works_are_those_of_open_jobs(tmp_path):
    words = [*WORDS, f"results={tmp_path}"]
    asked = plan(sweep(words, multirun=True))
    first, second = asked.jobs
    found = works(asked, {second.predict_key}, {"A": "b"}, ["hydra.launcher.timeout_min=7"])
    assert list(found) == [1]
    assert found[1].keys == (("mini_ner", second.predict_key, (second.train_key,)),)
    assert found[1].environment == {"A": "b"}
    assert "timeout_min" not in found[1].asks
    assert list(works(asked, {first.predict_key, second.predict_key}, {}, [])) == [0, 1]


def test_what_several_configurations_ask_for_is_the_work_of_one(tmp_path):
    """Nothing is trained: seeds change no job."""
    words = ["task=mini_retrieval", "model=lexical", "source=eng,deu", "seed=0,1,2", "tracking=none"]
    asked = plan(sweep([*words, f"results={tmp_path}"], multirun=True))
    assert len(asked.jobs) == 2
    assert list(works(asked, {one.predict_key for one in asked.jobs}, {}, [])) == [0, 3]


def test_a_task_goes_on_as_long_as_it_comes_further(tmp_path):
    """Further is: more records, more weights, more steps; a state that was thrown away is no step ahead."""
    asked = plan(sweep([*WORDS, f"results={tmp_path}"], multirun=True))
    store, one = asked.setting.store, asked.jobs[0]
    begun = works(asked, {one.predict_key}, {}, ["hydra.launcher.timeout_min=5"])[0]

    def keep(step: int) -> None:
        store.training(one.train_key).mkdir(parents=True, exist_ok=True)
        content = {"plain": json.dumps({"step": step}), "checksum": ""}
        save_file({"losses": np.zeros(step)}, store.training(one.train_key) / "state.safetensors", content)

    once = begun.checkpoint("overrides").function
    assert begun.checkpoint("overrides").args == ("overrides",)
    with pytest.raises(TimeLimitError, match="2 times without coming any further"):
        once.checkpoint()
    preempted = works(asked, {one.predict_key}, {}, [])[0].checkpoint().function  # told an hour before its limit
    assert preempted.checkpoint().function.idle == 0
    keep(10)
    further = once.checkpoint().function
    assert (further.before, further.idle) == ((0, 0, 10), 0)
    keep(7)
    stuck = further.checkpoint().function
    (store.training(one.train_key) / "state.safetensors").write_bytes(b"torn")
    with pytest.raises(TimeLimitError):
        stuck.checkpoint()
    assert run(one.job, asked.setting).status == "done"
    assert stuck.checkpoint().function.before == (2, 1, 0)


@pytest.fixture
def squeue(monkeypatch, tmp_path) -> Callable[[str], None]:
    """A ``squeue`` that does what a line of shell says."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def says(line: str) -> None:
        (tmp_path / "squeue").write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / "squeue").chmod(0o755)

    return says


def test_what_slurm_says_of_an_array(squeue):
    squeue("echo '5_0|RUNNING|None|n1'; echo '5_1|PENDING|Resources|'; echo '5_2|TIMEOUT|TimeLimit|n2'")
    found = queue(["5"])
    assert found == {
        "5_0": Queued("RUNNING", "None", "n1"),
        "5_1": Queued("PENDING", "Resources", ""),
        "5_2": Queued("TIMEOUT", "TimeLimit", "n2"),
    }
    assert [task.ended for task in found.values()] == [False, False, True]
    assert alive(["5"]) is True
    squeue("echo '5_2|TIMEOUT|TimeLimit|n2'")
    assert alive(["5"]) is False


def test_an_array_that_slurm_has_forgotten_is_over_and_a_slurm_that_is_silent_is_not_known(squeue, monkeypatch):
    squeue("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert alive(["5"]) is False
    squeue("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    assert alive(["5"]) is None
    assert alive([]) is False
    monkeypatch.setenv("PATH", "/nowhere")
    assert queue(["5"]) is None


def test_a_machine_without_slurm_says_so_and_launches_nothing(harness, tmp_path):
    said = harness("run", "-m", "hydra/launcher=submitit_slurm", *WORDS, code=2, PATH="/nowhere").stderr
    assert "there is no sbatch here" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "results" / "sweeps").iterdir())

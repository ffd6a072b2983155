"""What is put around submitit: which tasks are submitted, how they are waited for, and when one goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.cluster import submitit
from harness.cluster.queue import Queued, alive, queue
from harness.cluster.slurm import blamed, works
from harness.cluster.submitit import Lost, patience
from harness.cluster.work import Work
from harness.errors import HarnessError, TimeLimitError
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

pytest.importorskip("submitit")

from hydra.core.utils import JobReturn, JobStatus
from submitit.core.utils import DelayedSubmission, FailedJobError, cloudpickle_dump
from submitit.slurm.slurm import SlurmExecutor, SlurmJob

WORDS = ("task=mini_ner", "model=majority", "source=eng,deu", "target=eng,jpn", "tracking=none")
DONE = {"job": "a job", "task": "mini_ner", "predict_key": "p", "status": "done"}


def returned(*jobs: JobReturn) -> tuple[str, list[JobReturn]]:
    """What a task writes: what Hydra says of each of its jobs, or of the only one, which is done."""
    return "success", list(jobs or [ended()])


def ended(status: JobStatus = JobStatus.COMPLETED, value: object = None) -> JobReturn:
    return JobReturn(status=status, _return_value=[DONE] if value is None else value)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """A launch on a Slurm that runs nothing: its arrays are numbered from 1, what tasks wrote is given."""

    def call(
        works: Sequence[Work], of: int, wrote: Mapping[str, object], raising: bool = False, state: str = "OUT_OF_MEMORY"
    ) -> Any:
        arrays: list[dict[tuple[int, ...], Mapping[str, object]]] = []

        def submit(executor: SlurmExecutor, part: list[DelayedSubmission]) -> list[SlurmJob[Any]]:
            assert [[args[2] for _, args in one.function.calls] for one in part] == [
                list(one.function.numbers) for one in part
            ]
            arrays.append({one.function.numbers: dict(executor.parameters) for one in part})
            tasks = [SlurmJob(tmp_path / "%j", f"{len(arrays)}_{i}") for i in range(len(part))]
            for task in tasks:
                task.paths.folder.mkdir(parents=True)
                if task.job_id in wrote:
                    cloudpickle_dump(wrote[task.job_id], task.paths.result_pickle)
            return tasks

        monkeypatch.setattr(SlurmExecutor, "_internal_process_submissions", submit)
        monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda _: 2))
        monkeypatch.setattr(submitit, "queue", lambda _: {"1_0": Queued(state, "None", "n1")})
        monkeypatch.setattr(submitit, "LATE", 0.0)
        monkeypatch.setattr(submitit, "largest_array", lambda: 3)
        told: dict[int, str] = {}
        with patience(works, told.update, lambda: "1 of 2 done", raising) as lost:
            executor = SlurmExecutor(tmp_path)
            tasks = executor._internal_process_submissions(
                [DelayedSubmission(print, [], "dir", number, "id", {}) for number in range(of)]
            )
            return [task.results()[0] for task in tasks], arrays, told, list(lost)

    return call


def work(*numbers: int, **asks: object) -> Work:
    return Work({}, Path(), (), 60, numbers, asks)


def test_only_what_is_wanted_is_submitted_in_arrays_that_ask_alike_and_are_not_too_long(launch, capsys):
    small = [work(number, mem_gb=1) for number in (1, 2, 4)]
    wanted = [*small[:2], work(3, mem_gb=9, gpus_per_node=1), small[2], work(5, 6, mem_gb=1)]
    wrote = {task: returned() for task in ("1_0", "1_1", "1_2", "3_0")} | {"2_0": returned(ended(), ended())}
    results, arrays, told, lost = launch(wanted, 8, wrote)
    assert [list(array) for array in arrays] == [[(1,), (2,), (4,)], [(5, 6)], [(3,)]]
    asked = [next(iter(array.values())) for array in arrays]
    assert [(one["mem"], one.get("gpus_per_node")) for one in asked] == [("1GB", None), ("1GB", None), ("9GB", 1)]
    assert told == {1: "1_0", 2: "1_1", 4: "1_2", 5: "2_0", 6: "2_0", 3: "3_0"}
    assert len(results) == 5
    assert not lost
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said] == ["1/6", "2/6", "4/6", "5/6", "6/6", "3/6"]  # of those submitted


def test_a_lost_task_hides_no_other_and_its_reason_is_kept(launch, capsys):
    """Results are read in order; Slurm itself says that the first ended, and has forgotten the second."""
    wrote = {"1_2": returned(), "2_0": ("error", "Traceback\nImportError: no torch"),
             "2_1": returned(ended(), ended(JobStatus.FAILED, ValueError("wrong")), ended())}  # fmt: skip
    works = [work(0, 1), *(work(number) for number in (2, 3, 4)), work(5, 6, 7)]
    results, _, _, lost = launch(works, 8, wrote)
    assert [one.return_value for one in results] == [[]] * 5
    assert lost == [
        Lost((0, 1), "task 1_0: OUT_OF_MEMORY"),
        Lost((2,), "task 1_1: no longer known to Slurm", None),
        Lost((4,), "task 2_0: ImportError: no torch"),
        Lost((6,), "task 2_1: ValueError: wrong", None),
    ]
    said = [line.split()[0] for line in capsys.readouterr().err.splitlines() if "+ a job" in line]
    assert said == ["4/8", "6/8", "8/8"]


def test_a_cancelled_task_is_told_from_one_that_died(launch):
    *_, lost = launch([work(0, 1)], 2, {}, state="CANCELLED")
    assert lost == [Lost((0, 1), "task 1_0: CANCELLED", ended=None)]


def test_what_stands_behind_a_job_that_ended_at_the_limit_is_begun_again(launch):
    _, _, _, lost = launch([work(0, 1, 2)], 3, {"1_0": returned(ended())})
    assert lost == [Lost((1, 2), "task 1_0: over its time limit", ended=0)]


def test_what_a_task_died_with_is_lost_and_what_stood_behind_it_is_not(tmp_path):
    words = ["task=mini_ner", "model=majority", "source=eng,deu,hin,spa", "target=eng", "tracking=none"]
    asked = plan(sweep([*words, f"results={tmp_path}"], multirun=True))
    keys = [one.predict_key for one in asked.jobs]
    died = Lost((0, 1, 2), "died")
    assert blamed(asked, asked.jobs, [died]) == {keys[0]: "died", keys[3]: ""}
    assert blamed(asked, asked.jobs[1:3], [died]) == {keys[1]: "died"}  # the first is done
    assert blamed(asked, asked.jobs[:3], [Lost((0, 1, 2), "ended", ended=None)]) == dict.fromkeys(keys[:3], "ended")
    assert blamed(asked, asked.jobs[1:3], [Lost((1, 2), "stopped", ended=0)]) == {}
    assert blamed(asked, asked.jobs[1:3], [Lost((1,), "raised")]) == {keys[1]: "raised", keys[2]: ""}


def test_of_several_jobs_of_one_configuration_the_first_is_lost(tmp_path):
    words = ["task=mini_ner", "model=tiny", "source=eng", "target=deu,hin,spa", "strategy=few_shot",
             "strategy.shots=5", "tracking=none"]  # fmt: skip
    asked = plan(sweep([*words, f"results={tmp_path}"], multirun=True))
    keys = [one.predict_key for one in asked.jobs]
    assert {tuple(asked.numbers[key]) for key in keys} == {(0,)}
    assert len(keys) == 3
    assert blamed(asked, asked.jobs, [Lost((0,), "died")]) == {keys[0]: "died"}


def test_a_job_that_raises_ends_the_sweep_where_that_was_asked_for(launch):
    wrote = {"1_0": returned(ended(), ended(JobStatus.FAILED, ValueError("wrong")))}
    (one,), *_ = launch([work(0, 1)], 2, wrote, raising=True)
    with pytest.raises(ValueError, match="wrong"):
        _ = one.return_value


def test_a_refusal_is_an_error_for_people(monkeypatch, tmp_path):
    def refuse(*_: object) -> None:
        raise FailedJobError("sbatch: error\nsbatch: error: Batch job submission failed: Invalid account")

    monkeypatch.setattr(SlurmExecutor, "_internal_process_submissions", refuse)
    monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda _: 2))
    refused = pytest.raises(HarnessError, match=r"Slurm refuses the sweep: .*Invalid account")
    with refused, patience([work(0)], print, str, raising=False):
        SlurmExecutor(tmp_path)._internal_process_submissions([DelayedSubmission(print, [], "dir", 0, "id", {})])


def test_works_are_those_of_open_jobs(tmp_path):
    words = [*WORDS, f"results={tmp_path}"]
    asked = plan(sweep(words, multirun=True))
    first, second = asked.jobs
    (found,) = works(asked, {second.predict_key}, {"A": "b"}, ["hydra.launcher.timeout_min=7"])
    assert found.numbers == (1,)
    assert found.keys == (("mini_ner", second.predict_key, (second.train_key,)),)
    assert found.environment == {"A": "b"}
    assert "timeout_min" not in found.asks
    (found,) = works(asked, {first.predict_key, second.predict_key}, {}, [])
    assert found.numbers == (0, 1)


def test_short_jobs_share_a_task_with_those_of_their_model_and_benchmark_task(tmp_path):
    """An hour holds six jobs of ten minutes; a longer limit more, and a shorter one less."""
    words = ["task=mini_ner,mini_nli", "model=majority,lexical,tiny", "source=eng,deu", "target=eng", "tracking=none"]
    asked = plan(sweep([*words, f"results={tmp_path}"], multirun=True))
    jobs = {one.predict_key: one for one in asked.jobs}

    def told(*given: str) -> list[tuple[int, list[str]]]:
        return [
            (one.minutes, [f"{jobs[key].job.model.name} {task}" for task, key, _ in one.keys])
            for one in works(asked, jobs, {}, given)
        ]

    floors = [f"{model} {task}" for model in ("lexical", "majority") for task in ("mini_ner", "mini_nli") for _ in "ab"]
    tiny = [f"tiny {task}" for task in ("mini_ner", "mini_nli") for _ in "ab"]
    assert told() == [(60, floors[:4]), (60, floors[4:]), *((60, [one]) for one in tiny)]
    assert told("hydra.launcher.timeout_min=120") == [(120, floors), (120, tiny[:2]), (120, tiny[2:])]
    assert [len(one.numbers) for one in works(asked, jobs, {}, [], alone=True)] == [1] * len(jobs)
    assert told("hydra.launcher.timeout_min=5") == [(5, [one]) for one in [*floors, *tiny]]


def test_what_several_configurations_ask_for_is_the_work_of_one(tmp_path):
    """Nothing is trained: seeds change no job."""
    words = ["task=mini_retrieval", "model=lexical", "source=eng,deu", "seed=0,1,2", "tracking=none"]
    asked = plan(sweep([*words, f"results={tmp_path}"], multirun=True))
    assert len(asked.jobs) == 2
    (found,) = works(asked, {one.predict_key for one in asked.jobs}, {}, [])
    assert found.numbers == (0, 3)


def test_a_task_goes_on_as_long_as_it_comes_further(tmp_path):
    """Further is: more records, more weights, more steps; a state that was thrown away is no step ahead."""
    asked = plan(sweep([*WORDS, f"results={tmp_path}"], multirun=True))
    store, one = asked.setting.store, asked.jobs[0]
    begun = works(asked, {one.predict_key}, {}, ["hydra.launcher.timeout_min=5"])[0]

    def keep(step: int) -> None:
        store.training(one.train_key).mkdir(parents=True, exist_ok=True)
        content = {"plain": json.dumps({"step": step}), "checksum": ""}
        save_file({"losses": np.zeros(step)}, store.training(one.train_key) / "state.safetensors", content)

    once = begun.checkpoint().function
    assert once.numbers == begun.numbers == (0,)
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


def test_a_task_stops_at_a_job_in_which_it_was_told_to_end(tmp_path):
    begun = []

    def call(key: str) -> JobReturn:
        begun.append(key)
        if key == "second":
            task.checkpoint()
        return ended()

    calls = tuple((call, (key,)) for key in ("first", "second", "third"))
    task = Work({}, tmp_path, (), 60, (0, 1, 2), calls=calls)
    assert len(task()) == 2
    assert begun == ["first", "second"]
    begun.clear()
    assert len(replace(task, calls=calls[2:])()) == 1


def test_a_limit_that_leaves_no_record_ends_the_task_in_words(tmp_path):
    def call() -> JobReturn:
        raise TimeLimitError("over its time limit")

    with pytest.raises(HarnessError, match="over its time limit"):
        Work({}, tmp_path, (), 60, (0,), calls=((call, ()),))()


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
    assert not (tmp_path / "results").exists()

"""What a sweep asks a cluster for."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cluster.resources import largest, overrides
from harness.cluster.slurm import lost_tasks_are_empty
from harness.compose import sweep
from harness.plan import plan
from harness.spec import ModelSpec, Resources

SMALL = ModelSpec("small", "encoder", threads=2, resources=Resources(gpus=1, cpus=1, memory_gb=8, minutes=600))
LARGE = ModelSpec("large", "encoder", resources=Resources(gpus=0, cpus=1, memory_gb=64, minutes=30))


def test_the_largest_of_each_resource_is_asked_for_and_a_thread_is_a_processor() -> None:
    """One array serves all models of a sweep, so each resource is the hungriest model's."""
    assert largest([SMALL, LARGE]) == Resources(gpus=1, cpus=2, memory_gb=64, minutes=600)


def test_what_the_user_gave_stands() -> None:
    """The command line wins over a model's preset."""
    given = ["task=panx", "hydra.launcher.mem_gb=128", "hydra.launcher.timeout_min=5"]
    asked = overrides("submitit_slurm", [SMALL], given)
    assert "hydra.launcher.cpus_per_task=2" in asked
    assert "hydra.launcher.gpus_per_node=1" in asked
    assert not any(word.startswith(("hydra.launcher.mem_gb", "hydra.launcher.timeout_min")) for word in asked)


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_launcher_on_this_machine_is_asked_for_nothing(launcher: str) -> None:
    """They know none of these words."""
    assert overrides(launcher, [SMALL], []) == []


def test_resources_are_in_no_key(tmp_path: Path) -> None:
    """A job that was given more memory is the same job."""
    words = ["task=mini_ner", "model=majority", "source=eng", "target=deu", f"results={tmp_path}"]
    (one,) = plan(sweep(words, multirun=False)).jobs
    (other,) = plan(sweep([*words, "+model.resources.memory_gb=99"], multirun=False)).jobs
    assert other.job.model.resources.memory_gb == 99
    assert (one.train_key, one.cells) == (other.train_key, other.cells)


def test_a_lost_task_hides_no_other(tmp_path: Path) -> None:
    """Results are read in order; the one that never came is empty and the next is read."""
    core = pytest.importorskip("submitit.core.core")
    from submitit.core.utils import UncompletedJobError

    class Task(core.Job):  # type: ignore[name-defined, misc]
        job_id, state, paths = "7_1", "NODE_FAIL", type("Paths", (), {"folder": tmp_path})

        def __init__(self, answer: object) -> None:
            self.answer = answer

        def __del__(self) -> None: ...

        def wait(self) -> None: ...

        def _get_outcome_and_result(self) -> tuple[str, object]:
            if self.answer is None:
                raise UncompletedJobError("no output")
            return "success", self.answer

        _sub_jobs = ()

    with lost_tasks_are_empty():
        lost, found = (Task(answer).results()[0] for answer in (None, "outcome"))
    assert lost.return_value == []
    assert found == "outcome"
    with pytest.raises(UncompletedJobError):
        Task(None).results()

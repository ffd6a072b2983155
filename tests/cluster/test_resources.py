"""What a sweep asks a cluster for."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cluster.resources import largest, minutes, of_slurm, overrides
from harness.spec import ModelSpec, Resources
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

SMALL = ModelSpec("small", "encoder", threads=2, resources=Resources(gpus=1, cpus=1, memory_gb=8, minutes=600))
LARGE = ModelSpec("large", "encoder", resources=Resources(gpus=0, cpus=1, memory_gb=64, minutes=30))


def test_the_largest_of_each_resource_is_asked_for_and_a_thread_is_a_processor() -> None:
    """One array serves all models of a sweep, so each resource is the hungriest model's."""
    assert largest([SMALL, LARGE]) == Resources(gpus=1, cpus=2, memory_gb=64, minutes=600)


def test_slurm_is_asked_for_what_the_models_need():
    """And the task is told some time before its limit, of which a short one has little."""
    assert of_slurm(largest([SMALL]), ["task=panx"]) == {
        "timeout_min": 600, "cpus_per_task": 2, "mem_gb": 8, "gpus_per_node": 1, "signal_delay_s": 120,
    }  # fmt: skip
    short = of_slurm(largest([SMALL]), ["hydra.launcher.timeout_min=4"])
    assert (short.get("timeout_min"), short["signal_delay_s"]) == (None, 60)


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ("hydra.launcher.mem_gb=128", "mem_gb"),
        ("hydra.launcher.mem_per_cpu=4G", "mem_gb"),
        ("+hydra.launcher.gres=gpu:a100:1", "gpus_per_node"),
        ("hydra.launcher.cpus_per_task=8", "cpus_per_task"),
    ],
)
def test_what_the_user_gave_stands_in_whichever_words(given, absent):
    """Slurm refuses a task that is asked for one thing in two ways."""
    assert set(of_slurm(largest([SMALL]), [])) - set(of_slurm(largest([SMALL]), [given])) == {absent}


def test_a_task_lasts_an_hour_at_least_unless_the_user_says_otherwise():
    assert [minutes(Resources(minutes=needed), []) for needed in (10, 600)] == [60, 600]
    assert minutes(Resources(minutes=600), ["hydra.launcher.timeout_min=5"]) == 5


def test_any_sweep_on_slurm_may_be_queued_again():
    """Whatever the default of the cluster is."""
    assert "+hydra.launcher.additional_parameters.requeue=true" in overrides([])
    assert overrides(["hydra.launcher.max_num_timeout=3"])[-1].endswith("requeue=true")


def test_resources_are_in_no_key(tmp_path: Path) -> None:
    """A job that was given more memory is the same job."""
    words = ["task=mini_ner", "model=majority", "source=eng", "target=deu", f"results={tmp_path}"]
    (one,) = plan(sweep(words, multirun=False)).jobs
    (other,) = plan(sweep([*words, "+model.resources.memory_gb=99"], multirun=False)).jobs
    assert other.job.model.resources.memory_gb == 99
    assert (one.train_key, one.cells) == (other.train_key, other.cells)

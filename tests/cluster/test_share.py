"""Processes on one machine: memory that does not fit is waited for, and no two have one device."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cluster import share
from harness.spec import Resources

WORKER = """
import sys, time
from harness.cluster import share
from harness.spec import Resources

name, gb, gpus, total, *devices = sys.argv[1:]
share.memory = lambda: float(total) * 1e9
share._visible = lambda: devices
share.PAUSE = 0.02
with share.room(Resources(memory_gb=int(gb), gpus=int(gpus)), name):
    import os
    print("in", os.environ.get("CUDA_VISIBLE_DEVICES", "-"), flush=True)
    sys.stdin.readline()
with share.room(Resources(memory_gb=int(gb), gpus=int(gpus)), name):
    print("in", os.environ.get("CUDA_VISIBLE_DEVICES", "-"), flush=True)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a worker with a name that asks for memory and devices; it works until it reads a line."""
    started: list[subprocess.Popen[str]] = []

    def call(name: str, gb: int, *devices: str, total: float = 8) -> subprocess.Popen[str]:
        clean = {key: value for key, value in os.environ.items() if key not in (*share.GUARDED, share.DEVICES)}
        arguments = [name, str(gb), str(int(bool(devices))), str(total), *devices]
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments], env={**clean, "TMPDIR": str(tmp_path)}, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


def works(process: subprocess.Popen[str]) -> str:
    """Waits until it does; its device."""
    assert process.stdout is not None
    return process.stdout.readline().removeprefix("in ").strip()


def waits(process: subprocess.Popen[str]) -> str:
    """Waits until it says that it does; what it says."""
    assert process.stderr is not None
    return process.stderr.readline().strip()


def finish(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")


def test_of_three_workers_two_fit_and_the_third_begins_when_one_ends(start: Start) -> None:
    """The machine has 7.6 GB, which is sold as 8."""
    first, second = start("first", 4, total=7.6), start("second", 4, total=7.6)
    assert works(first) == works(second) == "-"
    third = start("third", 4, total=7.6)
    assert waits(third) == "third waits for 4 GB: 8 of 8 GB are taken by 2 other jobs on this machine"
    finish(first)
    assert works(third) == "-"


def test_a_large_job_is_not_overtaken_by_small_ones(start: Start) -> None:
    """Otherwise small ones could keep it waiting for ever."""
    first = start("first", 4)
    works(first)
    large = start("large", 6)
    assert waits(large).startswith("large waits for 6 GB")
    small = start("small", 1)
    with pytest.raises(subprocess.TimeoutExpired):  # there is room for it, but it is not its turn
        small.wait(timeout=3)
    finish(first)
    works(large)
    works(small)


def test_the_death_of_a_holder_makes_room(start: Start, tmp_path: Path) -> None:
    """Locks end with their process; their files are cleared away by the next."""
    first = start("first", 8)
    works(first)
    second = start("second", 8)
    waits(second)
    first.kill()
    works(second)
    assert len(list(tmp_path.rglob("*.gb"))) == 1


def test_what_never_fits_runs_alone(start: Start) -> None:
    """A preset that overstates what it needs must not stop a sweep."""
    assert works(start("first", 64)) == "-"


def test_each_worker_has_a_device_of_its_own_and_one_too_many_waits(start: Start) -> None:
    """CUDA stays with the device that it began with, so the next job of a process takes the same one again."""
    first, second = start("first", 1, "2", "GPU-5f"), start("second", 1, "2", "GPU-5f")
    mine, other = works(first), works(second)
    assert {mine, other} == {"2", "GPU-5f"}
    third = start("third", 1, "2", "GPU-5f")
    assert waits(third) == "third waits for a GPU: 2, GPU-5f are taken by other jobs on this machine"
    finish(second)
    assert works(third) == other
    finish(third)
    assert works(second) == other
    finish(first)
    assert works(first) == mine


def test_a_machine_without_devices_makes_nobody_wait_for_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The presets of encoders ask for a GPU, and run without one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(share, "_visible", list)
    monkeypatch.delenv(share.DEVICES, raising=False)
    with share.room(Resources(gpus=1), "job"):
        assert share.DEVICES not in os.environ


@pytest.mark.parametrize(
    ("given", "names"), [("", ["0", "1"]), ("3,7,8", ["3", "7"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])]
)
def test_devices_are_named_as_the_variable_names_them(
    monkeypatch: pytest.MonkeyPatch, given: str, names: list[str]
) -> None:
    """A worker must not step out of what its user was given."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv(share.DEVICES, given)
    assert share._visible() == names


@pytest.mark.parametrize("name", share.GUARDED)
def test_where_an_engine_sees_to_it_nothing_is_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Two guards would wait for each other's jobs."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(name, "1")
    with share.room(Resources(memory_gb=4), "job"):
        assert not list(tmp_path.rglob("*"))


def test_a_job_holds_what_its_model_needs_while_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And nothing once it has ended; what is done already waits for no room."""
    from harness import runner
    from harness.launch import app
    from harness.sweep.compose import sweep

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in share.GUARDED:
        monkeypatch.delenv(name, raising=False)
    held: list[list[int]] = []
    run = runner._run
    monkeypatch.setattr(runner, "_run", lambda *given: (held.append(share._others(share._folder())), run(*given))[1])
    words = [
        "task=mini_ner",
        "model=majority",
        "+model.resources.memory_gb=3",
        "source=eng",
        "target=deu",
        "tracking=none",
    ]
    asked = sweep([*words, f"results={tmp_path}/results"], multirun=False)
    (one,) = asked.composed
    app.run_configuration(dict(one.config), dict(one.choices), asked.options, "1/1")
    assert held == [[3]]
    assert share._others(share._folder()) == []
    monkeypatch.setattr(share, "room", None)
    (again,) = app.run_configuration(dict(one.config), dict(one.choices), asked.options, "1/1")
    assert again.status == "skipped"

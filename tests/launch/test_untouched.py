"""A mistake that is found before any job began leaves nothing behind, and takes nothing away."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.launch.manifest import manifest
from harness.launch.untouched import untouched
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.plan import Plan, plan

WORDS = ("task=mini_ner", "model=majority", "target=eng", "analysis=none", "source=eng,deu")
QUIET = "tracking=none"


def nowhere(folder: Path) -> dict[str, str]:
    """An environment whose Slurm knows no partition."""
    for name, line in {"sbatch": "echo 'error: invalid partition specified' >&2; exit 1", "squeue": "exit 1"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def closed() -> int:
    """A port where nobody answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["joblib", "hydra.launcher.n_jobs=0", QUIET], lambda _: {}, "n_jobs == 0 in Parallel has no meaning"),
        (
            ["submitit_slurm", "hydra.sweeper.max_batch_size=1"],
            nowhere,
            "Slurm refuses the sweep: error: invalid partition specified",
        ),
        (["ray", f"hydra.launcher.address=127.0.0.1:{closed()}", QUIET], lambda _: {}, "no Ray answers at 127.0.0.1"),
    ],
)
def test_a_launcher_that_refuses_leaves_nothing(
    harness, tmp_path: Path, words: list[str], environment: Callable[[Path], dict[str, str]], says: str
) -> None:
    """Of Slurm with the default tracking, a database in the results folder; batches are not for its arrays."""
    pytest.importorskip({"submitit_slurm": "submitit"}.get(words[0], words[0]))
    (bin := tmp_path / "bin").mkdir()
    arguments = ("run", "-m", *WORDS, f"hydra/launcher={words[0]}", *words[1:], "results=new/results")
    done = harness(*arguments, code=2, **environment(bin))
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    return plan(sweep([*WORDS, f"results={tmp_path}/results", QUIET], multirun=True))


def refuse(planned: Plan, during: Callable[[], object] = lambda: None) -> None:
    """A launch that makes what launches make, and is then refused."""
    root = planned.setting.store.root

    def launch() -> None:
        with untouched(planned), manifest(planned, "", "joblib"):
            (root / "hydra" / "2026-01-01" / "00-00-00").mkdir(parents=True)
            during()
            raise HarnessError("refused")

    with pytest.raises(HarnessError, match="refused"):
        launch()


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def test_a_folder_that_was_there_keeps_what_it_has(planned: Plan) -> None:
    root = planned.setting.store.root
    for name in ("mlflow.db", "cache/untracked/p0.job", "hydra/2025-01-01/12-00-00/multirun.yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("mine")
    before = files(root)
    refuse(planned)
    assert files(root) >= before


def test_what_another_sweep_made_that_has_ended_meanwhile_stays(planned: Plan) -> None:
    root = planned.setting.store.root

    def other() -> None:
        with manifest(planned, "", "joblib"):
            (root / "mlflow.db").write_text("runs")

    refuse(planned, other)
    assert (root / "mlflow.db").read_text() == "runs"


def test_what_somebody_else_puts_there_meanwhile_stays(planned: Plan) -> None:
    root = planned.setting.store.root
    refuse(planned, lambda: (root / "notes.txt").write_text("mine"))
    assert files(root) == {root / "notes.txt"}


def test_where_a_job_began_all_stays(planned: Plan) -> None:
    root = planned.setting.store.root
    refuse(planned, lambda: run(planned.jobs[0].job, planned.setting))
    assert (root / "hydra" / "2026-01-01" / "00-00-00").is_dir()
    assert len(list(root.glob("runs/*/*/eng.json"))) == 1


def test_where_another_sweep_runs_all_stays(planned: Plan) -> None:
    root = planned.setting.store.root
    with manifest(planned, "", "joblib") as other:
        refuse(planned)
        assert other.exists()
    assert (root / "hydra" / "2026-01-01" / "00-00-00").is_dir()

"""What tests share: the folder of real data, where there is one, and a command line in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.storage.store import CellRecord

ROOT = Path(__file__).parent.parent
F1 = "span_f1|mode:strict|scheme:IOB2"


def cell_record(**changes: Any) -> CellRecord:
    """A cell with the fields that a test names, and plain values in the others; its table is made up."""
    plain = CellRecord(
        cell_key="c0",
        predict_key="p0",
        train_key="t0",
        task="panx",
        task_version=1,
        model="tiny",
        strategy="zero_shot",
        sources=("eng",),
        target="deu",
        seed=1,
        shots=0,
        size=None,
        limit=None,
        scores={F1: {"score": 0.5, "low": None, "high": None}},
        main_metric=F1,
        n=3,
        groups=2,
        data="ab" * 32,
        files=(),
        provenance="silver",
        touches="none",
        table="0" * 64,
    )
    return replace(plain, **changes)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real files; the test is skipped where there is none."""
    folder = Path(os.environ.get("HARNESS_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "open").is_dir():
        pytest.skip("no real data: set HARNESS_DATA to a folder with the original files")
    return folder


Harness = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """The command line as a person starts it, in an empty folder, without real data or tracking unless asked for."""

    def call(*arguments: str, code: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("HARNESS_", "OMP_"))}
        done = subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=tmp_path,
            env=clean | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return done

    return call

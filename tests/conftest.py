"""What tests share: the folder of real data, where there is one, and a command line in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


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

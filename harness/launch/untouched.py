"""A sweep that is refused before any of its jobs began leaves no results folder where there was none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import HarnessError
from harness.storage.atomic import nearest_folder
from harness.sweep.plan import Plan

MADE = (
    *("sweeps", "hydra", "hydra/*", "hydra/*/*", "mlflow*"),
    *("cache", "cache/*", "cache/untracked/*", "cache/locks/sweep*"),
)
"""What a launch may make before a job begins: its manifest, Hydra's folder, a tracking database, locks and notes."""


@contextmanager
def untouched(planned: Plan) -> Iterator[None]:
    """Removes the results folder that the block has made, if it raises a HarnessError before any job began.

    A folder that was there before stays as it is, and one where another sweep is or was, or of which Slurm has tasks.
    """
    root = planned.setting.store.root
    ground = nearest_folder(root)
    try:
        yield
    except HarnessError:
        if ground != root and not _in_use(root):
            _remove(root, ground)
        raise


def _in_use(root: Path) -> bool:
    """Whether a job has begun there, or more than one sweep: their locks tell, which nobody removes."""
    locks = [path.name for path in root.glob("cache/locks/*")]
    sweeps = [name for name in locks if name.startswith("sweep-")]
    jobs = [name for name in locks if not name.startswith(("sweep", "track"))]
    return bool(jobs) or len(sweeps) > 1 or any(root.glob("sweeps/*.json"))


def _remove(root: Path, ground: Path) -> None:
    for path in {path for pattern in MADE for path in root.glob(pattern)}:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody has put something there
        while root != ground:
            root.rmdir()
            root = root.parent

"""A sweep that is refused before any of its jobs began leaves the results folder as it found it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import HarnessError
from harness.storage.atomic import nearest_folder
from harness.sweep.plan import Plan, unfinished

MADE = (
    *("sweeps", "hydra", "hydra/*", "hydra/*/*", "mlflow*"),
    *("cache", "cache/*", "cache/untracked/*", "cache/locks/sweep*"),
)
"""What a launch may make before a job begins: its manifest, Hydra's folder, a tracking database, locks and notes."""


@contextmanager
def untouched(planned: Plan) -> Iterator[None]:
    """Removes what the block has made in the results folder, if it raises a HarnessError before any job began.

    Nothing is removed while another sweep runs there, or Slurm has tasks of this one.
    """
    root = planned.setting.store.root
    ground, before = nearest_folder(root), _made(root)
    try:
        yield
    except HarnessError:
        if len(unfinished(planned)) == len(planned.begun) and not any(root.glob("sweeps/*.json")):
            _remove(_made(root) - before, root, ground)
        raise


def _made(root: Path) -> set[Path]:
    return {path for pattern in MADE for path in root.glob(pattern)}


def _remove(paths: set[Path], root: Path, ground: Path) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody has put something there
        while root != ground:
            root.rmdir()
            root = root.parent

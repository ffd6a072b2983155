"""Hydra's own command line, for the jobs of a plan: it launches those that are wanted, and composes none beforehand."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from unittest.mock import patch

from hydra.core.plugins import Plugins

from harness.launch.app import main


def launch(arguments: Sequence[str], jobs: list[list[str]] | None = None) -> None:
    """Has Hydra do what these arguments say.

    Args:
        jobs: the overrides of each job of a sweep; None where it is none.
    """
    before = sys.argv
    sys.argv = ["harness", *arguments]
    try:
        with warnings.catch_warnings(), nullcontext() if jobs is None else _only(jobs):
            # joblib replaces a worker that has grown; its jobs go on in another
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
            main()
    finally:
        sys.argv = before


@contextmanager
def _only(jobs: list[list[str]]) -> Iterator[None]:
    """For the time of the block, Hydra's sweeper knows these jobs alone, and takes them for legal.

    The plan has composed all of them. Hydra would again, at 0.1 s each: half an hour before 18,000 jobs begin.
    """
    Plugins.instance()  # looking for them, Hydra makes the classes of its plugins anew
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    def split(_: object, size: int | None) -> list[list[list[str]]]:
        return list(BasicSweeper.split_overrides_to_chunks(jobs, size))

    with (
        patch.object(BasicSweeper, "split_arguments", staticmethod(split)),
        patch.object(BasicSweeper, "validate_batch_is_legal"),
    ):
        yield

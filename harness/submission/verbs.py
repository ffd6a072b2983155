"""What `harness score` and `harness export` do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.storage.atomic import write_whole
from harness.storage.store import Store
from harness.submission import export as writing
from harness.submission import official, report
from harness.submission import score as scoring
from harness.suites import read_suite
from harness.sweep.options import Options

INCOMPLETE = 3


def score(
    predictions: Path, gold: Path, suite: str, mode: str | None, output: Path | None, config_dir: Path | None
) -> int:
    """Scores a folder, prints what it is worth, and writes the official program's JSON where that is asked for.

    As there, the JSON of a partial submission has no overall score, nor that of a group that is not whole.

    Returns:
        The exit code: 0, or 3 where something could not be scored.

    Raises:
        HarnessError: there is no such folder or suite, or the JSON cannot be written.
    """
    options = places(config_dir)
    scored = scoring.score(predictions, gold, read_suite(suite, options), options, mode)
    report.show(scored)
    if output is not None:
        content = json.dumps(official.as_json(scored), indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(output, f"{content}\n".encode())
    return 0 if scored.complete else INCOMPLETE


def export(results: Path, suite: str, conditions: Sequence[str], out: Path, config_dir: Path | None) -> int:
    """Writes a submission from stored predictions, and prints what is in it and what is missing.

    Returns:
        The exit code: 0, or 3 where a language of a task is missing.

    Raises:
        HarnessError: no store or suite of that name, several runs of a task, or a folder that cannot be written.
    """
    done = writing.export(Store.existing(results), read_suite(suite, places(config_dir)), conditions, out)
    report.show_export(done, out)
    return INCOMPLETE if done.problems else 0


def places(config_dir: Path | None) -> Options:
    """The configuration groups: one's own folder, where there is one, and the package."""
    return Options.beside(config_dir)

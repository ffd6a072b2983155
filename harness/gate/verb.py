"""What ``harness check`` does with its arguments."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import HarnessError
from harness.gate.as_json import as_json
from harness.gate.junit import junit
from harness.gate.lock import read_lock
from harness.gate.markdown import markdown
from harness.gate.policy_file import read_policy
from harness.gate.printed import lines
from harness.gate.sides import MLFLOW, Stored, opened
from harness.gate.update import update
from harness.gate.verdict import check
from harness.storage.atomic import write_whole
from harness.storage.store import Store
from harness.sweep.options import Options
from harness.tables import console

if TYPE_CHECKING:
    from harness.gate.verdict import Verdict


def verdict(results: Path, baseline: str, policy: str | None, config_dir: Path | None) -> Verdict:
    """The verdict on a store.

    Raises:
        HarnessError: there is no store, or the baseline or the policy cannot be read.
    """
    if not results.is_dir():
        raise HarnessError(f"--results {results}: there is no such folder")
    with opened(baseline, results, config_dir) as held:
        options = Options.beside(config_dir)
        said = read_policy(policy, held.suite, options)
        return check(held, Stored.of(Store(results), str(results)), said, datetime.now(UTC).date())


def show(found: Verdict, markdown_file: Path | None, junit_file: Path | None, json_wanted: bool) -> None:
    """Prints a verdict, and writes it where it was asked for, to the summary of a GitHub step where it runs in one."""
    text = markdown(found)
    if markdown_file is not None:
        write_whole(markdown_file, text.encode())
    if junit_file is not None:
        write_whole(junit_file, junit(found))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    if json_wanted:
        click.echo(json.dumps(as_json(found), indent=1, ensure_ascii=False))
    else:
        out = console()
        for line in lines(found):
            out.print(line, soft_wrap=isinstance(line, str))


def renew(results: Path, baseline: str, suite: str | None, policy: str | None, config_dir: Path | None) -> None:
    """Writes a lock from a store, and says what it holds and what it no longer does.

    Raises:
        HarnessError: the file cannot be a lock, or the store gives none; nothing is overwritten then.
    """
    path = Path(baseline)
    if baseline.startswith(MLFLOW) or path.is_dir() or path.suffix != ".json":
        raise HarnessError(f"--update writes a lock file, NAME.json; {baseline} is none")
    before = read_lock(path, with_outcomes=False) if path.exists() else None
    name = suite or (before.suite if before else None)
    if name is None:
        raise HarnessError(f"{path} is new: say whose cells it shall hold, with --suite NAME")
    options = Options.beside(config_dir)
    done = update(path, Store.existing(results), name, read_policy(policy, name, options), options, before)
    click.echo(f"{path}: {done.line}")
    for gone in done.gone:
        click.echo(f"no longer promised: {gone}", err=True)

"""Verbs that run jobs, or say what would run and how far it is: run, plan, status."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.cli.group import main
from harness.cli.options import HYDRA, JSON, OVERRIDES, RESULTS


@main.command(context_settings=HYDRA)
@JSON
@OVERRIDES
def run(overrides: tuple[str, ...], as_json: bool) -> None:
    """Run one job, or with -m a sweep; only what is missing.

    OVERRIDES are Hydra's, e.g. task=mini_ner model=tiny source=eng target=all seed=1. A comma sweeps (with -m);
    [eng,deu] trains jointly (strategy=multi_source). Every Hydra flag works: --cfg job, --config-dir DIR, --hydra-help.
    """
    from harness.launch import run as launch
    from harness.secrets import without_passwords

    sys.exit(launch.run(without_passwords(overrides), as_json))


@main.command(context_settings=HYDRA)
@JSON
@OVERRIDES
def plan(overrides: tuple[str, ...], as_json: bool) -> None:
    """Say what run would do: jobs, cells, what is done, disk, cost. Runs nothing."""
    from harness.launch import preview
    from harness.secrets import without_passwords

    preview.show(without_passwords(overrides), as_json)


@main.command()
@RESULTS
@JSON
def status(results: Path, as_json: bool) -> None:
    """Say how far the sweeps under way are: done, running and where, queued, failed and why, rate, expected end."""
    from harness.launch import status

    status.show(results, as_json)

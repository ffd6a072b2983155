"""Verbs that keep numbers and machine in order: check, rescore, sync, doctor."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.group import main
from harness.cli.options import CONFIG_DIR, DATA, JSON, TABLES, Folder


@main.command()
@TABLES
@click.option("--baseline", required=True, help="A lock (JSON), a results folder, or mlflow:RUN (id or name).")
@click.option("--policy", default=None, help="YAML, or a name of conf/policy; default: the suite's own, or `default`.")
@click.option("--update", is_flag=True, help="Write the lock from the store instead of comparing with it.")
@click.option("--suite", default=None, help="With --update: whose cells are promised; default: the lock's.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write a pull request's comment.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML.")
@CONFIG_DIR
@JSON
def check(
    results: Path,
    baseline: str,
    policy: str | None,
    update: bool,
    suite: str | None,
    markdown: Path | None,
    junit: Path | None,
    config_dir: Path | None,
    as_json: bool,
) -> None:
    """Compare the store with a baseline, cell by cell and on average.

    Exit 0 pass, 1 regression, 2 usage or configuration, 3 incomparable.
    """
    from harness.gate import verb

    if suite and not update:
        raise click.UsageError("--suite is for --update; a comparison is over all that the baseline promises")
    if update:
        if markdown or junit or as_json:
            raise click.UsageError("--update writes a lock and compares nothing: no --markdown, --junit or --json")
        verb.renew(results, baseline, suite, policy, config_dir)
        return
    found = verb.verdict(results, baseline, policy, config_dir)
    verb.show(found, markdown, junit, as_json)
    sys.exit(found.exit_code)


@main.command()
@TABLES
@JSON
def rescore(results: Path, as_json: bool) -> None:
    """Recompute cells from stored predictions with the metrics of today. Nothing is trained or predicted."""
    from harness import rescoring
    from harness.storage import exchange
    from harness.storage.store import Store

    done = rescoring.rescore(results)
    exchange.send_rest(results, Store(results).jobs())
    click.echo(json.dumps(done) if as_json else ", ".join(f"{count} {what}" for what, count in done.items()))


@main.command()
@TABLES
@click.option(
    "--uri", envvar="MLFLOW_TRACKING_URI", help="The server; default: $MLFLOW_TRACKING_URI, else the store's database."
)
@click.option("--experiment", default="harness", show_default=True)
@JSON
def sync(results: Path, uri: str | None, experiment: str, as_json: bool) -> None:
    """Replay the store into MLflow; what is there already stays as it is."""
    from harness import tracking
    from harness.secrets import redacted
    from harness.storage.store import Store

    store = Store.existing(results)
    uri = uri or f"sqlite:///{results}/mlflow.db"
    done = tracking.sync(store, uri, experiment)
    words = f"{done.written} runs written to {redacted(uri)}, {done.unchanged} unchanged"
    click.echo(json.dumps(asdict(done)) if as_json else words)


@main.command()
@click.option("--results", type=Folder(), default=Path("results"), help="The store.")
@DATA
@click.option("--workers", default=1, show_default=True, help="Processes that you mean to run at once.")
@click.option("--threads", default=1, show_default=True, help="Threads of each.")
@JSON
def doctor(results: Path, data: Path | None, workers: int, threads: int, as_json: bool) -> None:
    """Say what this machine has, and how to mend what is wrong with it."""
    from rich.table import Table

    from harness.doctor.here import diagnose
    from harness.tables import console

    findings = diagnose(results, data, workers, threads)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("what", "status", "found", "mend"):
            table.add_column(column, overflow="fold")
        for finding in findings:
            table.add_row(finding.name, finding.status.value, finding.detail, finding.mend)
        console().print(table)
    sys.exit(1 if any(finding.status == "fail" for finding in findings) else 0)

"""Verbs that read what is stored or known: scores, list, analyze, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import main
from harness.cli.options import CONFIG_DIR, DATA, JSON, RESULTS, Folder


@main.command()
@RESULTS
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Keep rows; repeat to narrow. A comma is `or`.")
@click.option("--all-metrics", is_flag=True, help="Every metric, not only each task's main one.")
@click.option("--suite", default=None, help="A suite's board instead: its own averages and the harness's, a row a run.")
@CONFIG_DIR
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of a table.")
@JSON
def scores(
    results: Path,
    where: tuple[str, ...],
    all_metrics: bool,
    suite: str | None,
    config_dir: Path | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print the long table of stored cells, or the board of a suite."""
    from harness import board_table, tables

    if as_csv and as_json:
        raise click.UsageError("--csv or --json, not both")
    form = "csv" if as_csv else "json" if as_json else "table"
    if suite is not None:
        board_table.show(results, suite, where, config_dir, form)
    else:
        tables.scores(results, where, all_metrics, form)


@main.command("list")
@click.argument(
    "kind",
    type=click.Choice(
        [
            "tasks",
            "types",
            "models",
            "strategies",
            "languages",
            "suites",
            "experiments",
            "readers",
            "metrics",
            "distances",
        ],
    ),
)
@CONFIG_DIR
@JSON
def list_(kind: str, config_dir: Path | None, as_json: bool) -> None:
    """List what can be named: tasks, task types, models, strategies, languages, suites, experiments, readers ..."""
    from harness import catalogue

    catalogue.show(kind, config_dir, as_json)


@main.command()
@RESULTS
@click.option("--matrix", type=click.Path(path_type=Path), help="A published matrix (CSV) instead of the store.")
@click.option("--orientation", type=click.Choice(["sources", "targets"]), help="What its rows are, if it does not say.")
@click.option("--unit", type=click.Choice(["percent", "fraction"]), help="Of its scores; default: as they look.")
@click.option("--spelling", default="", metavar="NAME", help="Whose spelling of languages it is: ud, wikiann ...")
@click.option(
    "--distances", multiple=True, metavar="NAME|KIND|FILE.csv,...", help="See list distances; default: cheap ones."
)
@DATA
@click.option("--parallel", metavar="TASK", help="Whose sentences compare representations; default: the widest.")
@click.option("--families", type=click.Path(path_type=Path), help="Lines `Language Family, Branch`; default: a table.")
@click.option("--pretrained", type=click.Path(path_type=Path), help="The languages that the models saw, one a line.")
@click.option("--populations", type=click.Path(path_type=Path), help="CSV: language, speakers.")
@click.option("--strategy", multiple=True, default=("zero_shot",), show_default=True, help="Cells of the store to use.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Narrow the store, as in scores.")
@click.option("--lambdarank", is_flag=True, help="Rank sources by LambdaRank too: slow, needs the extra `rank`.")
@click.option("--only", multiple=True, metavar="ANALYSIS", help="Repeat for several; default: all.")
@click.option("--resamples", default=1000, show_default=True, type=click.IntRange(10))
@click.option("--permutations", default=9999, show_default=True, type=click.IntRange(99))
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Default: analysis/ in the store.")
@click.option("--uri", help="A tracking server: one MLflow run an analysis.")
@click.option("--experiment", default="harness", show_default=True)
@CONFIG_DIR
@JSON
def analyze(uri: str | None, experiment: str, as_json: bool, **asked: Any) -> None:
    """Say what explains transfer, and which source to choose: tables, figures, statistics that hold.

    Exit 0, or 1 if an analysis failed (the others are written), 2 usage.
    """
    from harness import analyze as verb
    from harness.analysis.request import request

    sys.exit(verb.show(request(**asked), uri, experiment, as_json))


@main.command()
@click.option("--results", type=Folder("tables"), multiple=True, default=("results",), help="Stores; repeat.")
@click.option("--suite", "suites", multiple=True, help="Whose board; repeat for several. Default: all that were run.")
@click.option(
    "--published", type=click.Path(path_type=Path), help="Published figures; default: published/ in the store."
)
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Narrow the stores, as in scores.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Default: report/ in the store. An older report is replaced."
)
@DATA
@click.option(
    "--uri", help="The tracking server with the sweep's run; default: the store's own database, if it has one."
)
@click.option("--experiment", default="harness", show_default=True)
@CONFIG_DIR
def report(
    results: tuple[Path, ...],
    suites: tuple[str, ...],
    published: Path | None,
    where: tuple[str, ...],
    out: Path | None,
    data: Path | None,
    uri: str | None,
    experiment: str,
    config_dir: Path | None,
) -> None:
    """Write the leaderboard: a site to open from disk, and its tables as Markdown, CSV, LaTeX and JSON.

    Prints the path of its first page.
    """
    from harness.report import report as verb
    from harness.sweep.options import Options

    first = results[0]
    request = verb.Request(
        results=results,
        suites=suites or None,
        published=published,
        where=where,
        out=out or first / "report",
        data=data,
        options=Options.beside(config_dir),
    )
    index, made = verb.write(request)
    for note in verb.notes(made):
        click.echo(note, err=True)
    database = first / "mlflow.db"
    if uri or database.is_file():
        logged = verb.log(request.out, made, uri or f"sqlite:///{database}", experiment)
        if uri and not logged:
            click.echo("harness: no sweep there ran any of these jobs; the report is not logged", err=True)
    click.echo(index)

"""The command line: one verb a function, thin; heavy imports happen inside the verb that needs them."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

# before torch is imported anywhere: two processes with two spinning threads each stall twentyfold on two cores
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_DYNAMIC", "FALSE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

RESULTS = click.option("--results", type=click.Path(path_type=Path), default=Path("results"), help="The store.")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
CONFIG_DIR = click.option(
    "--config-dir", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Your own groups."
)
HYDRA = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["--help"]}


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from harness.completion import overrides

    return overrides(ctx, param, incomplete)


OVERRIDES = click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=_complete)


class Verbs(click.Group):
    """Verbs in the order of the way of the data, and errors for people."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The verbs as they are defined here."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the verb; a person's mistake becomes one message and exit code 2."""
        from harness.errors import HarnessError

        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo(f"harness: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo(
                "harness: interrupted; what was finished is stored, and the same command goes on from there", err=True
            )
            sys.exit(128 + signal.SIGINT)


@click.group(cls=Verbs)
@click.version_option(package_name="multilingual-harness", prog_name="harness")
def main() -> None:
    """Train on source languages, score every target language, trust the numbers.

    run and plan take Hydra overrides: harness run -m task=mini_ner,mini_pos source=eng,deu target=all
    """


@main.command(context_settings=HYDRA)
@JSON
@OVERRIDES
def run(overrides: tuple[str, ...], as_json: bool) -> None:
    """Run one job, or with -m a sweep; only what is missing.

    OVERRIDES are Hydra's, e.g. task=mini_ner model=tiny source=eng target=all seed=1. A comma sweeps (with -m);
    [eng,deu] trains jointly (strategy=multi_source). Every Hydra flag works: --cfg job, --config-dir DIR, --hydra-help.
    """
    from harness import launch

    sys.exit(launch.run(overrides, as_json))


@main.command(context_settings=HYDRA)
@JSON
@OVERRIDES
def plan(overrides: tuple[str, ...], as_json: bool) -> None:
    """Say what run would do: jobs, cells, what is done, disk, cost. Runs nothing."""
    from harness import preview

    preview.show(overrides, as_json)


@main.command()
@RESULTS
@JSON
def status(results: Path, as_json: bool) -> None:
    """Say how far the sweeps under way are: done, running and where, queued, failed and why, rate, expected end."""
    from harness import status

    status.show(results, as_json)


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

    form = "csv" if as_csv else "json" if as_json else "table"
    if suite is not None:
        board_table.show(results, suite, where, config_dir, form)
    else:
        tables.scores(results, where, all_metrics, form)


@main.command()
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("gold", type=click.Path(path_type=Path))
@click.option("--suite", required=True, help="Whose layout, metrics and averages: xtreme, xtreme_r, xglue.")
@click.option("--mode", type=click.Choice(["legacy", "lenient", "strict"]), help="Of span F1; default: the suite's.")
@click.option(
    "--json",
    "output",
    type=click.Path(path_type=Path),
    help="Write a file in the official shape; what is not whole is null or left out.",
)
@CONFIG_DIR
def score(
    predictions: Path, gold: Path, suite: str, mode: str | None, output: Path | None, config_dir: Path | None
) -> None:
    """Score a submission: a folder of predictions, in the official layout, against one of labels.

    Exit 0 everything was scored, 2 usage, 3 something could not be; what could is in the table.
    """
    from harness.submission import verbs

    sys.exit(verbs.score(predictions, gold, suite, mode, output, config_dir))


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@RESULTS
@click.option("--suite", required=True, help="Whose layout, and whose tasks and languages.")
@click.option("--model", required=True, help="Whose predictions, as `harness scores` names it.")
@click.option("--source", help="Trained on; several joined by +.")
@click.option("--seed", help="Of the run.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="More that tells runs apart: strategy, shots ...")
@CONFIG_DIR
def export(
    out: Path,
    results: Path,
    suite: str,
    model: str,
    source: str | None,
    seed: str | None,
    where: tuple[str, ...],
    config_dir: Path | None,
) -> None:
    """Write stored predictions to the folder OUT as a submission in the official layout.

    Exit 0 it is whole, 2 usage (several runs fit, say), 3 languages or tasks are missing.
    """
    from harness.submission import verbs

    named = {"model": model, "sources": source, "seed": seed}
    conditions = [f"{column}={value}" for column, value in named.items() if value is not None]
    sys.exit(verbs.export(results, suite, (*conditions, *where), out, config_dir))


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
@click.option("--data", type=click.Path(path_type=Path), envvar="HARNESS_DATA", help="Folder of the real tasks' files.")
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
@click.option("--results", type=click.Path(path_type=Path), multiple=True, default=("results",), help="Stores; repeat.")
@click.option("--suite", "suites", multiple=True, help="Whose board; repeat for several. Default: all that were run.")
@click.option(
    "--published", type=click.Path(path_type=Path), help="Published figures; default: published/ in the store."
)
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Narrow the stores, as in scores.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Default: report/ in the store. An older report is replaced."
)
@click.option("--data", type=click.Path(path_type=Path), envvar="HARNESS_DATA", help="Folder of the real tasks' files.")
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
    from harness.options import Options
    from harness.report import report as verb

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


@main.command()
@RESULTS
@JSON
def rescore(results: Path, as_json: bool) -> None:
    """Recompute cells from stored predictions with the metrics of today. Nothing is trained or predicted."""
    from harness import rescoring

    done = rescoring.rescore(results)
    click.echo(json.dumps(done) if as_json else ", ".join(f"{count} {what}" for what, count in done.items()))


@main.command()
@RESULTS
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

    if update:
        verb.renew(results, baseline, suite, policy, config_dir)
        return
    found = verb.verdict(results, baseline, policy, config_dir)
    verb.show(found, markdown, junit, as_json)
    sys.exit(found.exit_code)


@main.command()
@RESULTS
@click.option("--uri", default=None, help="The tracking server; default: the one of conf/tracking/mlflow.yaml.")
@click.option("--experiment", default="harness", show_default=True)
@JSON
def sync(results: Path, uri: str | None, experiment: str, as_json: bool) -> None:
    """Replay the store into MLflow; what is there already stays as it is."""
    from harness import tracking
    from harness.store import Store

    done = tracking.sync(Store(results), uri or f"sqlite:///{results}/mlflow.db", experiment)
    click.echo(json.dumps(asdict(done)) if as_json else f"{done.written} runs written, {done.unchanged} unchanged")


@main.command()
@RESULTS
@click.option("--data", type=click.Path(path_type=Path), envvar="HARNESS_DATA", help="Folder of the real tasks' files.")
@click.option("--workers", default=1, show_default=True, help="Processes that you mean to run at once.")
@click.option("--threads", default=1, show_default=True, help="Threads of each.")
@JSON
def doctor(results: Path, data: Path | None, workers: int, threads: int, as_json: bool) -> None:
    """Say what this machine has, and how to mend what is wrong with it."""
    from rich.table import Table

    from harness.doctor import diagnose
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

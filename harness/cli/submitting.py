"""Verbs for folders of predictions: score, export."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.group import main
from harness.cli.options import CONFIG_DIR, TABLES


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
@TABLES
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

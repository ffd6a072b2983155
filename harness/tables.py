"""What `harness scores` prints: the long table of the store, narrowed and in the form that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from harness.errors import HarnessError, nearest
from harness.store import Store

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("suite", "task", "model", "strategy", "sources", "target", "seed", "metric", "score", "low", "high", "n")


def scores(results: Path, where: Sequence[str], all_metrics: bool, form: str) -> None:
    """Prints stored cells.

    Args:
        where: ``column=value`` conditions, all of which must hold; a comma in the value is `or`.
        form: ``table`` (scores x 100), ``csv`` or ``json`` (native units, every column).

    Raises:
        HarnessError: an unknown column, or no store.
    """
    if not (results / "runs").is_dir():
        raise HarnessError(f"{results}: no store there yet; `harness run` makes one, --results points to another")
    frame = narrowed(Store(results).frame(), where)
    if not all_metrics:
        frame = frame[frame["main"]]
    if form == "csv":
        frame.to_csv(sys.stdout, index=False)
    elif form == "json":
        frame.to_json(sys.stdout, orient="records", force_ascii=False, indent=1)
        sys.stdout.write("\n")
    else:
        _print(frame)


def narrowed(frame: pd.DataFrame, where: Sequence[str]) -> pd.DataFrame:
    """The rows for which every ``column=value`` holds."""
    for condition in where:
        column, equals, value = condition.partition("=")
        if not equals:
            raise HarnessError(f"--where {condition}: write COLUMN=VALUE")
        if column not in frame.columns:
            raise HarnessError(f"--where {condition}: {nearest(column, map(str, frame.columns))}")
        frame = frame[frame[column].astype(str).isin(value.split(","))]
    return frame


def console() -> Console:
    """Where tables go: as wide as the terminal, and wide enough for every column where there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def _print(frame: pd.DataFrame) -> None:
    table = Table(box=None, pad_edge=False)
    for column in SHOWN:
        table.add_column(column, justify="right" if column in ("seed", "score", "low", "high", "n") else "left")
    for row in frame[list(SHOWN)].itertuples(index=False):
        *labels, score, low, high, n = row
        numbers = ["-" if value != value else f"{100 * value:.1f}" for value in (score, low, high)]
        table.add_row(*map(str, labels), *numbers, str(n))
    wide = console()
    wide.print(table)
    wide.print(f"{len(frame)} rows; scores x 100, intervals 95 % (bootstrap over groups)")

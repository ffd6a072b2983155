"""What `harness scores` prints: the long table of the store, narrowed and in the form that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from harness.errors import HarnessError, nearest
from harness.languages import canonical
from harness.seen import seen_languages, status
from harness.storage.store import Store
from harness.sweep.options import Options, suites_of

if TYPE_CHECKING:
    import pandas as pd

    from harness.storage.store import CellRecord

SHOWN = (
    "suite", "task", "model", "strategy", "sources", "shots", "size", "limit", "target", "seen", "seed", "provenance",
    "metric", "score", "low", "high", "n",
)  # fmt: skip
ORDER = ("task", "model", "strategy", "shots", "size", "limit", "sources", "seed", "target")
WHERE_GIVEN = ("shots", "size", "limit")  # shown where any row has one: most tables have none
LANGUAGES = ("target", "sources")
NUMBERS = ("shots", "size", "limit", "seed", "score", "low", "high", "n")
PERCENT = ("score", "low", "high")


def scores(results: Path, where: Sequence[str], all_metrics: bool, form: str) -> None:
    """Prints stored cells.

    Args:
        where: ``column=value`` conditions, all of which must hold; a comma in the value is `or`.
        form: ``table`` (scores x 100), ``csv`` or ``json`` (native units, every column). Where no cell fits, these are
            empty, and no error; stderr says why, and what else was asked for that no cell has.

    Raises:
        HarnessError: an unknown column, or no store.
    """
    every = stored(results, Options())
    fitting = narrowed(every, where)
    frame = fitting if all_metrics else fitting[fitting["main"]]
    why = misfits(every, where) if where else ["there is no cell yet"] if every.empty else []
    if frame.empty and len(fitting):
        why.append(f"{len(fitting)} rows fit, none of a task's main metric: --all-metrics shows them")
    for line in why:
        click.echo(f"harness: {line}", err=True)
    frame = frame.sort_values(list(ORDER), kind="stable", ignore_index=True)
    if form == "csv":
        frame.to_csv(sys.stdout, index=False)
    elif form == "json":
        frame.to_json(sys.stdout, orient="records", force_ascii=False, indent=1)
        sys.stdout.write("\n")
    elif not frame.empty:
        _print(frame)


def stored(results: Path, options: Options, keep: Callable[[CellRecord], bool] = lambda _: True) -> pd.DataFrame:
    """The long table of a store with what is known of its tasks and models today: ``suite`` and ``seen``.

    Raises:
        HarnessError: there is no store.
    """
    store = Store.existing(results)
    frame = store.frame(keep)
    return with_seen(with_suites(frame, suites_of(options)), store, options)


def with_seen(frame: pd.DataFrame, store: Store, options: Options) -> pd.DataFrame:
    """The long table with ``seen`` as its last column: whether the model's pretraining had the target, if known."""
    models = frame[["model", "task", "predict_key"]].drop_duplicates("model").itertuples(index=False)
    known = {model: seen_languages(model, (task, key), store, options) for model, task, key in models}
    told = [status(target, known[model]) for model, target in zip(frame["model"], frame["target"], strict=True)]
    return frame.assign(seen=told).astype({"seen": "str"})


def with_suites(frame: pd.DataFrame, suites: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The long table with the suites of each row's task, joined by ``+``, as its first column."""
    names = frame["task"].map(lambda task: "+".join(suites.get(task, ()))).astype("str")
    wide = frame.copy()
    wide.insert(0, "suite", names)
    return wide


def narrowed(frame: pd.DataFrame, where: Sequence[str]) -> pd.DataFrame:
    """The rows for which every ``column=value`` holds; one of its suites is enough for a row."""
    for column, wanted in conditions(where, map(str, frame.columns)):
        held = frame[column].astype(str)
        if column == "suite":
            fits = held.map(lambda names, wanted=wanted: not wanted.isdisjoint(names.split("+"))).astype(bool)
        else:
            fits = held.isin(wanted)
        frame = frame[fits]
    return frame


def misfits(frame: pd.DataFrame, where: Sequence[str]) -> list[str]:
    """What conditions ask for that no row has, with the nearest that there is; else the first that leaves no row."""
    told = conditions(where, map(str, frame.columns))
    if frame.empty:
        return ["there is no cell at all"]
    strange = [(column, value) for column, wanted in told for value in sorted(wanted - _values(frame, column))]
    if strange:
        return [f"no cell has {column}={value}: {_near(column, value, frame)}" for column, value in strange]
    for i, (condition, (column, wanted)) in enumerate(zip(where, told, strict=True)):
        rest = narrowed(frame, [condition])
        if rest.empty:
            held = " and ".join(where[:i])
            return [f"of the cells with {held} none has {condition}: {_near(column, min(wanted), frame)}"]
        frame = rest
    return []


def _values(frame: pd.DataFrame, column: str) -> set[str]:
    values = set(frame[column].astype(str))
    return {one for value in values for one in value.split("+")} if column == "suite" else values


def _near(column: str, value: str, frame: pd.DataFrame) -> str:
    """The value of a column that comes nearest; of a language that is none, the nearest of all languages."""
    if column in LANGUAGES:
        try:
            for spelling in value.split("+"):
                canonical(spelling)
        except HarnessError as error:
            return str(error)
    return nearest(value, _values(frame[frame[column].notna()], column))


def conditions(where: Sequence[str], columns: Iterable[str]) -> list[tuple[str, frozenset[str]]]:
    """Each ``column=value,value`` as the column and the values that it may have; languages in any spelling.

    Raises:
        HarnessError: it is none, or there is no such column.
    """
    known = tuple(columns)
    found = []
    for condition in where:
        column, equals, value = condition.partition("=")
        if not equals:
            raise HarnessError(f"--where {condition}: write COLUMN=VALUE")
        if column not in known:
            raise HarnessError(f"--where {condition}: {nearest(column, known)}")
        each = value.split(",")
        found.append((column, frozenset(map(_codes, each) if column in LANGUAGES else each)))
    return found


def _codes(spellings: str) -> str:
    """Languages joined by ``+`` in canonical codes; what is none stays as it is, and fits nothing."""
    try:
        return "+".join(map(canonical, spellings.split("+")))
    except HarnessError:
        return spellings


def console() -> Console:
    """Where tables go: as wide as the terminal, and wide enough for every column where there is none."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)


def _print(frame: pd.DataFrame) -> None:
    shown = [name for name in SHOWN if name not in WHERE_GIVEN or frame[name].fillna(0).any()]
    table = Table(box=None, pad_edge=False)
    for column in shown:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for row in zip(*(_texts(frame, column) for column in shown), strict=True):
        table.add_row(*row)
    wide = console()
    wide.print(table)
    wide.print(f"{len(frame)} rows; scores x 100, intervals 95 % (bootstrap over groups)")


def _texts(frame: pd.DataFrame, column: str) -> Iterable[str]:
    """A column as it is printed; ``-`` where there is no value."""
    for value, absent in zip(frame[column], frame[column].isna(), strict=True):
        yield "-" if absent else f"{100 * value:.1f}" if column in PERCENT else str(value)

"""What `harness analyze` wrote, as a page shows it: figures and tables copied beside it, its index read."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

ROWS = 100  # of a table that are shown; the file has all
INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: where it lies beside the page, and its words."""

    file: str
    title: str
    caption: str


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a table; ``rows`` counts all of them, ``numeric`` says which columns hold numbers."""

    name: str
    file: str
    columns: list[str]
    body: list[list[str]]
    numeric: list[bool]
    rows: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis."""

    name: str
    about: str
    notes: list[str]
    figures: list[Figure]
    tables: list[Table]


@dataclass(frozen=True, slots=True)
class Study:
    """One call of `harness analyze`, or the end of a sweep.

    Attributes:
        short: its answer as plain text; empty where it has none.
    """

    name: str
    parameters: dict[str, str]
    notes: list[str]
    failed: dict[str, str]
    short: str
    analyses: list[Analysis]


def read_study(folder: Path, name: str, beside: Path) -> Study:
    """The study of a folder with an ``index.json``; its figures and tables are copied to ``beside/name``.

    Raises:
        HarnessError: the index or a file that it names cannot be read.
    """
    try:
        index = json.loads((folder / INDEX).read_bytes())
        short = folder / "short.txt"
        return Study(
            name=folder.name,
            parameters={str(key): str(value) for key, value in index["parameters"].items()},
            notes=[str(note) for note in index["notes"]],
            failed={str(key): str(value) for key, value in index["failed"].items()},
            short=short.read_text(encoding="utf-8") if short.is_file() else "",
            analyses=[_analysis(one, folder, name, beside) for one in index["analyses"]],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(
            f"{folder / INDEX}: cannot be read ({type(error).__name__}: {error}); `harness analyze` writes it anew"
        ) from error


def _analysis(one: dict[str, Any], folder: Path, name: str, beside: Path) -> Analysis:
    return Analysis(
        name=one["name"],
        about=one["about"],
        notes=list(one["notes"]),
        figures=[
            Figure(_copied(figure["svg"], folder, name, beside), figure["title"], figure["caption"])
            for figure in one["figures"]
        ],
        tables=[_table(table, folder, name, beside) for table in one["tables"]],
    )


def _copied(file: str, folder: Path, name: str, beside: Path) -> str:
    """The address of the copy, as seen from the page."""
    source = (folder / file).resolve()
    if not source.is_relative_to(folder.resolve()):
        raise ValueError(f"{file} lies outside")
    copy = beside / name / file
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    return f"{name}/{file}"


def _table(one: dict[str, Any], folder: Path, name: str, beside: Path) -> Table:
    with (folder / one["csv"]).open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        columns = next(lines, [])
        body = [list(map(_short, line)) for line in islice(lines, ROWS)]
    numeric = [any(row[k] for row in body) and all(_is_number(row[k]) for row in body) for k in range(len(columns))]
    return Table(one["name"], _copied(one["csv"], folder, name, beside), columns, body, numeric, int(one["rows"]))


def _short(text: str) -> str:
    """A number to four figures; anything else as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    return text if not math.isfinite(value) or value == int(value) else f"{value:.4g}"


def _is_number(text: str) -> bool:
    try:
        return not text or math.isfinite(float(text))
    except ValueError:
        return False


def studies(folders: Sequence[Path]) -> list[Path]:
    """The folders that hold a study: those named that have an index, and the folders directly in them that do."""
    every = [one for folder in folders if folder.is_dir() for one in (folder, *sorted(folder.iterdir()))]
    return [one for one in every if (one / INDEX).is_file()]

"""How many rows the full data sets on the hub have, and the refusal of a download that has fewer or more."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files

from harness.errors import DataError


def expected(path: str, config: str, split: str) -> int | None:
    """The published number of rows; None where none is known."""
    for pattern, rows in _published().get((path, split), {}).items():
        if fnmatchcase(config, pattern):
            return rows
    return None


def check(path: str, config: str, split: str, rows: int) -> None:
    """Nothing, if a split has the published number of rows, or none is known for it.

    Raises:
        DataError: it has another.
    """
    known = expected(path, config, split)
    if known is not None and known != rows:
        raise DataError(
            f"{path}, configuration {config or 'default'}, split {split}: {rows} rows, where {known} are published; "
            f"the download is not whole, or the data set has changed. Empty its cache and fetch it again, or pin "
            f"another task.hub.revision."
        )


@lru_cache(maxsize=1)
def _published() -> Mapping[tuple[str, str], Mapping[str, int]]:
    """Rows by path and split, then by a glob of configurations."""
    table: dict[tuple[str, str], dict[str, int]] = {}
    lines = files("harness.data").joinpath("sizes.csv").read_text(encoding="utf-8").splitlines()
    for line in csv.DictReader(lines):
        table.setdefault((line["path"], line["split"]), {})[line["config"]] = int(line["rows"])
    return table

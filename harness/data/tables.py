"""Rows of tables: tab-separated text, JSON lines and Parquet, their columns renamed to the task type's fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.data.examples import Row
from harness.data.files import place, read_lines, shown
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError, nearest

OPTIONAL = frozenset({"label"})  # test files without labels lack the column; whether that is right is seen later


def tsv(request: Request) -> Iterator[Row]:
    """One row a line, nothing quoted.

    Options: ``columns`` maps our fields to column names, or to indices from 0 where there is no header; ``header``
    (true unless said otherwise) tells whether the first line names the columns.

    Raises:
        DataError: a column is missing, or a line has another number of columns than the first.
    """
    columns = _columns(request)
    for path in request.paths:
        lines = read_lines(path)
        table = enumerate(lines, start=1)
        names = next(table)[1].split("\t") if request.options.get("header", True) else None
        width = len(lines[0].split("\t"))
        places = _places(columns, names, width, path)
        for number, line in table:
            cells = line.split("\t")
            if len(cells) != width:
                raise DataError(f"{place(path, number)}: {len(cells)} columns where line 1 has {width}: {line[:60]!r}")
            yield Row({field: cells[i] for field, i in places.items()}, place(path, number))


def jsonl(request: Request) -> Iterator[Row]:
    """One row a line, each an object; the option ``columns`` maps our fields to its keys.

    Raises:
        DataError: a line is no JSON object, or lacks a key.
    """
    columns = _columns(request)
    for path in request.paths:
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{place(path, number)}: no JSON ({error.msg}): {line[:60]!r}") from None
            if not isinstance(record, dict):
                raise DataError(f"{place(path, number)}: expected an object, found {line[:60]!r}")
            yield Row(_renamed(record, columns, place(path, number)), place(path, number))


def parquet(request: Request) -> Iterator[Row]:
    """One row a record; the option ``columns`` maps our fields to its columns.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import read_table

    columns = _columns(request)
    for path in request.paths:
        try:
            records = read_table(path).to_pylist()
        except (ArrowException, OSError) as error:
            raise DataError(f"{shown(path)}: no Parquet file that can be read: {error}") from None
        for number, record in enumerate(records, start=1):
            where = f"{shown(path)}, row {number}"
            yield Row(_renamed(record, columns, where), where)


def _columns(request: Request) -> Mapping[str, str | int]:
    columns = request.options.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise DataError(
            "a table needs the option `columns`, such as {first: premise, second: hypothesis, label: label}"
        )
    return columns


def _places(columns: Mapping[str, str | int], names: list[str] | None, width: int, path: Path) -> dict[str, int]:
    places = {}
    for field, column in columns.items():
        if names is not None and column in names:
            places[field] = names.index(str(column))
        elif names is None and isinstance(column, int) and column < width:
            places[field] = column
        elif field not in OPTIONAL:
            known = nearest(str(column), names) if names else f"it has {width}, counted from 0"
            raise DataError(f"{place(path, 1)}: no column {column!r}: {known}")
    return places


def _renamed(record: Mapping[str, object], columns: Mapping[str, str | int], where: str) -> dict[str, object]:
    fields = {}
    for field, column in columns.items():
        if column in record:
            fields[field] = record[str(column)]
        elif field not in OPTIONAL:
            raise DataError(f"{where}: no column {column!r}: {nearest(str(column), record)}")
    return fields


READERS.add("tsv")(Reader(tsv))
READERS.add("jsonl")(Reader(jsonl))
READERS.add("parquet")(Reader(parquet))

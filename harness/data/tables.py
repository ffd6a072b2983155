"""Rows of tables: tab- and comma-separated text, JSON lines and Parquet, columns renamed to the task type's fields.

The option ``where`` maps columns to globs, with ``{code}`` for the data set's spelling of the language: other rows are
left out, as where one file holds every language.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

from harness.data.examples import Row
from harness.data.files import place, read_lines, read_text, shown
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError, nearest

LONGEST = 2**27  # characters of a quoted cell; news articles exceed the library's limit
OPTIONS = frozenset({"columns", "where", "pivot"})
OPTIONAL = frozenset({"answer", "label", "value"})  # test files without them lack the column; see hidden.py


def tsv(request: Request) -> Iterator[Row]:
    """One row a line, nothing quoted.

    Options: ``columns`` maps our fields to column names, or to indices from 0 where there is no header; ``header``
    (true unless said otherwise) tells whether the first line names the columns.

    Raises:
        DataError: a column is missing, or a line has another number of columns than the first.
    """
    for path in request.paths:
        yield from _table(path, ((n, line.split("\t")) for n, line in enumerate(read_lines(path), start=1)), request)


def comma(request: Request) -> Iterator[Row]:
    """One row a record of comma-separated text, which may be quoted and then go over several lines.

    Options as those of ``tsv``.

    Raises:
        DataError: a column is missing, a record has another number of columns than the first, or a quote stays open.
    """
    csv.field_size_limit(LONGEST)
    for path in request.paths:
        yield from _table(path, _records(path), request)


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The records with the lines on which they start."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True, skipinitialspace=True)
    start = 1
    try:
        for cells in reader:
            if cells:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{place(path, start)}: no comma-separated record: {error}") from None


def _table(path: Path, records: Iterator[tuple[int, list[str]]], request: Request) -> Iterator[Row]:
    first = next(records)
    names = first[1] if request.options.get("header", True) else None
    width = len(first[1])
    places = _places(_columns(request), names, width, path)
    wanted = _where(request)
    conditions = _places({column: column for column in wanted}, names, width, path)
    for number, cells in records if names is not None else chain((first,), records):
        if len(cells) != width:
            text = "\t".join(cells)[:60]
            raise DataError(f"{place(path, number)}: {len(cells)} columns where line 1 has {width}: {text!r}")
        if all(fnmatchcase(cells[i], wanted[column]) for column, i in conditions.items()):
            yield Row({field: cells[i] for field, i in places.items()}, place(path, number))


def jsonl(request: Request) -> Iterator[Row]:
    """One row a line, each an object; the option ``columns`` maps our fields to its keys.

    Raises:
        DataError: a line is no JSON object, or lacks a key.
    """
    columns, wanted = _columns(request), _where(request)
    for path in request.paths:
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip():
                continue
            where = place(path, number)
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{where}: no JSON ({error.msg}): {line[:60]!r}") from None
            if not isinstance(record, dict):
                raise DataError(f"{where}: expected an object, found {line[:60]!r}")
            if _fits(record, wanted, where):
                yield Row(_renamed(record, columns, where), where)


def parquet(request: Request) -> Iterator[Row]:
    """One row a record; the option ``columns`` maps our fields to its columns.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import read_table

    columns, wanted = _columns(request), _where(request)
    for path in request.paths:
        try:
            records = read_table(path).to_pylist()
        except (ArrowException, OSError) as error:
            raise DataError(f"{shown(path)}: no Parquet file that can be read: {error}") from None
        for number, record in enumerate(records, start=1):
            where = f"{shown(path)}, row {number}"
            if _fits(record, wanted, where):
                yield Row(_renamed(record, columns, where), where)


def _columns(request: Request) -> Mapping[str, str | int]:
    columns = request.options.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise DataError(
            "a table needs the option `columns`, such as {first: premise, second: hypothesis, label: label}"
        )
    return columns


def _where(request: Request) -> dict[str, str]:
    where = request.options.get("where") or {}
    if not isinstance(where, Mapping):
        raise DataError(f"the option `where` maps columns to globs, as in {{language: '{{code}}'}}; got {where!r}")
    return {str(column): str(glob).replace("{code}", request.code) for column, glob in where.items()}


def _fits(record: Mapping[str, object], wanted: Mapping[str, str], where: str) -> bool:
    for column in wanted:
        if column not in record:
            raise DataError(f"{where}: no column {column!r}: {nearest(column, record)}")
    return all(fnmatchcase(str(record[column]), glob) for column, glob in wanted.items())


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


READERS.add("csv")(Reader(comma, OPTIONS | {"header"}))
READERS.add("tsv")(Reader(tsv, OPTIONS | {"header"}))
READERS.add("jsonl")(Reader(jsonl, OPTIONS))
READERS.add("parquet")(Reader(parquet, OPTIONS))

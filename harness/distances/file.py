"""Distances from a CSV file of the user's own: a square matrix, or rows of a, b, value."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.data.files import read_text
from harness.distances.base import DISTANCES, Context, Distance, Floats, Kind, frame
from harness.errors import DataError, HarnessError
from harness.languages import canonical

LONG = ("a", "b", "value")
FEW = 0.1
"""Pairs that may differ by direction in a matrix that is otherwise symmetric before this is what it means to say."""


def read_distance(path: Path, name: str = "") -> Distance:
    """The distance that a CSV file holds.

    A square matrix has languages in its first row and column, rows being a and columns b; a long table the columns
    ``a``, ``b`` and ``value``. Languages may be spelt in any way that the harness knows; empty cells are unknown. What
    is given in one direction only counts for both.

    Args:
        name: what to call it; the file's name without its suffix by default.

    Raises:
        DataError: a language is unknown or stands there twice, a value is no number or negative, a pair has two values,
            nearly all pairs are symmetric but a few are not, or the values look like similarities.
    """
    rows = _rows(path)
    header = [cell.strip().casefold() for cell in rows[0]]
    table = _long(path, rows, header) if set(LONG) <= set(header) else _square(path, rows)
    own = {pair: value for pair, value in table.items() if pair[0] == pair[1]}
    pairs = {pair: value for pair, value in table.items() if pair[0] != pair[1] and not math.isnan(value)}
    _refuse_similarities(path, own, pairs)
    symmetric = _symmetric(path, pairs)
    if symmetric:
        pairs |= {(b, a): value for (a, b), value in pairs.items()}

    def compute(codes: Sequence[str], context: Context) -> pd.DataFrame:  # noqa: ARG001
        values = np.array([[pairs.get((a, b), math.nan) for b in codes] for a in codes])
        return frame(codes, values)

    label = name or (path.stem if path.stem not in DISTANCES else path.name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return Distance(label, Kind.FILE, f"{path.name}, sha256 {digest}", symmetric, compute)


def doubt(values: Floats) -> str:
    """Why values of a typological distance should not be trusted; empty where nothing is suspicious.

    URIEL's own distances take two languages without data for identical (0.0002), and languages without coordinates for
    antipodes (1.0), as do family trees, with more right, for languages of two families.
    """
    known = values[np.isfinite(values)]
    if len(np.unique(known)) <= 6:  # flags and steps, which may well be 0 or 1 for many
        return ""
    low, top = float((known <= 0.001).mean()), float((known == 1.0).mean())
    if low > 0.05:
        return f"{low:.1%} of the values are at most 0.001: two languages without data look identical there"
    if top > 0.05:
        return f"{top:.1%} of the values are exactly 1: right in a family tree, elsewhere languages without data"
    return ""


def _rows(path: Path) -> list[list[str]]:
    text = read_text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    while rows and not any(rows[-1]):
        rows.pop()
    if len(rows) < 2:
        raise DataError(f"{path}: holds no distances; expected a square matrix, or the columns {', '.join(LONG)}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DataError(f"{path}, line {number}: {len(row)} cells, the first line has {len(rows[0])}")
    return rows


def _long(path: Path, rows: list[list[str]], header: list[str]) -> dict[tuple[str, str], float]:
    at = [header.index(column) for column in LONG]
    codes = _canonical(path, dict.fromkeys(row[i].strip() for row in rows[1:] for i in at[:2]), distinct=False)
    found: dict[tuple[str, str], float] = {}
    for number, row in enumerate(rows[1:], start=2):
        a, b, cell = (row[i].strip() for i in at)
        pair = codes[a], codes[b]
        if pair in found:
            raise DataError(f"{path}, line {number}: {a} to {b} stands in the file before; one value a pair")
        found[pair] = _number(cell, f"{path}, line {number}")
    return found


def _square(path: Path, rows: list[list[str]]) -> dict[tuple[str, str], float]:
    columns, lines = [cell.strip() for cell in rows[0][1:]], [row[0].strip() for row in rows[1:]]
    if sorted(columns) != sorted(lines):
        odd = sorted(set(columns) ^ set(lines)) or [name for name in lines if lines.count(name) > 1]
        raise DataError(
            f"{path}: not a square matrix: {odd[0]!r} is not once in the first row and once in the first column; "
            f"or name the columns {', '.join(LONG)}"
        )
    codes = _canonical(path, columns)
    return {
        (codes[a], codes[b]): _number(cell.strip(), f"{path}, line {number}, column {b}")
        for number, (a, row) in enumerate(zip(lines, rows[1:], strict=True), start=2)
        for b, cell in zip(columns, row[1:], strict=True)
    }


def _canonical(path: Path, spellings: Mapping[str, object] | list[str], *, distinct: bool = True) -> dict[str, str]:
    found: dict[str, str] = {}
    unknown: list[str] = []
    for spelling in spellings:
        try:
            code = canonical(spelling)
        except HarnessError as error:
            unknown.append(str(error))
            continue
        twin = next((other for other, known in found.items() if known == code), None)
        if twin is not None and (distinct or twin != spelling):
            raise DataError(f"{path}: {twin!r} and {spelling!r} are one language, {code}: keep one of them")
        found[spelling] = code
    if unknown:
        raise DataError(f"{path}: {'; '.join(unknown[:3])} ({len(unknown)} in all): mend them, or leave them out")
    return found


def _number(cell: str, where: str) -> float:
    if cell.casefold() in {"", "na", "nan"}:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        raise DataError(f"{where}: {cell!r} is no number") from None
    if not 0 <= value < math.inf:
        raise DataError(f"{where}: {cell} is no distance; distances are finite and not negative")
    return value


def _refuse_similarities(
    path: Path, own: Mapping[tuple[str, str], float], pairs: Mapping[tuple[str, str], float]
) -> None:
    far = [pair for pair, value in own.items() if value > 0]
    if far and pairs and min(own[pair] for pair in far) >= max(pairs.values()):
        raise DataError(f"{path}: the values look like similarities (the diagonal is highest): give one minus them")
    if far:
        raise DataError(f"{path}: {far[0][0]} is {own[far[0]]} from itself, and must be 0 or left empty")


def _symmetric(path: Path, pairs: Mapping[tuple[str, str], float]) -> bool:
    """Whether every pair that is given both ways has one value."""
    both = [(pair, value, pairs[pair[::-1]]) for pair, value in _upper(pairs) if pair[::-1] in pairs]
    differ = [(pair, one, other) for pair, one, other in both if not math.isclose(one, other, rel_tol=1e-6)]
    if differ and len(differ) < FEW * len(both):
        (a, b), one, other = differ[0]
        raise DataError(
            f"{path}: {len(differ)} of {len(both)} pairs differ by direction, {a} to {b} ({one}, and back {other}) "
            f"first: mend them, or leave one direction empty"
        )
    return not differ


def _upper(pairs: Mapping[tuple[str, str], float]) -> Iterator[tuple[tuple[str, str], float]]:
    return ((pair, value) for pair, value in pairs.items() if pair[0] < pair[1])

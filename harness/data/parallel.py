"""Sentences of parallel text: one a line, the same line in every language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.data.examples import Row
from harness.data.files import place, read_lines, shown
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError


def rows(request: Request) -> Iterator[Row]:
    """One row a line: ``text``, its line number as ``id``, and its document as ``group``.

    The option ``groups`` is a file with one document id a line.

    Raises:
        DataError: a line is empty, or the files have different numbers of lines.
    """
    lines = [(path, number, line) for path in request.paths for number, line in enumerate(read_lines(path), start=1)]
    groups = request.options.get("groups")
    documents = read_lines(Path(str(groups))) if groups else None
    if documents is not None and len(documents) != len(lines):
        names = ", ".join(map(shown, request.paths))
        raise DataError(f"{names}: {len(lines)} lines, but {shown(Path(str(groups)))} names {len(documents)}")
    for index, (path, number, line) in enumerate(lines):
        if not line.strip():
            raise DataError(
                f"{place(path, number)}: the line is empty, where a sentence of {request.language} should be"
            )
        fields: dict[str, object] = {"id": str(index + 1), "text": line.strip()}
        if documents is not None:
            fields["group"] = documents[index].strip()
        yield Row(fields, place(path, number))


def check_lengths(one: Sequence[Path], other: Sequence[Path]) -> None:
    """Nothing, if both sides of a pair have the same number of lines.

    Raises:
        DataError: they have not; both numbers are named.
    """
    lengths = [sum(len(read_lines(path)) for path in side) for side in (one, other)]
    if lengths[0] != lengths[1]:
        sides = (", ".join(map(shown, side)) for side in (one, other))
        raise DataError(" and ".join(f"{side} ({n} lines)" for side, n in zip(sides, lengths, strict=True)) + " differ")


READERS.add("parallel")(Reader(rows, frozenset({"groups", "pivot"})))
